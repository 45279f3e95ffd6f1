#!/bin/sh
# Starts the reference backend by itself and plays the kit against it as against anybody's: over
# TLS, with one-time codes and its operator's commands.
#
#   docs/examples/reference.sh BIN [ARGUMENT OF conform…]
#
# BIN is the folder of sekisho-sim. All files go to a folder that is taken away at the end. The exit
# status is the kit's.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
bin=$(cd "$1" && pwd)
shift
dir=$(mktemp -d)
trap 'kill "$(cat "$dir/pid")" 2>/dev/null || true; rm -rf "$dir"' EXIT

# A run uses up the caps of the demo's own policy.
"$here/policy.sh" "$bin" "$dir" "$dir/operator/policy"

# The first start takes free ports; later ones have to take the same.
cat >"$dir/start" <<END
link=127.0.0.1:0 admin=127.0.0.1:0
if [ -f "$dir/pid" ]; then
  kill "\$(cat "$dir/pid")"
  while kill -0 "\$(cat "$dir/pid")" 2>/dev/null; do sleep 0.05; done
  link=\$(sed 's|.*wss://\([^/]*\)/.*|\1|' "$dir/out") admin=\$(sed 's|.*http://\([^"]*\)".*|\1|' "$dir/out")
fi
: >"$dir/out"
"$bin/sekisho-sim" backend --dir "$dir" --file "$dir/ledger.db" --dials 1000000 --listen "\$link" --admin "\$admin" \
  >"$dir/out" 2>"$dir/log" &
echo \$! >"$dir/pid"
until [ -s "$dir/out" ]; do sleep 0.05; kill -0 "\$(cat "$dir/pid")" || { cat "$dir/log"; exit 1; }; done
END
sh "$dir/start"

for n in $(seq 34); do # the second is of another store
  store=store-1
  [ "$n" = 2 ] && store=store-2
  printf '[[register]]\nstore = "%s"\nid = "r%d"\ncode = "%s"\n' "$store" "$n" \
    "$("$bin/sekisho-sim" backend register code --dir "$dir" --store "$store" --register "r$n")"
done >"$dir/kit.toml"

"$bin/sekisho-sim" conform --backend "$(sed 's|.*\(wss://[^"]*\)".*|\1|' "$dir/out")" --fixture "$dir/kit.toml" \
  --wallet "$dir/operator/wallet.key" --admin "$(sed 's|.*\(http://[^"]*\)".*|\1|' "$dir/out")" \
  --restart "sh '$dir/start'" --operator "'$here/operator.sh' '$bin' '$dir'" "$@"
