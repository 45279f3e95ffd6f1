package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// dataOf says which schema the data of an event has, by its type.
var dataOf = map[string]string{
	"sale": "View", "link": "View", "policy": "View", "caps": "View",
	"payment": "Verdict", "verdict": "Verdict", "scanner": "Scan",
}

// Event holds one event of the stream against the description: its type and its
// data as JSON.
func (c *Contract) Event(kind string, data []byte) error {
	name, ok := dataOf[kind]
	if !ok {
		return fmt.Errorf("an event of the type %q is not described", kind)
	}
	schema, ok := c.Doc.Components.Schemas[name]
	if !ok {
		return fmt.Errorf("there is no schema %s", name)
	}
	if err := visit(schema.Value, json.RawMessage(data)); err != nil {
		return fmt.Errorf("event %s: %w", kind, err)
	}
	return nil
}

// eventBody lets a stream of events through and looks at each on the way.
type eventBody struct {
	io.ReadCloser
	contract *Contract
	broken   func(error)
	line     []byte // what came of the present one
	kind     string // of the present event
}

// Read implements io.Reader.
func (b *eventBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.line = append(b.line, p[:n]...)
	for {
		line, rest, whole := bytes.Cut(b.line, []byte("\n"))
		if !whole {
			return n, err
		}
		b.take(line)
		b.line = append([]byte(nil), rest...)
	}
}

func (b *eventBody) take(line []byte) {
	name, value, _ := bytes.Cut(line, []byte(": "))
	switch string(name) {
	case "event":
		b.kind = string(value)
	case "data":
		if err := b.contract.Event(b.kind, value); err != nil {
			b.broken(err)
		}
	}
}
