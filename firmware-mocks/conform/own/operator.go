package own

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"sekisho/firmware-mocks/conform"
	"sekisho/terminal/policy"
)

// operate does head office's acts by the admin side, as docs/examples/operator.sh
// does by the operator's commands.
func (o *Backend) operate(ctx context.Context, act string, args ...string) (string, error) {
	field := func(path string, names ...string) (string, error) {
		body := map[string]string{}
		for i, name := range names {
			body[name] = args[i]
		}
		data, err := json.Marshal(body)
		if err != nil {
			return "", err
		}
		return o.post(ctx, path, data)
	}
	switch act {
	case "freeze", "lift":
		return o.published(ctx, "freeze", args[0], policy.SignFreeze, o.signers[act])
	case "policy":
		return o.published(ctx, "policy", args[0], policy.Sign, o.signers[act])
	case "roles":
		return o.newRoles(ctx, args[0], args[1:])
	case "deny":
		return field("denials", "issuer", "account")
	case "allow":
		return field("denials/allow", "issuer", "account")
	case "revoke", "release":
		return field("registers/"+act, "register")
	case "quarantine":
		return field("registers/quarantine", "register", "why")
	case "code":
		said, err := field("codes", "store", "register")
		var made struct{ Code string }
		if err == nil {
			err = json.Unmarshal([]byte(said), &made)
		}
		return made.Code, err
	}
	return "", conform.ErrCannot
}

// newRoles signs a file's text with keys, each a file or this backend's own root.
func (o *Backend) newRoles(ctx context.Context, file string, keys []string) (string, error) {
	var by []note.Signer
	for _, name := range keys {
		if name == "root" {
			by = append(by, o.cfg.Root)
			continue
		}
		secret, err := os.ReadFile(name)
		if err != nil {
			return "", err
		}
		signer, err := note.NewSigner(strings.TrimSpace(string(secret)))
		if err != nil {
			return "", err
		}
		by = append(by, signer)
	}
	sign := func(text string, _ ...note.Signer) (string, error) { return policy.SignRoles(text, by...) }
	return o.published(ctx, "roles", file, sign, nil)
}

// published signs a file's text and brings it to the backend.
func (o *Backend) published(ctx context.Context, as, file string, sign func(string, ...note.Signer) (string, error), by note.Signer) (string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	signed, err := sign(string(text), by)
	if err != nil {
		return "", err
	}
	return o.post(ctx, as, []byte(signed))
}

func (o *Backend) post(ctx context.Context, path string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+o.desk+"/admin/"+path, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	said, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", res.Status, said)
	}
	return string(said), err
}
