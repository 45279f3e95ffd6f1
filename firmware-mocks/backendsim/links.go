package backendsim

// add takes a link in, unless the backend is closed; remove lets it go.
func (b *Backend) add(l *link) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return false
	}
	b.work.Add(1)
	b.links[l] = true
	return true
}

func (b *Backend) remove(l *link) {
	b.mu.Lock()
	delete(b.links, l)
	if who := l.who(); who != nil && b.latest[who.register] == l {
		delete(b.latest, who.register)
	}
	b.mu.Unlock()
	b.work.Done()
}

// linked gives the links of which which is true.
func (b *Backend) linked(which func(*link) bool) []*link {
	b.mu.Lock()
	defer b.mu.Unlock()
	var some []*link
	for l := range b.links {
		if which(l) {
			some = append(some, l)
		}
	}
	return some
}

// succeed makes a link its register's latest and ends the one before. Two hellos
// may be decided in one order and come here in the other.
func (b *Backend) succeed(l *link, c caller) {
	b.mu.Lock()
	before := b.latest[c.register]
	if before != nil && before != l && before.who().session > c.session {
		l, before = before, l
	}
	b.latest[c.register] = l
	b.mu.Unlock()
	if before != nil && before != l {
		before.stop()
	}
}

// hangUp ends links.
func (b *Backend) hangUp(which func(*link) bool) {
	for _, l := range b.linked(which) {
		l.stop()
	}
}

// beside says whether a register lives on another link than l, by an incarnation
// that is proved.
func (b *Backend) beside(l *link, register string) bool {
	b.mu.Lock()
	other := b.latest[register]
	b.mu.Unlock()
	return other != nil && other != l && other.ctx.Err() == nil && other.who().proved
}
