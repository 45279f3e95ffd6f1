package main

import (
	"bufio"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
)

// alone is a backend that runs as a process of its own.
type alone struct {
	addresses
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
			if err := json.Unmarshal(lines.Bytes(), &a.addresses); err != nil {
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
		t.Fatalf("it told %+v", a.addresses)
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
	address := strings.TrimSuffix(strings.TrimPrefix(a.Link, "ws://"), backendsim.Path)
	again := runAlone(t, dir, "--file", file, "--insecure-dev", "--listen", address)
	if again.Link != a.Link || again.Admin != "http://"+address {
		t.Errorf("it told %+v, was %+v", again.addresses, a.addresses)
	}
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
