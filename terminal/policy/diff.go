package policy

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode"

	"sekisho/terminal"
)

// Diff says in sentences what becomes different when the policy after takes the
// place of before, the most important first; none where nothing does. A policy
// that no register would take, and caps, goods, issuers and numbers that let more
// through than before, begin with "!". A later "good until" is each policy's.
func Diff(before, after *Policy) []string {
	said := slices.Concat(diffHead(before, after), diffCaps(before, after), diffCategories(before, after), diffArticles(before, after))
	for _, rule := range []struct {
		name     string
		old, new any
	}{
		{"times", before.Times, after.Times}, {"pass", before.Pass, after.Pass}, {"device", before.Device, after.Device},
		{"offline", before.Offline, after.Offline}, {"reserve", before.Reserve, after.Reserve},
	} {
		said = append(said, diffFields(rule.name, rule.old, rule.new)...)
	}
	said = append(said, diffUnitemised(before, after)...)
	if !reflect.DeepEqual(before.Wallets, after.Wallets) {
		said = append(said, "the list of wallets is another")
	}
	return append(said, diffIssuers(before, after)...)
}

func diffHead(before, after *Policy) (said []string) {
	if after.Version <= before.Version {
		said = append(said, fmt.Sprintf("! version %d does not follow %d: no register would take it", after.Version, before.Version))
	}
	if after.Realm != before.Realm {
		said = append(said, fmt.Sprintf("! it is for %q, the one before for %q", after.Realm, before.Realm))
	}
	if !slices.Equal(before.Classes, after.Classes) {
		said = append(said, fmt.Sprintf("classes were %s, are %s", strings.Join(before.Classes, ", "), strings.Join(after.Classes, ", ")))
	}
	if !before.GoodUntil.Equal(after.GoodUntil) {
		said = append(said, fmt.Sprintf("good until %s, was %s", after.GoodUntil.Format(layout), before.GoodUntil.Format(layout)))
	}
	if before.Business.Zone.String() != after.Business.Zone.String() || before.Business.CutOver != after.Business.CutOver {
		said = append(said, "! business days begin at another time: a window may be short or long once, with a whole cap of its own")
	}
	return said
}

const layout = "2006-01-02 15:04 -07:00"

func diffCaps(before, after *Policy) (said []string) {
	for _, old := range before.Caps {
		now, kept := after.Cap(old.ID)
		switch {
		case !kept:
			said = append(said, fmt.Sprintf("! cap %s is gone; its id may never name another cap", old.ID))
		case now != old && now.Limit != old.Limit && sameBut(now, old):
			said = append(said, fmt.Sprintf("%scap %s was at most %s, is at most %s", mark(now.Limit, old.Limit), old.ID, limitWords(old.Limit), limitWords(now.Limit)))
		case now != old:
			said = append(said, fmt.Sprintf("! the id of cap %s names another cap now: ids are never used again. Was %s. Is %s", old.ID, words(old), words(now)))
		}
		if kept && !slices.Equal(before.capClasses[old.ID], after.capClasses[old.ID]) {
			said = append(said, fmt.Sprintf("! cap %s is for other classes of stores", old.ID))
		}
	}
	for _, now := range after.Caps {
		if _, was := before.Cap(now.ID); !was {
			said = append(said, "new cap "+words(now)+"; it counts from the next window on")
		}
	}
	return said
}

// Reused says which caps of a policy carry an id that in an older one named
// another cap, or was gone in between: counters and journals go by ids for ever.
// The older ones are in their order.
func Reused(now *Policy, past ...*Policy) (said []string) {
	for _, c := range now.Caps {
		gone := false
		for i := len(past) - 1; i >= 0; i-- {
			old, was := past[i].Cap(c.ID)
			if was && (gone || !sameBut(c, old)) {
				said = append(said, fmt.Sprintf("! the id of cap %s was used before, in version %d: %s", c.ID, past[i].Version, words(old)))
				break
			}
			gone = gone || !was
		}
	}
	return said
}

// sameBut says whether two caps differ in their limits alone.
func sameBut(a, b terminal.Cap) bool {
	a.Limit = b.Limit
	return a == b
}

// mark is "! " where a limit is higher than it was.
func mark(now, old terminal.Amount) string { return exclaim(!now.Within(old)) }

func diffCategories(before, after *Policy) (said []string) {
	for _, c := range slices.Sorted(maps.Keys(before.HighResale)) {
		now, kept := after.HighResale[c]
		switch {
		case !kept:
			said = append(said, fmt.Sprintf("! category %s is gone", c))
		case before.HighResale[c] && !now:
			said = append(said, fmt.Sprintf("! %s counts as ordinary goods now", c))
		case now != before.HighResale[c]:
			said = append(said, fmt.Sprintf("%s counts as high-resale goods now", c))
		}
	}
	for _, c := range slices.Sorted(maps.Keys(after.HighResale)) {
		if !before.Knows(c) {
			said = append(said, fmt.Sprintf("new category %s", c))
		}
	}
	return said
}

