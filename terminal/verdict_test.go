package terminal_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"

	"sekisho/terminal"
)

// everySentence gives all that a cashier can ever read, by where it comes from.
func everySentence() map[string]map[string]string {
	all := map[string]map[string]string{}
	for _, r := range terminal.Reasons() {
		all[string(r)] = r.Sentences()
	}
	for name, p := range map[string]terminal.Payment{
		"approved":    {State: terminal.Approved},
		"handed over": {State: terminal.Approved, HandedOver: terminal.ByCashier},
		"voided":      {State: terminal.Approved, Void: &terminal.Void{ID: "v"}},
		"sent":        {State: terminal.Sent},
		"unknown":     {State: terminal.Unknown},
	} {
		all["state "+name] = terminal.SentenceFor(p)
	}
	return all
}

func TestEveryReasonHasSentencesOfItsOwnInEveryLanguage(t *testing.T) {
	if got := len(terminal.Reasons()); got < 25 || !slices.IsSorted(terminal.Reasons()) {
		t.Fatalf("only %d reasons, or not sorted", got)
	}
	languages := slices.Sorted(slices.Values(terminal.Languages))
	seen := map[string]string{}
	for name, texts := range everySentence() {
		if got := slices.Sorted(maps.Keys(texts)); !slices.Equal(got, languages) {
			t.Errorf("%s: languages %v, want %v", name, got, languages)
		}
		for lang, text := range texts {
			if strings.TrimSpace(text) == "" || text != strings.TrimSpace(text) {
				t.Errorf("%s in %s: %q", name, lang, text)
			}
			if other, twice := seen[text]; twice {
				t.Errorf("%s and %s both say %q", name+" in "+lang, other, text)
			}
			seen[text] = name + " in " + lang
		}
	}
}

// The fixed points' reason codes, from the documents.
func TestReasonTableHoldsTheFixedPoints(t *testing.T) {
	for r := range strings.FieldsSeq(`cap.store cap.account cap.register cap.offline code.expired code.replayed code.forged
		code.unknown-offline code.merchant account.denied device.new offline.limit policy.stale policy.missing clock
		backend.declined backend.unreachable storage busy`) {
		if !terminal.Reason(r).Known() || !slices.Contains(terminal.Reasons(), terminal.Reason(r)) {
			t.Errorf("%q is missing", r)
		}
	}
}

// A sentence stands where the customer can read it: it tells no limit, accuses
// nobody and shows no code.
func TestNoSentenceTellsALimitOrAccuses(t *testing.T) {
	accusing := []string{
		"fraud", "stolen", "steal", "theft", "thief", "suspicious", "suspect", "crime", "criminal", "police", "fake", "forged", "illegal", "abuse", "blacklist", "refused by",
		"不正", "盗", "詐欺", "偽", "犯罪", "警察", "疑", "怪し", "違法", "悪用", "ぬすま", "ぬすん", "ふせい", "あやし", "にせ", "はんざい", "けいさつ", "うたが",
	}
	for name, texts := range everySentence() {
		for lang, text := range texts {
			if strings.ContainsFunc(text, func(r rune) bool { return unicode.IsNumber(r) && !unicode.Is(unicode.Han, r) }) {
				t.Errorf("%s in %s tells a number: %q", name, lang, text)
			}
			for _, word := range accusing {
				if strings.Contains(strings.ToLower(text), word) {
					t.Errorf("%s in %s accuses (%q): %q", name, lang, word, text)
				}
			}
		}
	}
}

// Easy Japanese has no kanji, and English no Japanese.
func TestSentencesAreInTheirLanguage(t *testing.T) {
	for name, texts := range everySentence() {
		if strings.ContainsFunc(texts["ja-Hira"], func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
			t.Errorf("%s in easy Japanese has kanji: %q", name, texts["ja-Hira"])
		}
		if strings.ContainsFunc(texts["en"], func(r rune) bool { return r > unicode.MaxASCII }) {
			t.Errorf("%s in English: %q", name, texts["en"])
		}
		if !strings.ContainsFunc(texts["ja"], func(r rune) bool { return unicode.In(r, unicode.Hiragana, unicode.Han) }) {
			t.Errorf("%s in Japanese: %q", name, texts["ja"])
		}
	}
}

// Whatever reason a backend gives, a decline never reads like an approval.
func TestI4NoReasonOfABackendCanShowAnotherOutcome(t *testing.T) {
	declined := terminal.BackendDeclined.Sentences()
	for _, r := range []terminal.Reason{"", "approved", "approved.handed-over", "approved.voided", "unknown", "sent", "cap.of-a-later-release", "CAP.STORE"} {
		if r.Known() || slices.Contains(terminal.Reasons(), r) {
			t.Errorf("%q is a reason", r)
		}
		if got := r.Sentences(); !maps.Equal(got, declined) {
			t.Errorf("%q says %q", r, got["en"])
		}
		if got := terminal.SentenceFor(terminal.Payment{State: terminal.Declined, Reason: r}); !maps.Equal(got, declined) {
			t.Errorf("declined with %q says %q", r, got["en"])
		}
	}
}

