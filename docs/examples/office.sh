#!/bin/sh
# Head office's acts at the backend that start.sh started in DIR, as the kit asks an operator's
# command for them (../conformance.md): those that backend.py takes while it runs.
#
#   sekisho-sim conform --operator 'docs/examples/office.sh DIR' …
#   docs/examples/office.sh DIR code STORE REGISTER…
#   docs/examples/office.sh DIR revoke REGISTER
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=${1:?the folder of start.sh} act=${2:?code or revoke}
shift 2

case $act in
revoke) exec python3 -B "$here/enrol.py" revoke --data "$dir/backend.db" --register "${1:?a register}" ;;
code)
  store=${1:?a store, and registers}
  shift
  exec python3 -B "$here/enrol.py" code --data "$dir/backend.db" --ca "$dir/ca" --root-key "$dir/operator/root.skey" \
    --realm demo/development --class demo --store "$store" --register "$@"
  ;;
*) exit 77 ;; # not done here
esac
