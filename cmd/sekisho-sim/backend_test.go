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
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
	"github.com/rogpeppe/go-internal/testscript"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/enrol"
	"sekisho/terminal/wire"
)

// alone is a backend that runs as a process of its own.
type alone struct {
	scenario.Addresses
	cmd  *exec.Cmd
	said []string // what it wrote before the addresses
}

// runAlone starts sekisho-sim backend and waits until it serves.
func runAlone(t *testing.T, dir string, flags ...string) *alone {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	t.Cleanup(cancel)
	a := &alone{cmd: exec.CommandContext(ctx, "sekisho-sim", append([]string{"backend", "--dir", dir}, flags...)...)}
	a.cmd.Stderr = t.Output()
	out, err := a.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(a.kill)
	for lines := bufio.NewScanner(out); lines.Scan(); {
		if strings.HasPrefix(lines.Text(), "{") {
			if err := json.Unmarshal(lines.Bytes(), &a.Addresses); err != nil {
				t.Fatal(err)
			}
			return a
		}
		a.said = append(a.said, lines.Text())
	}
	t.Fatal("it told no addresses")
	return nil
}

// kill ends it as a power cut does, but for the page cache.
func (a *alone) kill() {
	_ = a.cmd.Process.Kill() // it may be gone already
	_ = a.cmd.Wait()
}

// get reads JSON from the admin side.
func (a *alone) get(t *testing.T, path string, into any) {
	t.Helper()
	client := http.Client{Timeout: deadline, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Get(a.Admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(into); err != nil {
		t.Fatalf("%s: %s, %v", path, res.Status, err)
	}
}

func TestABackendByItselfComesBackAfterAKill(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	a := runAlone(t, dir, "--file", file, "--insecure-dev", "--admin", "127.0.0.1:0")
	policy, err := os.ReadFile(filepath.Join(dir, "operator", "policy"))
	if err != nil {
		t.Fatal(err)
	}
	if a.PID != a.cmd.Process.Pid || !strings.HasPrefix(a.Link, "ws://127.0.0.1:") || !strings.HasSuffix(a.Link, backendsim.Path) {
		t.Fatalf("it told %+v", a.Addresses)
	}
	res, err := (&http.Client{Timeout: deadline}).Post(a.Admin+"/admin/digits", "application/json",
		strings.NewReader(`{"issuer":"demo-wallet","account":"account-0001","code":"900081818800000000000001"}`))
	if err != nil || res.StatusCode != http.StatusNoContent {
		t.Fatal(res, err)
	}
	a.kill()
	ledger, err := backendsim.OpenLedger(t.Context(), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := ledger.Close(); err != nil {
		t.Fatal(err)
	}
	again := runAlone(t, dir, "--file", file, "--insecure-dev")
	var caps []backendsim.CapTotal
	again.get(t, "/admin/caps", &caps)
	if now, err := os.ReadFile(filepath.Join(dir, "operator", "policy")); err != nil || string(now) != string(policy) {
		t.Errorf("the policy is another after a restart: %v", err)
	}
	told, err := os.ReadFile(filepath.Join(dir, "backend.json"))
	if err != nil || !strings.Contains(string(told), again.Admin) {
		t.Errorf("backend.json holds %s, %v", told, err)
	}
}

// desk runs one of the operator's commands.
func desk(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sekisho-sim", append([]string{"backend", "--dir", dir}, args...)...)
	cmd.Stderr = t.Output()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", args, err)
	}
	return strings.TrimSpace(string(out))
}

// What enrolment gave is good still after a kill.
func TestWhoWasEnrolledIsKnownAfterAKill(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "ledger.db")
	a := runAlone(t, dir, "--file", file)
	code, err := enrol.ParseCode(desk(t, dir, "register", "code", "--store", "s1", "--register", "r1"))
	if err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{}, key)
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(enrol.Request{Secret: code.Secret(), CSR: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der}))})
	if err != nil {
		t.Fatal(err)
	}
	trust := &tls.Config{RootCAs: x509.NewCertPool()}
	if !trust.RootCAs.AppendCertsFromPEM([]byte(a.CA)) {
		t.Fatalf("it told the CA %q", a.CA)
	}
	client := http.Client{Timeout: deadline, Transport: &http.Transport{TLSClientConfig: trust, DisableKeepAlives: true}}
	address := strings.TrimSuffix(strings.TrimPrefix(a.Link, "wss://"), backendsim.Path)
	res, err := client.Post("https://"+address+"/v1/enrol", "application/json", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer enrol.Answer
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil || res.StatusCode != http.StatusOK {
		t.Fatal(res.Status, err)
	}
	a.kill()
	again := runAlone(t, dir, "--file", file)
	if again.CA != a.CA || answer.CA != a.CA {
		t.Error("the CA is another")
	}
	certificate, _ := pem.Decode([]byte(answer.Certificate))
	trust.Certificates = []tls.Certificate{{Certificate: [][]byte{certificate.Bytes}, PrivateKey: key}}
	dialler := websocket.Dialer{Subprotocols: []string{wire.Subprotocol}, TLSClientConfig: trust, HandshakeTimeout: deadline}
	conn, _, err := dialler.Dial(again.Link, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	desk(t, dir, "register", "revoke", "--register", "r1")
	if err := conn.SetReadDeadline(time.Now().Add(deadline)); err != nil {
		t.Fatal(err)
	}
	if _, _, err := conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseNormalClosure) {
		t.Errorf("the link ended by %v", err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the ledger, which holds keys, is %v, %v", info, err)
	}
}

func TestABackendByItselfEndsInGoodOrder(t *testing.T) {
	a := runAlone(t, t.TempDir(), "--insecure-dev")
	if err := a.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- a.cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(deadline):
		t.Error("it does not end")
	}
}

