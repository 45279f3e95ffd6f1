package backendsim

import (
	"context"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"golang.org/x/mod/sumdb/note"

	"sekisho/terminal"
	"sekisho/terminal/policy"
	"sekisho/terminal/wire"
)

func TestI8ARefusedMessageIsKeptForPeople(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id := newID(t)
	outcome(t, r.ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	thief := w.till("r2", "i1")
	refused(t, thief.ask(w.undo(id, newID(t))), wire.CodeRefused) // another register's payment
	w.pass(time.Minute)
	refused(t, thief.ask(w.undo(id, newID(t))), wire.CodeRefused)
	// A body that cannot be read, with a payment's id and without.
	other := newID(t)
	for i, payment := range []string{other, "4111111111111111"} {
		text := fmt.Sprintf(`{"v":1,"type":"refund","id":"x%d","session":%d,"incarnation":"i1","journal":{"size":9,"root":"%s"},"refund":{"payment":%q}}`,
			i, thief.session, strings.Repeat("a", 64), payment)
		must(t, thief.conn.WriteMessage(websocket.TextMessage, []byte(text)))
		refused(t, thief.await(fmt.Sprintf("x%d", i)), wire.CodeBody)
	}
	// What is not a payment's message, or not for good, is not kept.
	late := w.query(id)
	old := *thief
	old.session--
	refused(t, old.ask(late), wire.CodeSession)
	hello := thief.hello()
	hello.Hello.Store = "store-9"
	refused(t, thief.ask(hello), wire.CodeRefused)

	rows, err := w.b.Ledger().Parked(context.Background())
	must(t, err)
	at := noon.UnixMilli()
	for i := range rows {
		if rows[i].Text == "" {
			t.Errorf("%+v has no text", rows[i])
		}
		rows[i].Text = ""
	}
	later := terminal.Millis(at) + 60_000
	want := []Parked{
		{Register: "r2", Type: "refund", Code: "body", First: later, Last: later, Count: 1},
		{Register: "r2", Type: "refund", Payment: other, Code: "body", First: later, Last: later, Count: 1},
		{Register: "r2", Type: "void", Payment: id, Code: "refused", First: terminal.Millis(at), Last: later, Count: 2},
	}
	if fmt.Sprint(rows) != fmt.Sprint([]Parked{want[0], want[2], want[1]}) && fmt.Sprint(rows) != fmt.Sprint([]Parked{want[0], want[1], want[2]}) {
		t.Errorf("parked are\n%+v, want\n%+v", rows, want)
	}
	if inFiles(t, w.cfg.File, "4111111111111111") {
		t.Error("what stood in an id's place is in the file")
	}
}

func TestParkedMessagesAreBounded(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	must(t, w.b.ledger.change(t.Context(), func(x *tx) error {
		for range parkedMost {
			if err := x.exec("INSERT INTO parked VALUES ('r1', 'void', ?, 'refused', 'no', 1, 1, 1)", newID(t)); err != nil {
				return err
			}
		}
		return nil
	}))
	id := newID(t)
	outcome(t, w.till("r2", "i1").ask(w.buy(id, w.phone("account-0001", boundLongAgo).show(), 100, nil)), wire.OutcomeApproved, "")
	refused(t, r.ask(w.undo(id, newID(t))), wire.CodeRefused)
	rows, err := w.b.Ledger().Parked(t.Context())
	must(t, err)
	if len(rows) != parkedMost {
		t.Errorf("%d are kept", len(rows))
	}
}

func TestProblemsNameReasonAndBearer(t *testing.T) {
	w := running(t)
	r := w.till("r1", "i1")
	id, good := newID(t), newID(t)
	acked(t, r.ask(w.advise(good, w.phone("account-0002", boundLongAgo).show(), 100, nil, nil)), wire.StatusAccepted, "", "")
	must(t, w.b.StopAccount(t.Context(), "demo-wallet", "account-0001"))
	w.pass(time.Minute)
	late := w.advise(id, w.phone("account-0001", boundLongAgo).show(), 100, nil, nil)
	acked(t, r.ask(late), wire.StatusRejected, "account.denied", "operator")
	rows, err := w.b.Ledger().Problems(t.Context())
	must(t, err)
	if len(rows) != 1 || rows[0].Payment != id || rows[0].Store != store || rows[0].Register != "r1" || rows[0].Amount != 100 ||
		rows[0].Reason != "account.denied" || rows[0].Bearer != "operator" {
		t.Errorf("the problems are %+v", rows)
	}
}

func TestTheDeskShowsHowARegisterStands(t *testing.T) {
	w := guarded(t)
	m := w.enrolled("r1")
	w.enrolled("r2").till("i1")
	must(t, w.b.Quarantine(t.Context(), "r2", "backend"))
	w.enrolled("r2").till("i1")
	must(t, w.b.Revoke(t.Context(), "r1"))
	all, err := w.b.Standings(t.Context())
	must(t, err)
	leaf, err := x509.ParseCertificate(m.certificate().Certificate[0])
	must(t, err)
	if len(all) != 2 {
		t.Fatalf("they stand %+v", all)
	}
	one, two := all[0], all[1]
	if one.ID != "r1" || one.Store != store || one.Session != 0 || one.Linked || one.Certificate != serialOf(leaf) || one.Revoked != terminal.Millis(noon.UnixMilli()) {
		t.Errorf("r1 stands %+v", one)
	}
	if two.ID != "r2" || two.Session != 2 || !two.Linked || two.Doubt != "backend" || two.Revoked != 0 || two.Ends != terminal.Millis(noon.Add(certificateLife).UnixMilli()) {
		t.Errorf("r2 stands %+v", two)
	}
}

func TestWhatWasPublishedIsInForceAfterARestart(t *testing.T) {
	w := newGuarded(t)
	w.tls = false
	w.start()
	newer, _ := w.policy(5, 30)
	for _, c := range []struct {
		path, body string
		want       int
	}{{"/admin/policy", newer, http.StatusNoContent}, {"/admin/policy", newer, http.StatusBadRequest}, {"/admin/roles", w.cfg.Roles, http.StatusBadRequest}} {
		if got := w.request(http.MethodPost, c.path, c.body); got != c.want {
			t.Errorf("%s: %d, want %d", c.path, got, c.want)
		}
	}
	w.stop()
	w.start()
	defer w.stop()
	r := w.caller("r1", "i1")
	defer r.conn.Close()
	hello := r.hello()
	hello.Hello.Versions.Policy = 4
	if m := r.ask(hello); m.Welcome == nil || m.Welcome.Policy != newer {
		t.Error("the policy that was published is not in force")
	}
	if _, known := w.b.inForce().older[3]; !known {
		t.Error("the policy before is not known any more")
	}
	rows, err := w.b.Ledger().Notes(t.Context())
	must(t, err)
	if want := []Note{{"policy", 3, w.cfg.Note}, {"policy", 5, newer}, {"roles", 1, w.cfg.Roles}}; !slices.Equal(rows, want) {
		t.Errorf("the notes are %+v", rows)
	}
}

// I6: whatever policy the backend is started with, what was in force stays in force
// until a newer one comes, and what was decided under any of them is judged by it.
func TestI6NoRestartBringsAnOlderPolicy(t *testing.T) {
	w := newGuarded(t)
	w.tls = false
	again := func(version int, starts bool) {
		t.Helper()
		w.cfg.Note, w.cfg.Policy = w.policy(version, 20)
		if b, err := Open(t.Context(), w.cfg); !starts {
			if err == nil {
				must(t, b.Close())
				t.Errorf("it starts with another text of policy %d", version)
			} else if !strings.Contains(err.Error(), "another text") {
				t.Error(err)
			}
		} else {
			must(t, err)
			must(t, b.Close())
		}
	}
	inForce := func(want int64, before ...int64) {
		t.Helper()
		w.start()
		defer w.stop()
		rules := w.b.inForce()
		if text, _ := policy.Text(rules.note); rules.policy.Version != want || !strings.Contains(text, fmt.Sprintf("version = %d\n", want)) {
			t.Errorf("policy %d is in force, want %d", rules.policy.Version, want)
		}
		for _, version := range before {
			if rules.at(version).policy.Version != version {
				t.Errorf("policy %d is not known any more", version)
			}
		}
	}
	again(3, true)
	w.start()
	published, _ := w.policy(5, 30)
	if got := w.request(http.MethodPost, "/admin/policy", published); got != http.StatusNoContent {
		t.Fatal(got)
	}
	w.stop()
	again(7, true)
	inForce(7, 3, 5) // 5 is older than what it was started with
	again(4, true)
	inForce(7, 3, 4, 5) // it was started with one that is older than was in force
	w.also = "[[category]]\nid = \"vape\"\n"
	again(7, false)
	again(5, false)
	again(8, true)
	inForce(8, 3, 4, 5, 7)
}

// Roles that came after a policy need not know who signed it: it was in force, and
// the registers hold it.
func TestI6NewRolesTakeNoPolicyBack(t *testing.T) {
	w := newGuarded(t)
	w.tls = false
	w.start()
	published, _ := w.policy(5, 30)
	var public []any
	for _, name := range []string{"policy", "freeze"} {
		_, vkey, err := note.GenerateKey(rand.Reader, name)
		must(t, err)
		public = append(public, vkey)
	}
	next := strings.Replace(fmt.Sprintf(rolesText, append([]any{w.cfg.Pinned}, public...)...), "version = 1", "version = 2", 1)
	roles, err := policy.SignRoles(next, w.cfg.Root)
	must(t, err)
	for _, c := range []struct{ path, body string }{{"/admin/policy", published}, {"/admin/roles", roles}} {
		if got := w.request(http.MethodPost, c.path, c.body); got != http.StatusNoContent {
			t.Fatalf("%s: %d", c.path, got)
		}
	}
	w.stop()
	w.start()
	defer w.stop()
	if rules := w.b.inForce(); rules.policy.Version != 5 || rules.rolesVersion() != 2 {
		t.Errorf("policy %d and roles %d are in force", rules.policy.Version, rules.rolesVersion())
	}
}

// Two who publish at once do not leave the older policy in force.
func TestI6TheNewestOfPoliciesPublishedAtOnceIsInForce(t *testing.T) {
	w := newGuarded(t)
	w.tls = false
	w.start()
	defer w.stop()
	var at sync.WaitGroup
	for version := 4; version < 16; version++ {
		note, _ := w.policy(version, 20)
		at.Go(func() { w.request(http.MethodPost, "/admin/policy", note) })
	}
	at.Wait()
	rows, err := w.b.Ledger().Notes(t.Context())
	must(t, err)
	if got := w.b.inForce().policy.Version; got != 15 || rows[len(rows)-2].Version != 15 {
		t.Errorf("policy %d is in force, and of the notes %d", got, rows[len(rows)-2].Version)
	}
}

func TestTheDeskHasAListenerOfItsOwn(t *testing.T) {
	w := guarded(t)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	w.served.Go(func() {
		if err := w.b.ServeAdmin(l); err != nil {
			t.Error(err)
		}
	})
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for path, want := range map[string]int{
		"/admin/registers": http.StatusOK, "/admin/nothing": http.StatusNotFound, Path: http.StatusNotFound, "/v1/enrol": http.StatusNotFound,
	} {
		res, err := client.Get("http://" + l.Addr().String() + path)
		must(t, err)
		body, err := io.ReadAll(res.Body)
		must(t, err)
		must(t, res.Body.Close())
		if res.StatusCode != want {
			t.Errorf("%s: %s", path, res.Status)
		}
		if strings.HasPrefix(path, "/admin/") && !json.Valid(body) {
			t.Errorf("%s gives %s", path, body)
		}
	}
}