func diffArticles(before, after *Policy) (said []string) {
	added := 0
	for _, gtin := range slices.Sorted(maps.Keys(after.Watch)) {
		if _, was := before.Watch[gtin]; was {
			continue
		}
		added++
		now := after.Watch[gtin] // the list goes before the maker
		if made, was := before.maker(gtin); was && (now.Category != made.Category || now.Units < made.Units) {
			said = append(said, fmt.Sprintf("! article %s was %d units of %s by its maker, is %d units of %s", gtin, made.Units, made.Category, now.Units, now.Category))
		}
	}
	if added > 0 {
		said = append(said, fmt.Sprintf("%d more articles are watched", added))
	}
	for _, gtin := range slices.Sorted(maps.Keys(before.Watch)) {
		old := before.Watch[gtin]
		now, kept := after.Watch[gtin]
		switch {
		case !kept:
			said = append(said, fmt.Sprintf("! article %s is no longer watched", gtin))
		case now != old:
			said = append(said, fmt.Sprintf("! article %s was %d units of %s, is %d units of %s", gtin, old.Units, old.Category, now.Units, now.Category))
		}
	}
	if !slices.Equal(before.Makers, after.Makers) {
		said = append(said, fmt.Sprintf("%smakers were %v, are %v", exclaim(fewer(before.Makers, after.Makers)), before.Makers, after.Makers))
	}
	return said
}

// fewer says whether articles of a maker may count as less than before: by a
// prefix that is gone or changed, or by a longer one that goes before it.
func fewer(before, after []Maker) bool {
	for _, old := range before {
		if !slices.Contains(after, old) || slices.ContainsFunc(after, func(now Maker) bool {
			longer := len(now.Prefix) > len(old.Prefix) && strings.HasPrefix(now.Prefix, old.Prefix)
			return longer && !slices.Contains(before, now) && (now.Category != old.Category || now.Units < old.Units)
		}) {
			return true
		}
	}
	return false
}

func diffUnitemised(before, after *Policy) []string {
	if before.Goods == after.Goods {
		return nil
	}
	more := !after.Goods.Refuse && before.Goods != GoodsRules{} // from ordinary there is nothing looser
	return []string{fmt.Sprintf("%sgoods.unitemised was %q, is %q", exclaim(more), before.Goods.word(), after.Goods.word())}
}

// word is what the policy's text says.
func (g GoodsRules) word() string {
	switch {
	case g.Refuse:
		return refuse
	case g.Unitemised == "":
		return ordinary
	}
	return string(g.Unitemised)
}

// looser are the numbers of which a higher one lets more through, and with false
// those of which a lower one does.
var looser = map[string]bool{
	"pass.life": true, "pass.tolerance": true, "device.new_for": false, "device.new_units_online": true,
	"offline.floor": true, "offline.account_yen": true, "offline.account_count": true, "offline.boot_yen": true,
	"offline.full_for": true, "offline.nothing_after": true, "offline.decline_bars": false,
	"reserve.register_percent": true, "reserve.store_percent": true,
}

// exclaim is "! " for what lets more through.
func exclaim(more bool) string {
	if more {
		return "! "
	}
	return ""
}

// diffFields compares two structs of numbers field by field.
func diffFields(name string, old, now any) (said []string) {
	before, after := reflect.ValueOf(old), reflect.ValueOf(now)
	for i := range before.NumField() {
		if was, is := before.Field(i).Interface(), after.Field(i).Interface(); was != is {
			about := name + "." + key(before.Type().Field(i).Name)
			higher, rules := looser[about]
			more := rules && (after.Field(i).Int() > before.Field(i).Int()) == higher
			said = append(said, fmt.Sprintf("%s%s was %v, is %v", exclaim(more), about, was, is))
		}
	}
	return said
}

// key writes a field's name as the policy's text does: AccountYen, account_yen.
func key(field string) string {
	var b strings.Builder
	for i, r := range field {
		if i > 0 && unicode.IsUpper(r) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

func diffIssuers(before, after *Policy) (said []string) {
	find := func(list []PassIssuer, id string) (PassIssuer, bool) {
		i := slices.IndexFunc(list, func(s PassIssuer) bool { return s.KeyID == id })
		if i < 0 {
			return PassIssuer{}, false
		}
		return list[i], true
	}
	for _, s := range before.Issuers {
		if now, kept := find(after.Issuers, s.KeyID); !kept {
			said = append(said, fmt.Sprintf("passes signed with %s of %s are no longer taken", s.KeyID, s.Name))
		} else if now.Name != s.Name || !now.Key.Equal(s.Key) {
			said = append(said, fmt.Sprintf("! %s names another key of an issuer: is it meant?", s.KeyID))
		}
	}
	for _, s := range after.Issuers {
		if _, was := find(before.Issuers, s.KeyID); !was {
			said = append(said, fmt.Sprintf("! passes signed with %s of %s are taken", s.KeyID, s.Name))
		}
	}
	return said
}
