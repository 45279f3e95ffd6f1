package main

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestListenOnLoopbackOnly(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "127.1.2.3:0", "[::1]:0"} {
		listener, err := listen(address)
		if err != nil {
			t.Errorf("%s: %v", address, err)
			continue
		}
		if ip := listener.Addr().(*net.TCPAddr).IP; !ip.IsLoopback() {
			t.Errorf("%s listens at %v", address, ip)
		}
		listener.Close()
	}
	for _, address := range []string{"", "0.0.0.0:0", ":0", "[::]:0", "192.0.2.1:0", "localhost:0", "pay.example:0", "127.0.0.1", "8470", "[::ffff:192.0.2.1]:0"} {
		listener, err := listen(address)
		if err == nil {
			listener.Close()
			t.Errorf("%q: it listens", address)
		} else if !needsPerson(err) || !strings.Contains(err.Error(), "loopback") {
			t.Errorf("%q: got %v", address, err)
		}
	}
}

// A port that another program holds may be free after a restart.
func TestABusyPortIsNoWrongSetting(t *testing.T) {
	held, err := listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer held.Close()
	if _, err := listen(held.Addr().String()); err == nil || needsPerson(err) {
		t.Errorf("got %v", err)
	}
}

func TestTogetherEndsAllWithTheFirstError(t *testing.T) {
	defer goleak.VerifyNone(t)
	first, late := errors.New("the first"), errors.New("a later one")
	ended := make(chan string, 3)
	err := together(t.Context(),
		func(ctx context.Context) error { <-ctx.Done(); ended <- "waits"; return nil },
		func(context.Context) error { return first },
		func(ctx context.Context) error { <-ctx.Done(); ended <- "fails late"; return late },
		func(ctx context.Context) error {
			<-ctx.Done()
			if cause := context.Cause(ctx); !errors.Is(cause, first) {
				t.Errorf("the parts are told %v", cause)
			}
			ended <- "asks why"
			return nil
		},
	)
	if !errors.Is(err, first) || len(ended) != 3 {
		t.Errorf("got %v, and %d parts ended", err, len(ended))
	}
}

func TestTogetherEndsWithItsContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	ctx, stop := context.WithCancel(t.Context())
	running := make(chan struct{})
	result := make(chan error, 1)
	go func() {
		result <- together(ctx,
			func(ctx context.Context) error { running <- struct{}{}; <-ctx.Done(); return nil },
			func(ctx context.Context) error { running <- struct{}{}; <-ctx.Done(); return nil },
			func(context.Context) error { return nil }, // one that is done ends no other
		)
	}()
	<-running
	<-running
	select {
	case err := <-result:
		t.Fatalf("ended by itself: %v", err)
	default:
	}
	stop()
	if err := <-result; err != nil {
		t.Errorf("got %v", err)
	}
	if err := together(t.Context()); err != nil {
		t.Errorf("no parts: %v", err)
	}
}

func get(t *testing.T, address, token string) string {
	t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+token)
	answer, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s, %v", address, answer.Status, err)
	}
	return string(body)
}
