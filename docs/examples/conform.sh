#!/bin/sh
# Starts backend.py on keys of a demo and plays the kit against it.
#
#   docs/examples/conform.sh [--insecure-dev] BIN PORT [ARGUMENT OF conform…]
#
# It is tried over TLS with registers that are enrolled by one-time codes, or with --insecure-dev
# without. BIN is the folder of sekisho-sim; PORT and the one after it must be free on loopback. All
# files go to a folder that is taken away at the end. The exit status is the kit's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
plain=
[ "$1" != --insecure-dev ] || { plain=$1; shift; }
bin=$(cd "$1" && pwd) port=$2
shift 2
dir=$(mktemp -d)
finish() {
  kill "$(cat "$dir/pid")" && timeout 10 tail --pid="$(cat "$dir/pid")" -f /dev/null || true
  rm -rf "$dir"
} 2>/dev/null
trap finish EXIT
trap 'exit 1' INT TERM HUP

"$here/start.sh" "$bin" "$dir" "$port" $plain
if [ "$plain" ]; then
  echo "hpke = \"$(cat "$dir/register/keys/backend.hpke")\"" >"$dir/kit.toml"
  set -- --backend "ws://127.0.0.1:$port/v1/link" --insecure-dev "$@"
else
  {
    "$here/office.sh" "$dir" code store-1 r1
    "$here/office.sh" "$dir" code store-2 r2
    "$here/office.sh" "$dir" code store-1 $(seq -f r%g 3 34)
  } | awk '{ printf "[[register]]\nstore = \"store-%d\"\nid = \"r%d\"\ncode = \"%s\"\n", NR == 2 ? 2 : 1, NR, $0 }' >"$dir/kit.toml"
  set -- --backend "wss://127.0.0.1:$port/v1/link" --operator "'$here/office.sh' '$dir'" "$@"
fi
status=0
"$bin/sekisho-sim" conform --wallet "$dir/operator/wallet.key" --fixture "$dir/kit.toml" \
  --admin "http://127.0.0.1:$((port + 1))" --restart "'$here/start.sh' '$bin' '$dir' $port $plain" "$@" || status=$?
cat "$dir/log" >&2
exit $status