func TestWithoutTLSABackendListensOnLoopbackOnly(t *testing.T) {
	s := served{dir: t.TempDir(), listen: "0.0.0.0:0", insecure: true}
	err := s.serve(t.Context(), t.Output())
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("it said %v", err)
	}
}

// startBackend is the command backend DIR of scripts: it runs one until the
// script ends.
func startBackend(ts *testscript.TestScript, _ bool, args []string) {
	ctx, cancel := context.WithCancel(context.Background())
	told, tell := io.Pipe()
	root := command()
	root.SetArgs([]string{"backend", "--dir", ts.MkAbs(args[0])})
	root.SetOut(tell)
	ended := make(chan error, 1)
	go func() { err := root.ExecuteContext(ctx); tell.CloseWithError(io.EOF); ended <- err }()
	ts.Defer(func() {
		cancel()
		ts.Check(<-ended)
	})
	if !bufio.NewScanner(told).Scan() {
		ts.Fatalf("the backend did not start")
	}
}

// A second backend would tell the operator's commands its own addresses.
func TestAFolderIsOneBackendsAtATime(t *testing.T) {
	dir := t.TempDir()
	a := runAlone(t, dir, "--insecure-dev")
	ctx, cancel := context.WithTimeout(t.Context(), deadline)
	defer cancel()
	out, err := exec.CommandContext(ctx, "sekisho-sim", "backend", "--insecure-dev", "--dir", dir).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "--dir") {
		t.Errorf("a second one: %v: %s", err, out)
	}
	if at, err := scenario.AddressesIn(dir); err != nil || at.Admin != a.Admin {
		t.Errorf("%+v, %v", at, err)
	}
	a.kill()
	runAlone(t, dir, "--insecure-dev")
}

func TestEachNounSaysWhatItIsFor(t *testing.T) {
	for _, d := range deeds {
		if nounsSay[d.noun] == "" {
			t.Errorf("no words for %s", d.noun)
		}
	}
}
