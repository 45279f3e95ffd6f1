package prompt

import (
	"context"
	"errors"
	"io"
	"strings"
	"testing"
)

// waits is a terminal at which nobody types; it says when it is read.
type waits struct{ read, end chan struct{} }

func (w waits) Read([]byte) (int, error) {
	close(w.read)
	<-w.end
	return 0, io.EOF
}

func TestAReadThatNobodyAnswersEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	in := waits{make(chan struct{}), make(chan struct{})}
	defer close(in.end)
	go func() {
		<-in.read
		cancel()
	}()
	if n, err := Reader(ctx, in).Read(make([]byte, 8)); n != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("%d bytes, %v", n, err)
	}
}

func TestWhatWasTypedComesWhole(t *testing.T) {
	typed := strings.Repeat("0123456789", 1000)
	if got, err := io.ReadAll(Reader(t.Context(), strings.NewReader(typed))); string(got) != typed || err != nil {
		t.Errorf("%d of %d bytes, %v", len(got), len(typed), err)
	}
}