func TestVerdictSaysWhatToDoWithTheGoodsInEveryState(t *testing.T) {
	void := &terminal.Void{ID: "v"}
	const (
		paid, gone, undone = "Paid. Hand over the goods.", "Paid and handed over.", "The payment was undone. Keep the goods."
		wait, checking     = "Not known yet. Keep the goods and wait.", "Checking. One moment."
		afterwards         = "A payment taken while the line was down was not accepted afterwards. Tell the manager."
		store              = "These goods cannot be paid this way here now. Offer cash or another way to pay."
	)
	for _, c := range []struct {
		p       terminal.Payment
		outcome terminal.Outcome
		want    string
	}{
		{terminal.Payment{State: "refused", Reason: "cap.store"}, "declined", store},
		{terminal.Payment{State: "declined", Reason: "cap.store"}, "declined", store},
		{terminal.Payment{State: "sent", Reason: "cap.store"}, "unknown", checking},
		{terminal.Payment{State: "unknown", Reason: "backend.unreachable"}, "unknown", wait},
		{terminal.Payment{State: "reversing", Reason: "cancelled"}, "declined", "Cancelled: not paid."},
		{terminal.Payment{State: "reversed", Reason: "backend.unreachable"}, "declined", "No answer came: not paid. Scan a fresh code or offer another way to pay."},
		{terminal.Payment{State: "approved"}, "approved", paid},
		{terminal.Payment{State: "approved", HandedOver: "cashier"}, "approved", gone},
		{terminal.Payment{State: "approved", HandedOver: "cashier", Void: void}, "declined", undone},
		{terminal.Payment{State: "approved", Void: void}, "declined", undone},
		{terminal.Payment{State: "approved-offline"}, "approved", paid},
		{terminal.Payment{State: "approved-offline", HandedOver: "next-sale"}, "approved", gone},
		{terminal.Payment{State: "advised"}, "approved", paid},
		{terminal.Payment{State: "settled"}, "approved", paid},
		{terminal.Payment{State: "settled", HandedOver: "next-sale"}, "approved", gone},
		{terminal.Payment{State: "rejected", Reason: "account.denied", HandedOver: "cashier"}, "declined", afterwards},
		{terminal.Payment{State: "rejected"}, "declined", afterwards},
		{terminal.Payment{}, "unknown", wait},
		{terminal.Payment{State: "refunded"}, "unknown", wait}, // of a later release
	} {
		v := terminal.VerdictOf(c.p, terminal.Proof{})
		if v.Outcome != c.outcome || v.Sentence["en"] != c.want || len(v.Sentence) != len(terminal.Languages) {
			t.Errorf("%q, handed over %q, void %v: got %s, %q", c.p.State, c.p.HandedOver, c.p.Void, v.Outcome, v.Sentence["en"])
		}
	}
}

func TestVerdictCarriesWhatAReceiptNeeds(t *testing.T) {
	p := terminal.Payment{
		ID: "0190", Number: 42, State: terminal.Settled, Reason: "busy", Sale: "pos-7/1", Revision: 3, Amount: 720, Offline: true,
		Issuer: "demo-wallet", Masked: "…1234", Approval: "A1", Decided: 1562011200000, HandedOver: terminal.ByCashier,
	}
	got := terminal.VerdictOf(p, terminal.Proof{Size: 9, Root: "00ff"})
	want := terminal.Verdict{
		Payment: "0190", Number: "42", Sale: "pos-7/1", Revision: 3, Outcome: "approved", State: "settled", Reason: "busy",
		Sentence: got.Sentence, Amount: 720, Currency: "JPY", Approval: "A1", Issuer: "demo-wallet", Account: "…1234",
		Offline: true, Time: 1562011200000, HandedOver: "cashier", Journal: terminal.Proof{Size: 9, Root: "00ff"},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

// I7: a payment and its verdict have no place for a raw code. The fields are
// listed here one by one: who adds one must say here what it holds.
func TestI7NothingCanCarryARawCode(t *testing.T) {
	for _, c := range []struct {
		value any
		want  string
	}{
		{terminal.Payment{}, `id number state reason sale revision sale_hash amount offline code issuer masked account seen
			incarnation business_day versions spends counts categories created not_after decided approval_code bearer handed_over void refunds set_aside`},
		{terminal.Verdict{}, `payment number sale revision outcome state reason sentence amount currency approval_code issuer
			account offline time handed_over voided refunds journal`},
		{terminal.Spend{}, `cap window reserved need`},
		{terminal.Void{}, `id at acknowledged`},
		{terminal.Refund{}, `id amount at state reason`},
		{terminal.Count{}, `cap amount`},
	} {
		var got []string
		for field := range reflect.TypeOf(c.value).Fields() {
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			got = append(got, name)
		}
		slices.Sort(got)
		if want := slices.Sorted(strings.FieldsSeq(c.want)); !slices.Equal(got, want) {
			t.Errorf("%T has fields\n%v, want\n%v", c.value, got, want)
		}
	}
}
