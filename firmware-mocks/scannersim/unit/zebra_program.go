package unit

// What can be programmed into a Zebra.
const (
	zebraSuffix = "suffix" // ZebraSettings.Suffix
	zebraNewer  = "newer"  // ZebraSettings.Newer: no setting of a real unit, but another unit
)

// Programs names what can be programmed.
func (z *Zebra) Programs() []string { return []string{zebraSuffix, zebraNewer} }

// Program sets one, for good; false if there is none of that name.
func (z *Zebra) Program(name string) bool {
	switch name {
	case zebraSuffix:
		z.settings.Suffix = true
		z.stored[paramFormat], z.set[paramFormat] = 1, 1
	case zebraNewer:
		z.settings.Newer = true
	default:
		return false
	}
	return true
}
