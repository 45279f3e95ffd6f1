#!/bin/sh
# Starts backend.py with a demo's keys and a policy, or ends it and starts it again on its data.
#
#   docs/examples/start.sh BIN DIR PORT [FLAG OF backend.py…]
#
# BIN is the folder of sekisho-sim. DIR is made where it is not there; DIR/pid then holds the
# process and DIR/log what it says. It serves once this returns: registers at PORT of 127.0.0.1,
# head office's acts at the port after it. Without a flag over TLS, with its CA in DIR/ca.
set -eu
export PYTHONDONTWRITEBYTECODE=1 # nothing is left in the tree
here=$(cd "$(dirname "$0")" && pwd)
bin=$1 dir=$2 port=$3
shift 3
[ $# != 0 ] || set -- --ca "$dir/ca"

if [ -f "$dir/pid" ]; then
  old=$(cat "$dir/pid") tries=0
  kill "$old" 2>/dev/null || true
  while kill -0 "$old" 2>/dev/null && [ $tries -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  kill -9 "$old" 2>/dev/null || true
fi
[ -f "$dir/policy.note" ] || "$here/policy.sh" "$bin" "$dir" "$dir/policy.note"

: >"$dir/out"
python3 "$here/backend.py" --listen "127.0.0.1:$port" --admin $((port + 1)) --data "$dir/backend.db" \
  --root "$dir/operator/root.vkey" --roles "$dir/operator/roles" --policy "$dir/policy.note" \
  --hpke "$dir/operator/backend.hpke.key" "$@" >"$dir/out" 2>>"$dir/log" &
echo $! >"$dir/pid"
until grep -q listening "$dir/out"; do
  kill -0 "$(cat "$dir/pid")" 2>/dev/null || {
    cat "$dir/log" >&2
    rm "$dir/pid"
    exit 1
  }
  sleep 0.05
done
