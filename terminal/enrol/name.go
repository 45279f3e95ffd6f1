package enrol

import (
	"errors"
	"net/url"
	"strings"
)

// Name is the URI that a register's certificate has as its only subject
// alternative name, such as sekisho://register/store-0001/r1: store and register
// with what is special in a URI escaped (RFC 3986, 2.1).
type Name struct {
	Store, Register string
}

// ErrName says that a URI names no register.
var ErrName = errors.New("the certificate names no register")

const (
	scheme = "sekisho"
	host   = "register"
)

// URI writes the name.
func (n Name) URI() *url.URL {
	path := "/" + url.PathEscape(n.Store) + "/" + url.PathEscape(n.Register)
	u, err := url.Parse(scheme + "://" + host + path)
	if err != nil { // escaped text always parses
		return &url.URL{}
	}
	return u
}

// ParseName reads what a certificate's URIs say. The error is ErrName.
func ParseName(uris []*url.URL) (Name, error) {
	if len(uris) != 1 || uris[0].Scheme != scheme || uris[0].Host != host {
		return Name{}, ErrName
	}
	parts := strings.Split(strings.TrimPrefix(uris[0].EscapedPath(), "/"), "/")
	if len(parts) != 2 {
		return Name{}, ErrName
	}
	store, bad := url.PathUnescape(parts[0])
	register, worse := url.PathUnescape(parts[1])
	n := Name{store, register}
	if bad != nil || worse != nil || store == "" || register == "" || n.URI().String() != uris[0].String() {
		return Name{}, ErrName
	}
	return n, nil
}
