package disk

import (
	"errors"
	"io/fs"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
)

// sector is what a disk writes whole or not at all: the smallest that there is.
const sector = 512

// file is one file on the disk: what is synced, and what is on its way.
type file struct {
	bytes   []byte
	waiting []entry // writes and truncations
	lost    []entry // writes whose sync failed: they may be there, and no later sync waits for them
}

// platter is the whole folder.
type platter struct {
	files   map[string]*file
	waiting []entry // names made and unlinked
	began   map[int64]began
}

// began is what a sync that has begun covers.
type began struct {
	name string
	upTo int // entries that wait
}

// Cut writes into the new folder to what the disk holds when the power is cut
// after so many entries of the record: before, the folder as it was at the
// record's begin, with all that was synced since, and of the rest what chance
// leaves.
func (r Record) Cut(moment int, before, to string, chance *rand.Rand) error {
	p := platter{files: map[string]*file{}, began: map[int64]began{}}
	if err := p.load(before); err != nil {
		return err
	}
	for _, e := range r.entries[:moment] {
		p.take(e)
	}
	p.lose(chance)
	return p.store(to, chance)
}

func (p *platter) load(dir string) error {
	list, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, item := range list {
		if item.IsDir() || isShared(item.Name()) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, item.Name()))
		if err != nil {
			return err
		}
		p.files[item.Name()] = &file{bytes: b}
	}
	return err
}

// isShared says whether a file is a database's shared memory, which is made anew.
func isShared(name string) bool { return len(name) > 4 && name[len(name)-4:] == "-shm" }

// file gives a file by name. One that nobody was seen to make was made by Go.
func (p *platter) file(name string) *file {
	if p.files[name] == nil {
		p.files[name] = &file{}
	}
	return p.files[name]
}

func (p *platter) take(e entry) {
	switch e.what {
	case wrote, truncated:
		f := p.file(e.name)
		f.waiting = append(f.waiting, e)
	case created, unlinked:
		p.waiting = append(p.waiting, e)
	case syncBegan:
		if e.name == "" {
			p.began[e.at] = began{"", len(p.waiting)}
		} else {
			p.began[e.at] = began{e.name, len(p.file(e.name).waiting)}
		}
	case synced:
		p.sync(p.began[e.at])
	case syncLost:
		if b := p.began[e.at]; b.name != "" {
			p.file(b.name).giveUp(b.upTo)
		}
	}
}

// sync makes durable what waited when the sync began. No two syncs of one file
// overlap: SQLite has one writer.
func (p *platter) sync(b began) {
	if b.name == "" {
		for _, e := range p.waiting[:b.upTo] {
			p.name(e)
		}
		p.waiting = p.waiting[b.upTo:]
		return
	}
	f := p.file(b.name)
	for _, e := range f.waiting[:b.upTo] {
		f.apply(e)
		if e.what == truncated {
			f.lost = without(f.lost, e.at, math.MaxInt64)
		} else {
			f.lost = without(f.lost, e.at, e.end())
		}
	}
	f.waiting = f.waiting[b.upTo:]
}

// giveUp is the end of a failed sync. A truncation that it covered is taken as
// not done.
func (f *file) giveUp(upTo int) {
	for _, e := range f.waiting[:upTo] {
		if e.what == wrote {
			f.lost = append(f.lost, e)
		}
	}
	f.waiting = f.waiting[upTo:]
}

// without takes what lies between two offsets out of writes: something newer is
// there.
func without(list []entry, from, upTo int64) []entry {
	var left []entry
	for _, e := range list {
		if e.at < from {
			left = append(left, entry{wrote, e.name, e.at, e.data[:min(int64(len(e.data)), from-e.at)]})
		}
		if e.end() > upTo {
			begin := max(e.at, upTo)
			left = append(left, entry{wrote, e.name, begin, e.data[begin-e.at:]})
		}
	}
	return left
}

// name carries out what was done to a name.
func (p *platter) name(e entry) {
	if e.what == unlinked {
		delete(p.files, e.name)
	} else {
		p.file(e.name)
	}
}

func (f *file) apply(e entry) {
	if e.what == truncated {
		f.bytes = slices.Grow(f.bytes, int(max(0, e.at-int64(len(f.bytes)))))[:e.at]
		return
	}
	f.put(e.at, e.data)
}

// put writes data at an offset; what lies between the end and there is zero.
func (f *file) put(at int64, data []byte) {
	if end := at + int64(len(data)); end > int64(len(f.bytes)) {
		f.bytes = append(f.bytes, make([]byte, end-int64(len(f.bytes)))...)
	}
	copy(f.bytes[at:], data)
}

// lose decides by chance what became of all that waits: one time in four
// nothing of it came to the disk, one time in four all, and else each sector
// and each name for itself.
func (p *platter) lose(chance *rand.Rand) {
	share := [...]float64{0, 1, chance.Float64(), chance.Float64()}[chance.IntN(4)]
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		f := p.files[name]
		for _, e := range slices.Concat(f.lost, f.waiting) {
			f.reach(e, share, chance)
		}
	}
	kept := map[string]bool{}
	for _, e := range p.waiting {
		if chance.Float64() < share {
			p.name(e)
			kept[e.name] = true
		} else if e.what == created && !kept[e.name] {
			delete(p.files, e.name)
		}
	}
}

// reach lets the sectors of a write come to the disk by chance.
func (f *file) reach(e entry, share float64, chance *rand.Rand) {
	if e.what == truncated {
		if chance.Float64() < share {
			f.apply(e)
		}
		return
	}
	for from := int64(0); from < int64(len(e.data)); {
		upTo := min(int64(len(e.data)), (e.at+from)/sector*sector+sector-e.at)
		if chance.Float64() < share {
			f.put(e.at+from, e.data[from:upTo])
		}
		from = upTo
	}
}

// store writes the files, and beside each database, one time in two, a shared
// memory full of rubbish: nothing of it may be trusted after a cut.
func (p *platter) store(dir string, chance *rand.Rand) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		if err := os.WriteFile(filepath.Join(dir, name), p.files[name].bytes, 0o600); err != nil {
			return err
		}
		if filepath.Ext(name) == ".db" && chance.IntN(2) == 0 {
			rubbish := make([]byte, 32<<10) // one region, the least that SQLite maps
			for i := range rubbish {
				rubbish[i] = byte(chance.Uint32())
			}
			if err := os.WriteFile(filepath.Join(dir, name+"-shm"), rubbish, 0o600); err != nil {
				return err
			}
		}
	}
	return nil
}
