package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"sekisho/cmd/keys"
)

func (p *patient) configuration() finding {
	if p.badly != nil {
		return broken("mend the file or the variable; sekishod does not start with it either", "%v", p.badly)
	}
	if err := p.cfg.Check(); err != nil {
		return broken("put the setting into "+p.config, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	return well("data in %s, local API at %s", p.cfg.Data, p.cfg.Listen)
}

func (p *patient) keys() finding {
	held, err := keys.Load(p.cfg.Data)
	if err != nil {
		return broken("run as the daemon's user; if the file is gone or broken, ask head office to enrol the register again", "%v", err)
	}
	id := held.Identity
	return well("register %s of store %s, class %s, %s", id.Register, id.Store, id.Class, id.Realm)
}

// mode checks that a file is there and gives others none of the rights of mask.
func mode(path string, mask os.FileMode, chmod, gone string) finding {
	info, err := os.Stat(path)
	if err != nil {
		return broken(gone, "%v", err)
	}
	if info.Mode().Perm()&mask != 0 {
		return broken(chmod, "%s has mode %04o: others could use it", path, info.Mode().Perm())
	}
	return well("%s", path)
}

func (p *patient) runFolder() finding {
	const start = "start sekishod: it makes the folder and what is in it"
	if f := mode(p.cfg.Run, 0o022, "chmod 700 "+p.cfg.Run, start); f.Level != ok {
		return f
	}
	for _, name := range []string{"anchor.json", "pos.token", "staff.token"} {
		path := filepath.Join(p.cfg.Run, name)
		if f := mode(path, 0o077, "chmod 600 "+path, start); f.Level != ok {
			return f
		}
	}
	return well("%s", p.cfg.Run)
}

func (p *patient) dataFolder() finding {
	f := mode(p.cfg.Data, 0o077, "chmod 700 "+p.cfg.Data, "see the setting data: sekishod makes the folder when it starts")
	if f.Level != ok {
		return f
	}
	return well("%s", p.cfg.Data)
}

// Free space on the data folder's disk: a busy register writes some megabytes a
// day, and SQLite needs room to copy its log.
const (
	spaceWarn = 1 << 30
	spaceFail = 100 << 20
)

func (p *patient) space() finding {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(p.cfg.Data, &fs); err != nil {
		return broken("see the setting data", "%s: %v", p.cfg.Data, err)
	}
	return spaceFor(fs.Bavail * uint64(fs.Bsize))
}

func spaceFor(free uint64) finding {
	const remedy = "free some space on the data folder's disk: a register that cannot write sells nothing"
	switch {
	case free < spaceFail:
		return broken(remedy, "%d MB free", free>>20)
	case free < spaceWarn:
		return look(remedy, "%d MB free", free>>20)
	}
	return well("%d MB free", free>>20)
}

func (p *patient) ledgerProves() finding {
	remedy := "stop selling on this register, keep the folder as it is, and tell head office"
	quiet := *p.staff
	var says bytes.Buffer
	quiet.out = &says
	err := quiet.withLedger(p.ctx, func(l ledger) error { return quiet.verifyLedger(p.ctx, l, nil) })
	switch {
	case errors.Is(err, os.ErrPermission):
		remedy = "run as the daemon's user"
	case errors.Is(err, os.ErrNotExist):
		remedy = "see the setting data; if this register is new, start sekishod: it makes the ledger"
	}
	if err != nil {
		return broken(remedy, "%v", err)
	}
	first, _, _ := strings.Cut(says.String(), "\n")
	return well("%s", strings.TrimPrefix(first, "journal: "))
}

// walHeader is where a SQLite file says how it is written: bytes 18 and 19, 2
// for a write-ahead log (SQLite file format, 1.3.2).
const walHeader = 18

// durability looks at what can be seen from outside: the daemon itself refuses
// to start unless SQLite waits for the disk (synchronous FULL).
func (p *patient) durability() finding {
	path := filepath.Join(p.cfg.Data, "ledger.db")
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return broken("start sekishod: it makes the ledger", "%s is not there", path)
	}
	if err != nil {
		return broken("run as the daemon's user", "%v", err)
	}
	defer f.Close()
	var header [walHeader + 2]byte
	if _, err := io.ReadFull(f, header[:]); err != nil || header[walHeader] != 2 || header[walHeader+1] != 2 {
		return broken("stop sekishod and start it again: it sets the mode, and refuses to run without it", "%s is not written through a write-ahead log", path)
	}
	return well("write-ahead log; sekishod refuses to start unless each commit waits for the disk")
}

// scannerThere says whether the scanner's device is there.
func scannerThere(path string) error {
	if path == "" {
		return errors.New("no setting names one")
	}
	if _, err := os.Stat(path); err != nil {
		return fmt.Errorf("%s is not there", path)
	}
	return nil
}
