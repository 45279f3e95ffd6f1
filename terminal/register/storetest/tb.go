package storetest

import "context"

// tb is what the helpers need of a test, or of one try of a random test: the
// failure of a try must be the try's, so that its seed is printed.
type tb interface {
	Helper()
	Fatalf(format string, args ...any)
	Context() context.Context
}

// ctx gives the test's context, which ends just before its cleanups.
func ctx(t tb) context.Context { return t.Context() }
