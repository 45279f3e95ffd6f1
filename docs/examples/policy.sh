#!/bin/sh
# Makes a demo's keys in DIR and signs policy.toml with them, as the file OUT.
#
#   docs/examples/policy.sh BIN DIR OUT
#
# BIN is the folder of sekisho-sim.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
sim=$1/sekisho-sim dir=$2 out=$3

"$sim" keys --dir "$dir" >/dev/null
key=$(python3 -B - "$here" "$dir/operator/wallet.key" <<'PY'
import base64, sys
sys.path.insert(0, sys.argv[1])
import verify
print(base64.b64encode(verify.ed25519.public(bytes.fromhex(open(sys.argv[2]).read().strip()))).decode())
PY
)
# The business day ends half a day from now in Japan, so that no run goes across it.
sed "s|WALLET|$key|; s|05:00|$(date -u -d '21 hours' +%H:%M)|" "$here/policy.toml" >"$dir/policy.toml"
"$sim" policy sign --key "$dir/operator/policy-1.skey" --key "$dir/operator/policy-2.skey" --out "$out" "$dir/policy.toml" >/dev/null
