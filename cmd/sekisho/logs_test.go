package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"
	"time"

	"sekisho/offline"
	"sekisho/terminal/journal"
	"sekisho/terminal/register"
)

func TestLogsFollowUntilStopped(t *testing.T) {
	dir := t.TempDir()
	store, err := offline.Open(t.Context(), dir, offline.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	steps := history(1160, noon)
	put := func(c register.Changes) {
		if _, err := store.Decide(t.Context(), register.Scope{}, func(register.Usage) (register.Changes, error) { return c, nil }); err != nil {
			t.Error(err)
		}
	}
	put(steps[0])
	out, in := io.Pipe()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"--data", dir, "--run", dir, "logs", "--follow", "--format", "json", "--category", "tobacco"}, nil, in, io.Discard)
	}()
	lines := bufio.NewScanner(out)
	for i, c := range steps[1:3] { // written while it follows; those before and between do not fit
		put(c)
		if !lines.Scan() || !strings.Contains(lines.Text(), `"seq":`+string(rune('1'+i))) {
			t.Fatalf("after entry %d: %q", i+1, lines.Text())
		}
	}
	stop()
	if code := <-ended; code != 0 {
		t.Errorf("exit code %d", code)
	}
}

func TestMomentReadsWhatAPersonWrites(t *testing.T) {
	tokyo := storeZone
	now := time.Date(2019, 7, 3, 9, 0, 0, 0, tokyo)
	for text, want := range map[string]time.Time{
		"":                          {},
		"90m":                       now.Add(-90 * time.Minute),
		"0s":                        now,
		"2019-07-02":                time.Date(2019, 7, 2, 0, 0, 0, 0, tokyo),
		"2019-07-02 18:30":          time.Date(2019, 7, 2, 18, 30, 0, 0, tokyo),
		"2019-07-02T18:30":          time.Date(2019, 7, 2, 18, 30, 0, 0, tokyo),
		"2019-07-02 18:30:01":       time.Date(2019, 7, 2, 18, 30, 1, 0, tokyo),
		"2019-07-02T18:30:01":       time.Date(2019, 7, 2, 18, 30, 1, 0, tokyo),
		"2019-07-02T18:30:00Z":      time.Date(2019, 7, 2, 18, 30, 0, 0, time.UTC),
		"2019-07-02T18:30:00+01:00": time.Date(2019, 7, 2, 17, 30, 0, 0, time.UTC),
	} {
		if got, err := moment(text, now, tokyo); err != nil || !got.Equal(want) {
			t.Errorf("%q: %s, %v, want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"yesterday", "-90m", "2019-13-01", "18:30", "5"} {
		if got, err := moment(text, now, tokyo); err == nil {
			t.Errorf("%q: %s", text, got)
		}
	}
}

// A POS writes the sale's reference: it must not move the cursor, nor run in a
// spreadsheet.
func TestI8AReferenceFromThePOSHarmsNobodyWhoReadsIt(t *testing.T) {
	e := journal.Entry{Type: journal.TypePayment, Payment: paid, Sale: "=HYPERLINK(1)\x1b[2J"}
	var table, csv strings.Builder
	for _, w := range []entryWriter{newTable(&table, storeZone), newCSV(&csv, storeZone)} {
		if err := w.write(e, nil); err != nil {
			t.Fatal(err)
		}
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
	}
	if strings.Contains(table.String(), "\x1b") || !strings.Contains(table.String(), "=HYPERLINK(1)?[2J") {
		t.Errorf("%q", table.String())
	}
	if !strings.Contains(csv.String(), "'=HYPERLINK(1)") {
		t.Errorf("%q", csv.String())
	}
	for text, want := range map[string]string{
		"+1+1": "'+1+1", "-1+1": "'-1+1", "@SUM(A1)": "'@SUM(A1)", "＝1+1": "'＝1+1", "＋1": "'＋1", "－1": "'－1", "＠A1": "'＠A1",
		"-5": "-5", "pos-1": "pos-1", "レシート＝1": "レシート＝1", "": "",
	} {
		if got := noFormula(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}
