#!/bin/sh
# Starts backend.py on keys of a demo and plays the kit against it.
#
#   docs/examples/conform.sh BIN PORT [ARGUMENT OF conform…]
#
# BIN is the folder of sekisho-sim; PORT and the one after it must be free on loopback. All files
# go to a folder that is taken away at the end. The exit status is the kit's.
set -eu
export PYTHONDONTWRITEBYTECODE=1 # nothing is left in the tree
here=$(cd "$(dirname "$0")" && pwd)
sim=$(cd "$1" && pwd)/sekisho-sim port=$2
shift 2
dir=$(mktemp -d)
trap 'kill "$(cat "$dir/pid")" 2>/dev/null; rm -rf "$dir"' EXIT

"$sim" keys --dir "$dir" >/dev/null
key=$(python3 - "$here" "$dir/operator/wallet.key" <<'PY'
import base64, sys
sys.path.insert(0, sys.argv[1])
import verify
print(base64.b64encode(verify.ed25519.public(bytes.fromhex(open(sys.argv[2]).read().strip()))).decode())
PY
)
sed "s|WALLET|$key|" "$here/policy.toml" >"$dir/policy.toml"
"$sim" policy sign --key "$dir/operator/policy-1.skey" --key "$dir/operator/policy-2.skey" --out "$dir/policy.note" "$dir/policy.toml" >/dev/null
echo "hpke = \"$(cat "$dir/register/keys/backend.hpke")\"" >"$dir/kit.toml"

cat >"$dir/start" <<END
if [ -f "$dir/pid" ]; then
  kill "\$(cat "$dir/pid")"
  while kill -0 "\$(cat "$dir/pid")" 2>/dev/null; do sleep 0.05; done
fi
python3 "$here/backend.py" --listen 127.0.0.1:$port --admin $((port + 1)) --data "$dir/backend.db" \
  --root "$dir/operator/root.vkey" --roles "$dir/operator/roles" --policy "$dir/policy.note" \
  --hpke "$dir/operator/backend.hpke.key" >>"$dir/log" 2>&1 &
echo \$! >"$dir/pid"
until grep -qs listening "$dir/log"; do sleep 0.05; kill -0 "\$(cat "$dir/pid")" || { cat "$dir/log"; exit 1; }; done
END
sh "$dir/start"
status=0
"$sim" conform --backend "ws://127.0.0.1:$port/v1/link" --insecure-dev --wallet "$dir/operator/wallet.key" \
  --fixture "$dir/kit.toml" --admin "http://127.0.0.1:$((port + 1))" --restart "sh '$dir/start'" "$@" || status=$?
grep -v listening "$dir/log" >&2 || true
exit $status
