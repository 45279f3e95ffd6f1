package scenario

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"sekisho/firmware-mocks/backendsim"
	"sekisho/terminal/policy"
)

// programs are built for the storm alone.
type programs struct{ sim, staff string }

func buildPrograms(dir string) (programs, error) {
	p := programs{filepath.Join(dir, "sekisho-sim"), filepath.Join(dir, "sekisho")}
	out, err := exec.Command("go", "build", "-race", "-o", dir+string(filepath.Separator), "sekisho/cmd/sekisho-sim", "sekisho/cmd/sekisho").CombinedOutput()
	if err != nil {
		return p, fmt.Errorf("%w\n%s", err, out)
	}
	return p, nil
}

// remote is the reference backend as a process of its own.
type remote struct {
	binary, dir string
	link, desk  string // "host:port", the same after a restart
	log         io.Writer
	client      *http.Client
	cmd         *exec.Cmd
	exited      chan struct{}
}

func newRemote(binary, dir string, log io.Writer) (*remote, error) {
	r := &remote{binary: binary, dir: dir, log: log, client: &http.Client{Transport: &http.Transport{}}}
	var err, err2 error
	r.link, err = freePort()
	r.desk, err2 = freePort()
	return r, errors.Join(err, err2)
}

func (r *remote) file() string { return filepath.Join(r.dir, "backend.db") }

// start starts it on its file and waits until it serves.
func (r *remote) start(ctx context.Context) error {
	cmd := exec.Command(r.binary, "backend", "--dials", "100000", "--dir", r.dir, "--file", r.file(), "--listen", r.link, "--admin", r.desk)
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true} // as startDaemon does
	cmd.Stderr = r.log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	exited, serves := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(exited)
		lines := bufio.NewScanner(out)
		for told := false; lines.Scan(); {
			if !told && strings.HasPrefix(lines.Text(), "{") {
				told = true
				close(serves)
			}
		}
		_ = cmd.Wait() // it is ended by signals alone
	}()
	r.cmd, r.exited = cmd, exited
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	select {
	case <-serves:
		return nil
	case <-exited:
		return errors.New("the backend ended before it served")
	case <-ctx.Done():
		r.end(os.Kill)
		return errors.New("the backend does not come up")
	}
}

// end sends the signal and waits until the process has gone.
func (r *remote) end(s os.Signal) {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(s) // it may be gone already
	<-r.exited
	r.client.CloseIdleConnections()
}

// post does something at the backend's desk.
func (r *remote) post(ctx context.Context, path string, body any) error {
	return r.tell(ctx, path, body, nil)
}

// tell is post with an answer.
func (r *remote) tell(ctx context.Context, path string, body, into any) error {
	text, isText := body.(string)
	if !isText {
		data, err := json.Marshal(body)
		if err != nil {
			return err
		}
		text = string(data)
	}
	told, err := r.ask(ctx, http.MethodPost, path, text)
	if err == nil && into != nil {
		err = json.Unmarshal(told, into)
	}
	return err
}

func (r *remote) ask(ctx context.Context, method, path, body string) ([]byte, error) {
	return roundTrip(ctx, r.client, method, "http://"+r.desk+"/admin/"+path, body)
}

func roundTrip(ctx context.Context, client *http.Client, method, url, body string) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	told, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode >= 300 {
		err = fmt.Errorf("backend: %s %s: %s %s", method, url, resp.Status, told)
	}
	return told, err
}

func (r *remote) fault(ctx context.Context, f backendsim.Fault) error {
	return r.post(ctx, "faults", f)
}

func (r *remote) clear(ctx context.Context, k backendsim.FaultKind) error {
	_, err := r.ask(ctx, http.MethodDelete, "faults?kind="+url.QueryEscape(string(k)), "")
	return err
}

func (r *remote) account(ctx context.Context, issuer, account string) error {
	return r.post(ctx, "accounts", map[string]any{"issuer": issuer, "account": account, "balance": 1_000_000})
}

// office is head office's desk in the storm: its versions only grow.
type office struct {
	began    time.Time // the business day begins by it, in every policy
	keys     Keys
	rules    Rules
	freezes  int64
	frozen   bool
	operator string // folder
}

// policyNote signs the rules as they stand and leaves them to a backend that
// starts.
func (o *office) policyNote() (string, error) {
	signed, _, err := PolicyNote(o.keys, o.rules, o.began)
	if err != nil {
		return "", err
	}
	return signed, os.WriteFile(filepath.Join(o.operator, policyFile), []byte(signed), 0o600)
}

// freezeNote signs a freeze of e-cigarettes, or its end.
func (o *office) freezeNote() (string, error) {
	o.freezes++
	o.frozen = !o.frozen
	text := fmt.Sprintf("version = %d\nrealm = %q\n", o.freezes, Realm)
	if o.frozen {
		return policy.SignFreeze(text+"categories = [\"e-cigarette\"]\n", o.keys.Freeze)
	}
	return policy.SignFreeze(text, o.keys.Policy[0], o.keys.Policy[2])
}
