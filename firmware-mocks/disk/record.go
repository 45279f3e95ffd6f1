package disk

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
)

// what is the kind of an entry in the record; preload/disk.c writes them.
type what byte

const (
	wrote     what = 'w' // data at an offset
	truncated what = 't' // to a size
	created   what = 'c' // a name in the folder
	unlinked  what = 'u'
	syncBegan what = 's' // number at
	synced    what = 'e' // the sync of that number succeeded
	syncLost  what = 'f' // it failed
	told      what = 'a' // somebody was told name
)

// headerSize is struct head of preload/disk.c.
const headerSize = 24

type header struct {
	what what
	name uint32
	at   int64
	size int64
}

func (h header) bytes() []byte {
	b := []byte{byte(h.what), 0, 0, 0}
	b = binary.NativeEndian.AppendUint32(b, h.name)
	b = binary.NativeEndian.AppendUint64(b, uint64(h.at))
	return binary.NativeEndian.AppendUint64(b, uint64(h.size))
}

// entry is one operation.
type entry struct {
	what what
	name string // of the file; "" is the folder
	at   int64  // offset, size or number, by kind
	data []byte
}

func (e entry) end() int64 { return e.at + int64(len(e.data)) }

// Record is what a disk was given, in order.
type Record struct{ entries []entry }

// Recorded reads the record. An entry that the process was killed in the middle
// of was not carried out, and is left out.
func (d *Disk) Recorded() (Record, error) {
	text, err := os.ReadFile(d.record)
	if err != nil {
		return Record{}, err
	}
	var r Record
	for len(text) >= headerSize {
		h := header{
			what: what(text[0]), name: binary.NativeEndian.Uint32(text[4:]),
			at: int64(binary.NativeEndian.Uint64(text[8:])), size: int64(binary.NativeEndian.Uint64(text[16:])),
		}
		if !bytes.ContainsRune([]byte("wtcusefa"), rune(h.what)) || h.size < 0 {
			return r, fmt.Errorf("disk: entry %d of the record is none", len(r.entries))
		}
		whole := headerSize + int64(h.name) + h.size
		if int64(len(text)) < whole {
			break
		}
		name := text[headerSize : headerSize+h.name]
		r.entries = append(r.entries, entry{h.what, string(name), h.at, text[headerSize+int64(h.name) : whole]})
		text = text[whole:]
	}
	return r, nil
}

// Len is how many moments there are at which the power can be cut: after so
// many operations.
func (r Record) Len() int { return len(r.entries) }

// Told gives what was told before a moment, in order.
func (r Record) Told(moment int) []string {
	var all []string
	for _, e := range r.entries[:moment] {
		if e.what == told {
			all = append(all, e.name)
		}
	}
	return all
}

// First gives the moment right after something was told for the first time; Len
// where nothing was.
func (r Record) First() int {
	for i, e := range r.entries {
		if e.what == told {
			return i + 1
		}
	}
	return r.Len()
}
