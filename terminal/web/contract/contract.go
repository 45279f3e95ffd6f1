// Package contract holds what POS and register say to each other against
// docs/openapi.yaml. It is an ordinary package, so that every test that speaks
// the local API can check all of it on the way, whatever else it is about.
package contract

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Contract is the description of the local API (OpenAPI 3.1, whose schemas are
// JSON Schema 2020-12).
type Contract struct {
	Doc    *openapi3.T
	router routers.Router

	mu   sync.Mutex
	seen map[string]map[int]bool // by operation
}

// Load reads the description and checks it, its examples included.
func Load(path string) (*Contract, error) {
	loader := openapi3.NewLoader()
	doc, err := loader.LoadFromFile(path)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if err := doc.Validate(loader.Context, openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	if err := checkExamples(doc); err != nil {
		return nil, err
	}
	doc.Servers = nil // tests listen where there is room
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		return nil, fmt.Errorf("contract: %w", err)
	}
	return &Contract{Doc: doc, router: router, seen: map[string]map[int]bool{}}, nil
}

// checkExamples holds every schema's examples against it. (Validate looks at
// those of media types and parameters only.)
func checkExamples(doc *openapi3.T) error {
	for name, schema := range doc.Components.Schemas {
		for i, example := range schema.Value.Examples {
			if err := visit(schema.Value, example); err != nil {
				return fmt.Errorf("contract: example %d of %s: %w", i, name, err)
			}
		}
	}
	return nil
}

// visit holds a value against a schema by JSON Schema 2020-12.
func visit(schema *openapi3.Schema, value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return err
	}
	var plain any // as a decoder of JSON gives it
	if err := json.Unmarshal(text, &plain); err != nil {
		return err
	}
	return schema.VisitJSON(plain, openapi3.EnableJSONSchema2020(), openapi3.EnableFormatValidation())
}

// Operations gives every operation that is described, as "GET /v1/state".
func (c *Contract) Operations() []string {
	var all []string
	for path, item := range c.Doc.Paths.Map() {
		for method := range item.Operations() {
			all = append(all, method+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// Seen gives the statuses that an operation answered with, sorted.
func (c *Contract) Seen(operation string) []int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Sorted(maps.Keys(c.seen[operation]))
}

// Transport lets requests through next and tells broken of each that was taken
// though it is not as described, and of each answer that is not. What is no
// part of the API, a page for example, passes unchecked.
func (c *Contract) Transport(next http.RoundTripper, broken func(error)) http.RoundTripper {
	return &transport{contract: c, next: next, broken: broken}
}

type transport struct {
	contract *Contract
	next     http.RoundTripper
	broken   func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, err
		}
		r.Body.Close()
	}
	again := r.Clone(r.Context())
	again.Body = io.NopCloser(bytes.NewReader(sent))
	res, err := t.next.RoundTrip(again)
	if err != nil {
		return nil, err
	}
	route, params, err := t.contract.router.FindRoute(r)
	if err != nil {
		if strings.HasPrefix(r.URL.Path, "/v1/") && res.StatusCode != http.StatusNotFound && res.StatusCode != http.StatusMethodNotAllowed {
			t.broken(fmt.Errorf("%s %s is not described and was answered with %s", r.Method, r.URL.Path, res.Status))
		}
		return res, nil
	}
	t.contract.saw(r.Method+" "+route.Path, res.StatusCode)
	request := &openapi3filter.RequestValidationInput{Request: fresh(r, sent), PathParams: params, Route: route, Options: options()}
	if err := t.contract.check(r.Context(), request, res, t.broken); err != nil {
		t.broken(fmt.Errorf("%s %s, %s: %w", r.Method, route.Path, res.Status, err))
	}
	return res, nil
}

// Close idle connections where the transport below keeps some.
func (t *transport) CloseIdleConnections() {
	if c, ok := t.next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

func fresh(r *http.Request, body []byte) *http.Request {
	again := r.Clone(r.Context())
	again.Body, again.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return again
}

func options() *openapi3filter.Options {
	return &openapi3filter.Options{
		SchemaValidationOptions: []openapi3.SchemaValidationOption{openapi3.EnableFormatValidation()},
		AuthenticationFunc:      openapi3filter.NoopAuthenticationFunc, IncludeResponseStatus: true, SkipSettingDefaults: true,
	}
}

func (c *Contract) saw(operation string, status int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.seen[operation] == nil {
		c.seen[operation] = map[int]bool{}
	}
	c.seen[operation][status] = true
}

// check holds one exchange against the description. A request is held to it only
// where the register took it: tests send wrong ones too.
func (c *Contract) check(ctx context.Context, request *openapi3filter.RequestValidationInput, res *http.Response, broken func(error)) error {
	if res.StatusCode < http.StatusBadRequest {
		if err := openapi3filter.ValidateRequest(ctx, request); err != nil {
			return fmt.Errorf("the register took what is not described: %w", err)
		}
	}
	if strings.HasPrefix(res.Header.Get("Content-Type"), "text/event-stream") {
		res.Body = &eventBody{ReadCloser: res.Body, contract: c, broken: broken} // it does not end
		return nil
	}
	body, err := io.ReadAll(res.Body)
	res.Body.Close()
	res.Body = io.NopCloser(bytes.NewReader(body))
	if err != nil {
		return err
	}
	return openapi3filter.ValidateResponse(ctx, &openapi3filter.ResponseValidationInput{
		RequestValidationInput: request, Status: res.StatusCode, Header: res.Header,
		Body: io.NopCloser(bytes.NewReader(body)), Options: options(),
	})
}
