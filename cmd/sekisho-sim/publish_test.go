package main

import (
	"fmt"
	"log/slog"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/firmware-mocks/scenario"
	"sekisho/terminal/policy"
)

// published is a demo's folder with a backend that runs under policy 1.
func published(t *testing.T) (dir string, k scenario.Keys) {
	t.Helper()
	dir = t.TempDir()
	id := policy.Identity{Register: "r1", Store: "s1", Class: scenario.Class, Realm: scenario.Realm}
	k, err := scenario.MakeKeys(filepath.Join(dir, "operator"), filepath.Join(dir, "register"), id)
	if err != nil {
		t.Fatal(err)
	}
	note, parsed, err := scenario.PolicyNote(k, scenario.DemoRules(), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	b, err := backendsim.Open(t.Context(), backendsim.Config{
		File: filepath.Join(dir, "backend.db"), Note: note, Policy: parsed, Roles: k.Roles, Signer: k.Signing,
		Key: k.Backend, Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(b)
	t.Cleanup(func() {
		server.Close()
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := (scenario.Addresses{Admin: server.URL}).Keep(dir); err != nil {
		t.Fatal(err)
	}
	return dir, k
}

// Before a register has spoken there is no checkpoint, and that is said.
func TestCheckpointOfARegisterThatNeverSpoke(t *testing.T) {
	dir, _ := published(t)
	if note, err := lastCheckpoint(t.Context(), dir, "r1"); err == nil || note != "" || !strings.Contains(err.Error(), "keeps no checkpoint of r1") {
		t.Errorf("got %q, %v", note, err)
	}
	if _, err := lastCheckpoint(t.Context(), t.TempDir(), "r1"); err == nil {
		t.Error("a folder that is no demo's has a checkpoint")
	}
}

// A running backend takes what a register would take, and nothing else.
func TestI6PublishBringsOnlyWhatARegisterWouldTake(t *testing.T) {
	dir, k := published(t)
	rules := scenario.DemoRules()
	rules.Version = 2
	newer, _, err := scenario.PolicyNote(k, rules, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	text, _ := policy.Text(newer)
	alone, err := policy.Sign(text, k.Policy[0])
	if err != nil {
		t.Fatal(err)
	}
	stop := func(version int, rest string) string {
		return fmt.Sprintf("version = %d\nrealm = %q\n%s", version, scenario.Realm, rest)
	}
	freeze := func(text string) string {
		note, err := policy.SignFreeze(text, k.Freeze)
		if err != nil {
			t.Fatal(err)
		}
		return note
	}
	lift, err := policy.SignFreeze(stop(3, ""), k.Policy[0], k.Policy[2])
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, as, note, words string }{
		{"a policy by one of two", "policy", alone, "signed by 1 of the 2 keys"},
		{"a policy by two", "policy", newer, ""},
		{"the same again", "policy", newer, "2 is no newer"},
		{"a freeze", "freeze", freeze(stop(1, "all = true\n")), ""},
		{"a freeze that lifts, by the freeze key", "freeze", freeze(stop(2, "")), "lifts"},
		{"by the policy role", "freeze", lift, ""},
		{"a policy as a freeze", "freeze", newer, "does not know"},
		{"the roles in force", "roles", k.Roles, "versions never go back"},
	} {
		err := publish(t.Context(), dir, c.as, c.note)
		if c.words == "" && err != nil || c.words != "" && (err == nil || !strings.Contains(err.Error(), c.words)) {
			t.Errorf("%s: got %v, want %q", c.name, err, c.words)
		}
	}
}
