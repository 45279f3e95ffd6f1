#!/bin/sh
# Head office's acts at `sekisho-sim backend --dir DIR`, as the kit asks an operator's command for
# them (../conformance.md): one to take as it is, or to put your own backend's commands into.
#
#   sekisho-sim conform --operator 'docs/examples/operator.sh BIN DIR' …
#
# BIN is the folder of sekisho-sim.
set -eu
sim=$1/sekisho-sim dir=$2 act=$3
shift 3
trap 'rm -f "$dir/kit.note"' EXIT

# publish AS FILE KEY…
publish() {
  as=$1 file=$2 keys=
  shift 2
  for key; do keys="$keys --key $dir/operator/$key.skey"; done
  # No quotes: a flag and its file are two words. So DIR has no spaces.
  "$sim" policy sign --as "$as" $keys --out "$dir/kit.note" "$file"
  "$sim" policy publish --backend-data "$dir" --as "$as" "$dir/kit.note"
}

case $act in
freeze) publish freeze "$1" freeze ;;
lift) publish freeze "$1" policy-1 policy-2 ;;
policy) publish policy "$1" policy-1 policy-2 ;;
roles)
  file=$1
  shift
  keys=
  for key; do
    [ "$key" = root ] && key=$dir/operator/root.skey
    keys="$keys --key $key"
  done
  "$sim" policy sign --as roles $keys --out "$dir/kit.note" "$file"
  "$sim" policy publish --backend-data "$dir" --as roles "$dir/kit.note"
  ;;
deny) "$sim" backend denial add --dir "$dir" --issuer "$1" --account "$2" ;;
allow) "$sim" backend denial remove --dir "$dir" --issuer "$1" --account "$2" ;;
revoke) "$sim" backend register revoke --dir "$dir" --register "$1" ;;
code) "$sim" backend register code --dir "$dir" --store "$1" --register "$2" ;;
quarantine) "$sim" backend register quarantine --dir "$dir" --register "$1" --why "$2" ;;
release) "$sim" backend register release --dir "$dir" --register "$1" ;;
*) exit 77 ;; # not done here
esac
