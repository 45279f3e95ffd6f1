package main

import (
	"errors"
	"maps"
	"os"
	"strings"
	"testing"
	"time"

	"sekisho/terminal"
	"sekisho/terminal/register"
)

const header = "gtin,name,price_yen\n"

func TestPriceFile(t *testing.T) {
	file := write(t, t.TempDir(), "items.csv", header+"4902777130835,\"chocolate, \"\"dark\"\"\",128\n614141000036,お弁当,720\n0000049400762,free,0\n")
	got, err := loadItems(file)
	want := map[terminal.GTIN]register.Item{
		"4902777130835": {Name: `chocolate, "dark"`, Price: 128},
		"0614141000036": {Name: "お弁当", Price: 720},
		"49400762":      {Name: "free", Price: 0},
	}
	if err != nil || !maps.Equal(got, want) {
		t.Errorf("got %v, %v", got, err)
	}
	if got, err := loadItems(""); err != nil || len(got) != 0 {
		t.Errorf("without a file: %v, %v", got, err)
	}
	if got, err := readItems(strings.NewReader(header)); err != nil || len(got) != 0 {
		t.Errorf("without goods: %v, %v", got, err)
	}
}

func TestI8PriceFileSaysWhichLineIsWrong(t *testing.T) {
	const good = header + "4902777130835,tea,150\n"
	for _, c := range []struct{ name, text, words string }{
		{"empty", "", "first line must be gtin,name,price_yen"},
		{"no header", "4902777130835,tea,150\n", "first line must be"},
		{"another order", "name,gtin,price_yen\n", "first line must be"},
		{"a column more", "gtin,name,price_yen,stock\n", "first line must be"},
		{"a wrong check digit", good + "4902777130836,tea,150\n", "line 3"},
		{"no number", good + "tea,tea,150\n", "line 3"},
		{"no price", good + "49400762,tea,\n", "line 3"},
		{"half a yen", good + "49400762,tea,1.5\n", "line 3"},
		{"a price below zero", good + "49400762,tea,-1\n", "line 3"},
		{"a price above all", good + "49400762,tea,10000001\n", "line 3"},
		{"beyond 64 bits", good + "49400762,tea,99999999999999999999\n", "line 3"},
		{"a name that no sale takes", good + "49400762," + strings.Repeat("茶", 201) + ",150\n", "line 3"},
		{"a name with a bell", good + "49400762,\a,150\n", "line 3"},
		{"a line after one of two rows", header + "4902777130835,\"te\na\",150\n", "line 2"},
		{"too few fields", good + "49400762,tea\n", "line 3"},
		{"an open quote", good + "49400762,\"tea,150\n", "line 3"},
		{"twice", good + "4902777130835,tea,160\n", "line 3: the article is there twice"},
		{"twice, the short form last", header + "0614141000036,tea,150\n614141000036,tea,160\n", "line 3: the article is there twice"},
		{"twice in another form", header + "614141000036,tea,150\n0614141000036,tea,160\n", "line 3: the article is there twice"},
	} {
		file := write(t, t.TempDir(), "items.csv", c.text)
		got, err := loadItems(file)
		if err == nil || got != nil || !strings.Contains(err.Error(), c.words) || !strings.Contains(err.Error(), file) || !needsPerson(err) {
			t.Errorf("%s: got %v, %v", c.name, got, err)
		}
	}
	if _, err := loadItems("/nowhere/items.csv"); !errors.Is(err, os.ErrNotExist) || !needsPerson(err) {
		t.Errorf("got %v", err)
	}
}

func TestMachineClockGoesOn(t *testing.T) {
	first := machineClock{}.Boot()
	if second := (machineClock{}).Boot(); first <= 0 || second < first {
		t.Errorf("boot clock: %v, then %v", first, second)
	}
	before := time.Now()
	if got := (machineClock{}).Wall(); got.Before(before) || got.After(time.Now()) {
		t.Errorf("wall clock: %v", got)
	}
}
