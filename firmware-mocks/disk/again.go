package disk

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
)

// Again runs a test of the calling test's own program once more, in a process of
// its own whose temporary files are on a disk that can fail: there Inside gives
// that disk. scratch is a folder of the test's own. out is all that it said.
func Again(ctx context.Context, scratch, test string) (out []byte, err error) {
	scratch, err = filepath.EvalSymlinks(scratch)
	if err != nil {
		return nil, err
	}
	data := filepath.Join(scratch, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		return nil, err
	}
	d, err := Make(ctx, scratch, data, false)
	if err != nil {
		return nil, err
	}
	again := exec.CommandContext(ctx, os.Args[0], "-test.run=^"+test+"$", "-test.v", "-test.timeout=20m")
	again.Env = append(append(os.Environ(), d.Environ()...), "TMPDIR="+data)
	out, err = again.CombinedOutput()
	return out, errors.Join(err, d.Close())
}
