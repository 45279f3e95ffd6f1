package policy

import (
	"fmt"
	"strings"

	"sekisho/terminal"
)

// What goods.unitemised may say, beside a category.
const (
	refuse   = "refuse"
	ordinary = "ordinary"
)

func (f *file) categories(p *Policy) error {
	if len(f.Categories) > maxCaps {
		return fmt.Errorf("more than %d categories", maxCaps)
	}
	p.HighResale = map[terminal.Category]bool{}
	for i, c := range f.Categories {
		if _, twice := p.HighResale[terminal.Category(c.ID)]; twice || !name(c.ID) {
			return fmt.Errorf("category %d: the id is missing, longer than %d characters or there twice", i+1, maxName)
		}
		if c.ID == refuse || c.ID == ordinary {
			return fmt.Errorf("category %d: %q is a word of goods.unitemised", i+1, c.ID)
		}
		p.HighResale[terminal.Category(c.ID)] = c.HighResale
	}
	return nil
}

func (f *file) watch(p *Policy) error {
	p.Watch = make(map[terminal.GTIN]Watched, len(f.Watch))
	for i, w := range f.Watch {
		gtin := terminal.GTIN(w.GTIN).Canonical() // as lines carry it
		switch _, twice := p.Watch[gtin]; {
		case !gtin.Valid():
			return fmt.Errorf("watch %d: %q is no article number", i+1, w.GTIN)
		case twice:
			return fmt.Errorf("watch %d: %q is there twice", i+1, w.GTIN)
		case !p.Knows(terminal.Category(w.Category)):
			return fmt.Errorf("watch %d: category %q is not in the list of categories", i+1, w.Category)
		case w.Units < 1 || w.Units > terminal.MaxQuantity:
			return fmt.Errorf("watch %d: units must be from 1 to %d", i+1, terminal.MaxQuantity)
		}
		p.Watch[gtin] = Watched{Category: terminal.Category(w.Category), Units: w.Units}
	}
	return nil
}

func (f *file) makers(p *Policy) error {
	if len(f.Makers) > maxCaps {
		return fmt.Errorf("more than %d makers", maxCaps)
	}
	prefixes := map[string]bool{}
	for i, m := range f.Makers {
		switch {
		case m.Prefix == "" || len(m.Prefix) > 13 || strings.Trim(m.Prefix, "0123456789") != "" || prefixes[m.Prefix]:
			return fmt.Errorf("maker %d: the prefix is no 1 to 13 digits or there twice", i+1)
		case !p.Knows(terminal.Category(m.Category)):
			return fmt.Errorf("maker %d: category %q is not in the list of categories", i+1, m.Category)
		case m.Units < 1 || m.Units > terminal.MaxQuantity:
			return fmt.Errorf("maker %d: units must be from 1 to %d", i+1, terminal.MaxQuantity)
		}
		prefixes[m.Prefix] = true
		p.Makers = append(p.Makers, Maker{Prefix: m.Prefix, Category: terminal.Category(m.Category), Units: m.Units})
	}
	return nil
}

func (f *file) unitemised(p *Policy) error {
	switch word := f.Goods.Unitemised; {
	case word == refuse || word == "":
		p.Goods.Refuse = true
	case word == ordinary:
	case p.Knows(terminal.Category(word)):
		p.Goods.Unitemised = terminal.Category(word)
	default:
		return fmt.Errorf("goods.unitemised %q is neither %s nor %s nor a category", word, refuse, ordinary)
	}
	return nil
}
