package unit

import (
	"slices"
	"strconv"
	"strings"
)

// Answers of a menu language, put before the mark that ends a command.
const (
	ack = 0x06 // done
	enq = 0x05 // no such tag or subtag
	nak = 0x15 // known, but the data are not allowed
)

// menu is the language that Honeywell's units speak and Newland's have taken
// over: commands of a tag, a subtag and data, parted by "," where the next one
// has the same tag and by ";" where it names another. A query stands in the
// place of the data, of a subtag or of a tag. The unit echoes what it heard,
// with the answer before each mark.
type menu struct {
	settings []setting // those with the same tag one after the other

	current, factory, span byte // the queries; 0 where there is none

	// action does what is no setting, and tells what to add to the echo; 0 where
	// there is no such command.
	action func(name, data string) (add string, answer byte)
}

// setting is one that the language can change. Name is tag and subtag, three
// characters each.
type setting struct {
	name               string
	factory, low, high int
}

// values are those of a menu's settings, in their order.
type values []int

// fresh is how the settings leave the factory.
func (m menu) fresh() values {
	v := make(values, len(m.settings))
	for i, s := range m.settings {
		v[i] = s.factory
	}
	return v
}

// find gives the place of a setting, below zero if there is none.
func (m menu) find(name string) int {
	return slices.IndexFunc(m.settings, func(s setting) bool { return s.name == name })
}

// run obeys commands, the last of which ended with the mark end, and appends
// the echo to reply. What is set goes into each of write; queries look at read.
func (m menu) run(reply []byte, commands string, end byte, read values, write ...values) []byte {
	tag := ""
	for {
		command, mark, more := commands, end, false
		if i := strings.IndexAny(commands, ",;"); i >= 0 {
			command, mark, commands, more = commands[:i], commands[i], commands[i+1:], true
		}
		reply, tag = m.obey(reply, tag, command, read, write)
		reply = append(reply, mark)
		if !more {
			return reply
		}
		if mark == ';' {
			tag = ""
		}
	}
}

// obey does one command and appends its echo and answer, the mark not. The tag
// is empty where the command brings its own, and is given back for the next.
func (m menu) obey(reply []byte, tag, command string, read values, write []values) ([]byte, string) {
	if tag == "" {
		if m.isQuery(command) {
			return m.list(reply, "", command[0], read), ""
		}
		tag, command = three(command)
		reply = append(reply, tag...)
	}
	if m.isQuery(command) {
		return m.list(reply, tag, command[0], read), tag
	}
	sub, data := three(command)
	i := m.find(tag + sub)
	switch {
	case i < 0:
		return m.act(reply, tag+sub, command, data), tag
	case m.isQuery(data):
		return append(m.tell(reply, i, data[0], read), ack), tag
	}
	reply = append(reply, command...)
	if !m.settings[i].set(i, data, write) {
		return append(reply, nak), tag
	}
	return append(reply, ack), tag
}

// act does a command that is no setting.
func (m menu) act(reply []byte, name, command, data string) []byte {
	reply = append(reply, command...)
	add, answer := m.action(name, data)
	if answer == 0 {
		answer = enq
	}
	return append(append(reply, add...), answer)
}

// set puts the value that data names into each of the tables, false if it is
// not allowed. I is the setting's place.
func (s setting) set(i int, data string, tables []values) bool {
	v, err := strconv.ParseUint(data, 10, 31)
	if err != nil || int(v) < s.low || int(v) > s.high {
		return false
	}
	for _, table := range tables {
		table[i] = int(v)
	}
	return true
}

// isQuery tells whether s is one of the queries.
func (m menu) isQuery(s string) bool {
	return len(s) == 1 && s[0] != 0 && (s[0] == m.current || s[0] == m.factory || s[0] == m.span)
}

// list answers a query for all settings of a tag, or for all there are where
// the tag is empty. The caller has echoed the tag.
func (m menu) list(reply []byte, tag string, query byte, read values) []byte {
	found, last := false, tag
	for i, s := range m.settings {
		own, _ := three(s.name)
		if tag != "" && own != tag {
			continue
		}
		if found {
			reply = append(reply, separator(own, last))
		}
		if own != last {
			reply = append(reply, own...)
		}
		reply = append(m.tell(reply, i, query, read), ack)
		found, last = true, own
	}
	if !found {
		return append(reply, query, enq)
	}
	return reply
}

// separator is the mark between two commands.
func separator(tag, last string) byte {
	if tag == last {
		return ','
	}
	return ';'
}

// tell appends a subtag and what a query wants to know of it.
func (m menu) tell(reply []byte, i int, query byte, read values) []byte {
	s := m.settings[i]
	_, sub := three(s.name)
	reply = append(reply, sub...)
	switch query {
	case m.current:
		return strconv.AppendInt(reply, int64(read[i]), 10)
	case m.factory:
		return strconv.AppendInt(reply, int64(s.factory), 10)
	}
	reply = strconv.AppendInt(reply, int64(s.low), 10)
	return strconv.AppendInt(append(reply, '-'), int64(s.high), 10)
}

// three parts the first three characters from the rest.
func three(s string) (first, rest string) {
	n := min(3, len(s))
	return s[:n], s[n:]
}
