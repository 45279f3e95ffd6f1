package main

import (
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"sekisho/terminal/register"
)

// man writes the manual pages. Their date is that of the release, not of the
// day on which they were made, so that two builds are the same: there is none.
func (s *staff) man(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "man DIR", Short: "Write the manual pages into a folder", Args: cobra.ExactArgs(1),
		PersistentPreRun: func(*cobra.Command, []string) { s.begun = true }, // needs no register
		RunE: func(_ *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return err
			}
			root.DisableAutoGenTag = true
			return doc.GenManTree(root, &doc.GenManHeader{
				Section: "1", Source: register.Software, Manual: "Sekisho", Date: new(time.Time),
			}, args[0])
		},
	}
}
