package register

import (
	"fmt"
	"testing"
	"time"

	"sekisho/terminal"
)

// A till that scans all day without a sale of its own, as under a POS that is paid
// in cash, remembers no more than the articles of the last moment.
func TestDoublesForgetWhatIsOver(t *testing.T) {
	d := doubles{window: 300 * time.Millisecond}
	for i := range 10_000 {
		d.took(article{gtin: terminal.GTIN(fmt.Sprint(i))}, time.Duration(i)*100*time.Millisecond)
	}
	if len(d.goods) != 3 {
		t.Fatalf("%d articles", len(d.goods))
	}
}
