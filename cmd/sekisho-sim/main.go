// Command sekisho-sim runs the simulator: the demo shift at a till with a real
// daemon, the demo's keys, head office's desk, and a scanner by itself. Everything
// it makes is for one machine's loopback and must never meet a real store.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	_ "time/tzdata" // the policy's zone, where the system has no zone files
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	err := command().ExecuteContext(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sekisho-sim:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "sekisho-sim",
		Short:         "Simulate customers, scanner and backend around a real sekishod",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.AddCommand(demoCommand(), keysCommand(), policyCommand(), checkpointCommand(), conformCommand(), scannerCommand(), passCommand(), backendCommand())
	return root
}
