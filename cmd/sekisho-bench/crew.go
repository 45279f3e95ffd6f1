package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal"
	"sekisho/terminal/enrol"
	"sekisho/terminal/policy"
	"sekisho/terminal/uplink"
	"sekisho/terminal/wire"
)

// fleetArgument makes this program the process of the fleet's registers.
const fleetArgument = "fleet"

// emptyRoot is that of a journal without entries (RFC 6962, 2.1).
const emptyRoot = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// linksAtOnce is how many registers dial at the same time: the rest wait their
// turn, as the backoff makes them wait in a chain.
const linksAtOnce = 64

// member is one register of the fleet: the product's link with a till that only
// takes freezes.
type member struct {
	id, store string
	link      *uplink.Link
	roles     *policy.Roles
	welcomed  func()
	applied   chan<- int64 // UnixNano
}

// serveFleet is the process: it enrols, links at a word, tells when all have
// applied a freeze, and ends with its standard input.
func serveFleet() error {
	in := bufio.NewReader(os.Stdin)
	line, err := in.ReadBytes('\n')
	if err != nil {
		return err
	}
	var told muster
	if err := json.Unmarshal(line, &told); err != nil {
		return err
	}
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	applied := make(chan int64, fleet)
	members, err := enrolAll(ctx, told, applied)
	if err != nil {
		return err
	}
	fmt.Println("enrolled")
	if _, err := in.ReadBytes('\n'); err != nil {
		return err
	}
	var running sync.WaitGroup
	linkAll(ctx, members, &running)
	fmt.Println("linked")
	first, last := <-applied, int64(0)
	for range len(members) - 1 {
		last = max(last, <-applied)
	}
	fmt.Println("frozen", first, last)
	_, err = in.ReadBytes('\n') // the end
	stop()
	running.Wait()
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// linkAll runs every member's link, some at a time until each is welcomed.
func linkAll(ctx context.Context, members []*member, running *sync.WaitGroup) {
	turn := make(chan struct{}, linksAtOnce)
	var all sync.WaitGroup
	for _, m := range members {
		turn <- struct{}{}
		all.Add(1)
		m.welcomed = sync.OnceFunc(func() { <-turn; all.Done() })
		running.Go(func() { _ = m.link.Run(ctx, m) }) // ends with ctx only
	}
	all.Wait()
}

// enrolAll enrols every register over one kept connection after the other.
func enrolAll(ctx context.Context, told muster, applied chan<- int64) ([]*member, error) {
	ca, err := told.authority()
	if err != nil {
		return nil, err
	}
	client := trusting(ca)
	defer client.CloseIdleConnections()
	var members []*member
	for _, text := range told.Codes {
		m, err := enrolOne(ctx, client, told, text, ca)
		if err != nil {
			return nil, err
		}
		m.applied = applied
		members = append(members, m)
	}
	return members, nil
}

// authority reads the backend's CA.
func (m muster) authority() (*x509.Certificate, error) {
	block, _ := pem.Decode([]byte(m.CA))
	if block == nil {
		return nil, errors.New("the backend's CA is no PEM")
	}
	return x509.ParseCertificate(block.Bytes)
}

// trusting gives a client that asks over TLS and trusts one CA.
func trusting(ca *x509.Certificate) *http.Client {
	roots := x509.NewCertPool()
	roots.AddCert(ca)
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS13}}, Timeout: patience}
}

func enrolOne(ctx context.Context, client *http.Client, told muster, text string, ca *x509.Certificate) (*member, error) {
	code, err := enrol.ParseCode(text)
	if err != nil {
		return nil, err
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	csr, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		return nil, err
	}
	answer, err := askToEnrol(ctx, client, told.URL, enrol.Request{
		Secret: code.Secret(), CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: csr})),
	})
	if err != nil {
		return nil, err
	}
	return newMember(told, answer, key, ca)
}

func askToEnrol(ctx context.Context, client *http.Client, link string, r enrol.Request) (a enrol.Answer, err error) {
	u, err := url.Parse(link)
	if err != nil {
		return a, err
	}
	u.Scheme, u.Path = "https", path.Join(path.Dir(u.Path), enrol.EnrolPath)
	body, err := json.Marshal(r)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	res, err := client.Do(req)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(io.LimitReader(res.Body, enrol.MaxBody))
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("enrolment was refused: %s %s", res.Status, text)
	}
	return a, errors.Join(err, json.Unmarshal(text, &a))
}

func newMember(told muster, a enrol.Answer, key ed25519.PrivateKey, ca *x509.Certificate) (*member, error) {
	root, err := note.NewVerifier(strings.TrimSpace(a.Root))
	if err != nil {
		return nil, err
	}
	identity, err := policy.OpenIdentity(a.Identity, root)
	if err != nil {
		return nil, err
	}
	m := &member{id: string(identity.Register), store: string(identity.Store)}
	if m.roles, err = policy.OpenRoles(a.Roles, root, scenario.Realm); err != nil {
		return nil, err
	}
	block, _ := pem.Decode([]byte(a.Certificate))
	if block == nil {
		return nil, errors.New("the certificate is no PEM")
	}
	trust := uplink.Trust{Certificate: tls.Certificate{Certificate: [][]byte{block.Bytes}, PrivateKey: key}, CAs: []*x509.Certificate{ca}}
	m.link, err = uplink.New(uplink.Config{
		URL: told.URL, Log: slog.New(slog.DiscardHandler),
		Trust: func() uplink.Trust { return trust },
		Times: func() uplink.Times { return uplink.Times{Wall: time.Now()} },
	})
	return m, err
}

// hellos numbers messages.
var hellos atomic.Int64

// Hello implements uplink.Till.
func (m *member) Hello(context.Context) (wire.Message, error) {
	return wire.Message{
		Type: wire.TypeHello, ID: fmt.Sprintf("h%d", hellos.Add(1)), Incarnation: "bench-" + m.id, Journal: &wire.Head{Root: emptyRoot},
		Hello: &wire.Hello{Register: m.id, Store: m.store, Software: "sekisho-bench", Counters: []wire.Counter{}},
	}, nil
}

// LinkUp implements uplink.Till.
func (m *member) LinkUp(context.Context, wire.Welcome) { m.welcomed() }

// LinkDown implements uplink.Till.
func (m *member) LinkDown(_ context.Context, _ terminal.LineReason) {}

// Pace implements uplink.Till.
func (m *member) Pace() (silence, redial time.Duration) {
	return patience, policy.DefaultRedial // ten thousand on one core are late now and then
}

// Received implements uplink.Till: a freeze counts once its signature is verified.
func (m *member) Received(_ context.Context, msg wire.Message) {
	if msg.Type != wire.TypeFreeze {
		return
	}
	if _, err := m.roles.OpenFreeze(msg.Freeze.Note); err == nil {
		m.applied <- time.Now().UnixNano()
	}
}

// Heard implements uplink.Till.
func (m *member) Heard() {}

// RoundTrip implements uplink.Till.
func (m *member) RoundTrip(_ context.Context, _ time.Duration) {}

// HelloRefused implements uplink.Till.
func (m *member) HelloRefused(_ context.Context, why *wire.Error) {
	fmt.Fprintln(os.Stderr, "sekisho-bench:", m.id, "was refused:", why)
}
