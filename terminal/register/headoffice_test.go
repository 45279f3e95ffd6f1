package register_test

import (
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hpke"
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"sync"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal/journal"
	"sekisho/terminal/pass"
	"sekisho/terminal/policy"
)

// policyText is a policy with a cap of each kind. extra is appended.
func policyText(version int64, issuer ed25519.PublicKey, extra string) string {
	return fmt.Sprintf(`version = %d
realm = %q
good_until = 2100-01-01T00:00:00Z
classes = ["convenience"]
business = { zone = "Asia/Tokyo", cut_over = "05:00" }
times = { answer = "5s", query = "3s", give_up = "45s" }
pass = { life = "60s", tolerance = "30s" }
device = { new_for = "72h", new_units_online = 1 }
offline = { floor = 5000, account_yen = 10000, account_count = 5, full_for = "1h", nothing_after = "24h", decline_bars = "24h" }
reserve = { register_percent = 10, store_percent = 30 }
[[category]]
id = "tobacco"
high_resale = true
[[cap]]
id = "tobacco-sale"
scope = "register"
window = "sale"
category = "tobacco"
units = 15
[[cap]]
id = "tobacco-offline"
scope = "store"
window = "day"
category = "tobacco"
offline_only = true
units = 2
[[cap]]
id = "tobacco-day"
scope = "store"
window = "day"
category = "tobacco"
units = 20
[[wallet]]
id = "pay"
name = "Pay"
prefix = "9000"
min_length = 24
max_length = 24
[[pass_issuer]]
name = "wallet"
key_id = "k1"
key = %q
%s`, version, realm, base64.StdEncoding.EncodeToString(issuer), extra)
}

const watchPacks = "[[watch]]\ngtin = \"2000000000015\"\ncategory = \"tobacco\"\nunits = 1\n"

// keys are made once: they are the same in every world.
var keys = sync.OnceValue(func() (k struct {
	root, signer, freezer note.Signer // signer signs policies
	rootText              string      // root's verifier key
	roles                 *policy.Roles
	issuer                ed25519.PrivateKey
	device                *ecdsa.PrivateKey
	sealer                hpke.PrivateKey
}) {
	must := func(err error) {
		if err != nil {
			panic(err)
		}
	}
	public := map[string]string{}
	for name, signer := range map[string]*note.Signer{"root": &k.root, "office": &k.signer, "freezer": &k.freezer} {
		private, verifier, err := note.GenerateKey(rand.Reader, name)
		must(err)
		*signer, err = note.NewSigner(private)
		must(err)
		public[name] = verifier
	}
	k.rootText = public["root"]
	pinned, err := note.NewVerifier(public["root"])
	must(err)
	roles, err := policy.SignRoles(fmt.Sprintf("version = 1\nrealm = %q\nroot = %q\n[policy]\nthreshold = 1\nkeys = [%q]\n[freeze]\nthreshold = 1\nkeys = [%q]\n",
		realm, public["root"], public["office"], public["freezer"]), k.root)
	must(err)
	k.roles, err = policy.OpenRoles(roles, pinned, realm)
	must(err)
	_, k.issuer, err = ed25519.GenerateKey(rand.Reader)
	must(err)
	k.device, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	k.sealer, err = hpke.DHKEM(ecdh.X25519()).GenerateKey()
	must(err)
	return k
})

func (w *world) policy(version int64) string {
	return w.sign(policyText(version, issuerKey(), watchPacks))
}

func (w *world) sign(text string) string {
	w.t.Helper()
	n, err := policy.Sign(text, keys().signer)
	w.must(err)
	return n
}

// passOf makes a pass of a device that was bound to the account some time ago.
func (w *world) passOf(account string, bound time.Duration) string {
	w.t.Helper()
	return w.passAt(time.Now(), account, bound)
}

// passAt is passOf on a phone that believes that it is now.
func (w *world) passAt(now time.Time, account string, bound time.Duration) string {
	w.t.Helper()
	credential, err := pass.IssueCredential(keys().issuer, pass.Credential{
		Issuer: "wallet", KeyID: "k1", Audience: realm, Account: account, Device: &keys().device.PublicKey,
		BoundAt: now.Add(-bound), Issued: now.Add(-time.Hour), Expires: now.Add(1000 * time.Hour), OfflineYen: 8000, OfflineCount: 4,
	})
	w.must(err)
	var id pass.ID
	rand.Read(id[:])
	text, err := pass.Device{Key: keys().device, Credential: credential}.Make(now, id, 1)
	w.must(err)
	return text
}

func issuerKey() ed25519.PublicKey { return keys().issuer.Public().(ed25519.PublicKey) }

// registerKey is the register's own, which signs its checkpoints.
var registerKey = ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))

func checkpointSigner() note.Signer {
	s, err := journal.NewSigner(journal.Origin("s1", "r1"), registerKey)
	if err != nil {
		panic(err)
	}
	return s
}
