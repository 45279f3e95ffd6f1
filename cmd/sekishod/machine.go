package main

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

// machineClock is the machine's own time.
type machineClock struct{}

// Boot reads CLOCK_BOOTTIME, which goes on through suspend; Go's own monotonic
// clock does not.
func (machineClock) Boot() time.Duration {
	var ts unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts); err != nil {
		return 0 // every Linux since 2.6.39 has it
	}
	return time.Duration(ts.Nano())
}

// Wall reads the wall clock.
func (machineClock) Wall() time.Time { return time.Now() }

// loadItems reads the price file: gtin,name,price_yen with that header.
func loadItems(path string) (map[terminal.GTIN]register.Item, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, &settingError{fmt.Errorf("the price file cannot be read: %w", err)}
	}
	defer f.Close()
	items, err := readItems(f)
	if err != nil {
		return nil, &settingError{fmt.Errorf("%s: %w", path, err)}
	}
	return items, nil
}

func readItems(r io.Reader) (map[terminal.GTIN]register.Item, error) {
	rows := csv.NewReader(r)
	rows.FieldsPerRecord = 3
	header, err := rows.Read()
	if err != nil || header[0] != "gtin" || header[1] != "name" || header[2] != "price_yen" {
		return nil, errors.New("the first line must be gtin,name,price_yen")
	}
	items := map[terminal.GTIN]register.Item{}
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			return items, nil
		}
		if err != nil {
			return nil, err
		}
		line, _ := rows.FieldPos(0)
		gtin := terminal.GTIN(row[0])
		price, err := strconv.ParseInt(row[2], 10, 64)
		if err != nil || !sellable(gtin, row[1], price) {
			return nil, fmt.Errorf("line %d: not an article number, a name and a price in whole yen", line)
		}
		if _, twice := items[gtin.Canonical()]; twice {
			return nil, fmt.Errorf("line %d: the article is there twice", line)
		}
		items[gtin.Canonical()] = register.Item{Name: row[1], Price: terminal.Yen(price)}
	}
}

// sellable says whether a sale would be taken with the article in it.
func sellable(gtin terminal.GTIN, name string, price int64) bool {
	line := terminal.Line{GTIN: gtin, Name: name, Quantity: 1, Price: terminal.Yen(price)}
	return terminal.Sale{Ref: "price file", Lines: []terminal.Line{line}}.Check() == nil
}
