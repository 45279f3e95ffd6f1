#!/bin/sh
# Head office's acts at the backend that start.sh started in DIR, as the kit asks an operator's
# command for them (../conformance.md): those that backend.py takes while it runs.
#
#   sekisho-sim conform --operator 'docs/examples/office.sh DIR' …
#   docs/examples/office.sh DIR code STORE REGISTER…
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1 act=$2
shift 2

case $act in
revoke) exec python3 -B "$here/enrol.py" revoke --data "$dir/backend.db" --register "$1" ;;
code)
  store=$1
  shift
  exec python3 -B "$here/enrol.py" code --data "$dir/backend.db" --ca "$dir/ca" --root-key "$dir/operator/root.skey" \
    --realm demo/development --class demo --store "$store" --register "$@"
  ;;
*) exit 77 ;; # not done here
esac
