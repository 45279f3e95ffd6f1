package main

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"time"

	"sekisho/firmware-mocks/phonepage"
	"sekisho/firmware-mocks/scenario"
)

// phoneAddress is where the customer's phone is; it follows the neighbours'
// ports of a store with up to a hundred registers.
const phoneAddress = "127.0.0.1:8670"

// stay keeps the demo's store open for a person until ctx ends.
func stay(ctx context.Context, w *scenario.World, out io.Writer) error {
	// The shift has sold the store's tobacco out: a person wants to sell some.
	if err := w.Restock(ctx); err != nil {
		return err
	}
	groups, err := w.Cards(ctx)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", phoneAddress)
	if err != nil {
		return fmt.Errorf("the customer's phone has no port: %w", err)
	}
	server := &http.Server{Handler: phonepage.New(w, groups).Handler(), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	keeping, stop := context.WithCancel(ctx)
	var keeper sync.WaitGroup
	keeper.Go(func() {
		if err := w.KeepDaemon(keeping, out); err != nil {
			ended <- err
		}
	})
	defer func() { stop(); keeper.Wait() }()
	fmt.Fprintf(out, "\nThe store stays open: end it with Ctrl-C.\n  cashier's page    %s\n  customer's phone  http://%s/\n", w.Page(), listener.Addr())
	select {
	case <-ctx.Done():
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		return server.Shutdown(closing)
	case err := <-ended:
		return err
	}
}
