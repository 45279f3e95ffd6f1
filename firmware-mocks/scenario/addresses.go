package scenario

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
)

// addressFile is where a running backend's addresses are, in its folder.
const addressFile = "backend.json"

// Addresses is where a running backend is.
type Addresses struct {
	Link  string `json:"link"`  // URL that registers dial
	Admin string `json:"admin"` // URL below which /admin/ is
	PID   int    `json:"pid"`   // of its process
	CA    string `json:"ca"`    // PEM: what registers trust; the one that signs first
}

// Keep writes the addresses into a backend's folder.
func (a Addresses) Keep(dir string) error {
	line, err := json.Marshal(a)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, addressFile), append(line, '\n'), 0o600)
}

// AddressesIn reads what Keep wrote last.
func AddressesIn(dir string) (a Addresses, err error) {
	line, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil {
		return a, fmt.Errorf("no backend was started with %s: %w", dir, err)
	}
	if err := json.Unmarshal(line, &a); err != nil {
		return a, fmt.Errorf("%s: %w", filepath.Join(dir, addressFile), err)
	}
	return a, nil
}
