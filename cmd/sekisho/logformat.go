package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode/utf8"

	"sekisho/terminal"
	"sekisho/terminal/journal"
)

// header names the columns of table and CSV.
var header = []string{"time", "entry", "type", "state", "reason", "yen", "categories", "sale", "payment"}

// row gives an entry's columns. A mark stands in the place of the state, and so does
// what was pruned.
func row(e journal.Entry, zone *time.Location, layout string) []string {
	state := string(e.State)
	if e.Mark != "" {
		state = e.Mark
		if e.By != "" {
			state += " by " + e.By
		}
	}
	if e.Type == journal.TypePruned {
		state = fmt.Sprintf("entries before %d deleted", e.First)
	}
	amount := ""
	if hasAmount(e) {
		amount = strconv.FormatInt(e.Amount, 10)
	}
	return []string{
		e.Time.Time().In(zone).Format(layout), strconv.FormatInt(e.Seq, 10), string(e.Type), state, string(e.Reason),
		amount, categories(e.Categories), string(e.Sale), string(e.Payment),
	}
}

// hasAmount says whether an entry is about money: a start or an erasure is not.
func hasAmount(e journal.Entry) bool { return e.Payment != "" && e.Type != journal.TypeErase }

func categories(list []terminal.Category) string {
	var names []string
	for _, c := range list {
		names = append(names, string(c))
	}
	return strings.Join(names, " ")
}

// table writes columns for people.
type table struct {
	out  *tabwriter.Writer
	zone *time.Location
}

func newTable(out io.Writer, zone *time.Location) *table {
	t := &table{out: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0), zone: zone}
	fmt.Fprintln(t.out, strings.ToUpper(strings.Join(header, "\t")))
	return t
}

func (t *table) write(e journal.Entry, _ []byte) error {
	cells := row(e, t.zone, "2006-01-02 15:04:05")
	for i, c := range cells {
		cells[i] = printable(c)
	}
	_, err := fmt.Fprintln(t.out, strings.Join(cells, "\t"))
	return err
}

func (t *table) flush() error { return t.out.Flush() }

// printable takes from a POS's text what could move the cursor of a terminal.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	return strings.Map(func(r rune) rune {
		if !strconv.IsPrint(r) {
			return '?'
		}
		return r
	}, s)
}

// jsonLines writes each entry's leaf, unchanged, so that it can be hashed.
type jsonLines struct{ out io.Writer }

func (j jsonLines) write(_ journal.Entry, leaf []byte) error {
	_, err := j.out.Write(append(leaf[:len(leaf):len(leaf)], '\n'))
	return err
}

func (jsonLines) flush() error { return nil }

// csvRows writes RFC 4180, for a spreadsheet.
type csvRows struct {
	out  *csv.Writer
	zone *time.Location
}

func newCSV(out io.Writer, zone *time.Location) *csvRows {
	c := &csvRows{out: csv.NewWriter(out), zone: zone}
	_ = c.out.Write(header) // the writer keeps its error for flush
	return c
}

func (c *csvRows) write(e journal.Entry, _ []byte) error {
	cells := row(e, c.zone, time.RFC3339)
	for i, cell := range cells {
		cells[i] = noFormula(cell)
	}
	return c.out.Write(cells)
}

func (c *csvRows) flush() error {
	c.out.Flush()
	return c.out.Error()
}

// noFormula keeps a spreadsheet from reading a text, such as a POS's reference,
// as a formula (OWASP, CSV injection; a Japanese one takes the wide signs too).
func noFormula(s string) string {
	if first, _ := utf8.DecodeRuneInString(s); s != "" && strings.ContainsRune("=+-@\t\r\n＝＋－＠", first) {
		if _, err := strconv.ParseInt(s, 10, 64); err != nil {
			return "'" + s
		}
	}
	return s
}
