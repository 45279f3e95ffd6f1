package conform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// funds is what each of the kit's accounts has, in yen.
const funds = 100_000

// adminTime bounds one request to the admin API.
const adminTime = 10 * time.Second

// admin posts head office's act; the rule needs an admin API for it.
func (p *play) admin(path string, body map[string]any) {
	p.need(p.k.cfg.Admin != "", "an admin API")
	if p.over() {
		return
	}
	if err := p.post(path, body); err != nil {
		p.fail("the admin API did not do %s: %w", path, err)
	}
}

func (p *play) post(path string, body map[string]any) error {
	return post(p.ctx, p.k.cfg.Admin+path, body)
}

func post(ctx context.Context, url string, body map[string]any) error {
	data, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(data))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: adminTime, Transport: &http.Transport{DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		said, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10)) // what came is shown, whole or not
		return fmt.Errorf("%s: %s", res.Status, said)
	}
	return nil
}

// fund puts money on an account, where there is an admin API. Without one the
// backend has money on the kit's accounts by itself.
func (p *play) fund(account string, yen int64) {
	if p.k.cfg.Admin != "" {
		p.admin("/admin/accounts", map[string]any{"issuer": p.k.issuer.Name, "account": account, "balance": yen})
	}
}
