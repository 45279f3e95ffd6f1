package phonepage

import (
	"context"
	"errors"
	"image"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"sekisho/firmware-mocks/walletsim"
)

// recorder stands for the running demo.
type recorder struct {
	shown int
	up    bool
	lost  int
}

func (r *recorder) Show(_ context.Context, picture image.Image) error {
	if picture.Bounds().Dx() < 100 {
		return errors.New("too small")
	}
	r.shown++
	return nil
}
func (r *recorder) CutLine(context.Context) error        { r.up = false; return nil }
func (r *recorder) MendLine(context.Context) error       { r.up = true; return nil }
func (r *recorder) LoseAnswer(context.Context) error     { r.lost++; return nil }
func (r *recorder) LineUp(context.Context) (bool, error) { return r.up, nil }
func (r *recorder) Page() string                         { return "http://127.0.0.1:8470/" }

func serve(t *testing.T) (*recorder, *httptest.Server) {
	t.Helper()
	store := &recorder{up: true}
	page := New(store, []Group{{Title: "Shelf", Cards: []Card{{
		ID: "lunch", Label: "Lunch",
		Draw: func(context.Context) (image.Image, error) { return walletsim.EAN("4902777130835") },
	}}}})
	server := httptest.NewServer(page.Handler())
	t.Cleanup(server.Close)
	return store, server
}

func do(t *testing.T, method, url, origin string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if origin != "" {
		req.Header.Set("Origin", origin)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestAClickHoldsThePictureBeforeTheScanner(t *testing.T) {
	store, server := serve(t)
	if code, body := do(t, "GET", server.URL+"/", ""); code != 200 || !strings.Contains(body, `data-post="show/lunch"`) {
		t.Fatalf("page: %d\n%s", code, body)
	}
	if code, _ := do(t, "GET", server.URL+"/shown.png", ""); code != 404 {
		t.Errorf("a picture before anything was shown: %d", code)
	}
	if code, body := do(t, "POST", server.URL+"/show/lunch", server.URL); code != 204 || store.shown != 1 {
		t.Fatalf("show: %d %s, shown %d", code, body, store.shown)
	}
	if code, body := do(t, "GET", server.URL+"/shown.png", ""); code != 200 || !strings.HasPrefix(body, "\x89PNG") {
		t.Errorf("picture: %d", code)
	}
	if code, _ := do(t, "POST", server.URL+"/line/cut", ""); code != 204 || store.up {
		t.Errorf("cut: %d, up %v", code, store.up)
	}
	if code, _ := do(t, "POST", server.URL+"/line/mend", ""); code != 204 || !store.up {
		t.Errorf("mend: %d, up %v", code, store.up)
	}
	if code, _ := do(t, "POST", server.URL+"/line/lose", ""); code != 204 || store.lost != 1 || !store.up {
		t.Errorf("lose: %d, lost %d, up %v", code, store.lost, store.up)
	}
}

// A browser asks for an icon by itself; there is none, and that is no fault.
func TestABrowsersIconIsNoError(t *testing.T) {
	_, server := serve(t)
	if code, body := do(t, "GET", server.URL+"/favicon.ico", ""); code != 204 || body != "" {
		t.Errorf("favicon: %d %q", code, body)
	}
}

func TestWhatIsNotOnThePageIsRefused(t *testing.T) {
	store, server := serve(t)
	for _, path := range []string{"/show/gold", "/line/chew", "/nothing"} {
		if code, _ := do(t, "POST", server.URL+path, ""); code != 404 && code != 405 {
			t.Errorf("%s: %d", path, code)
		}
	}
	if code, _ := do(t, "POST", server.URL+"/show/lunch", "http://evil.example"); code != 403 {
		t.Errorf("another site's click: %d", code)
	}
	if code, _ := do(t, "GET", server.URL+"/show/lunch", ""); code == 204 {
		t.Error("a GET showed a code")
	}
	if store.shown != 0 {
		t.Errorf("shown %d", store.shown)
	}
}
