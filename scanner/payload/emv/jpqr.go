package emv

// jpqrGUID is the globally unique identifier of JPQR, in object 00 of one of the
// templates 26-51. The official text of Japan's profile is not public; GUID and
// sizes are those that a payment service of it published (go-emv-code by Mercari,
// package jpqr); JPQRReader, a decoder in Swift, has the same.
const jpqrGUID = "jp.or.paymentsjapan"

// StoreID is how JPQR names a shop to every payment service at once: the unified
// merchant identifier, levels 1 to 4.
type StoreID [4]string

// storeParts are the ids of the parts inside the template, and their lengths.
var storeParts = [...]struct {
	id     string
	length int
}{{"01", 13}, {"02", 4}, {"03", 6}, {"04", 6}}

// JPQR tells whether the code follows Japan's profile, and gives the shop's
// number in it.
func (m Merchant) JPQR() (StoreID, bool) {
	for outer := range m.Items() {
		if outer.ID > "51" {
			continue
		}
		if id, ok := m.storeID(outer); ok {
			return id, true
		}
	}
	return StoreID{}, false
}

// storeID reads a template of merchant account information.
func (m Merchant) storeID(outer Item) (id StoreID, ok bool) {
	for inner := range m.Inside(outer) {
		if inner.ID == "00" {
			ok = inner.Value == jpqrGUID
		}
		for i, part := range storeParts {
			if inner.ID == part.id && len(inner.Value) == part.length {
				id[i] = inner.Value
			}
		}
	}
	for _, part := range id {
		ok = ok && part != ""
	}
	return id, ok
}
