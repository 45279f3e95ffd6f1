package terminal

import (
	"maps"
	"slices"
)

// Reason is a code for machines, dotted. The empty Reason means that there was
// nothing to say against it. Every Reason has a sentence for the cashier.
type Reason string

// The reasons. A reason told by a backend and not listed here is shown as
// BackendDeclined.
const (
	CapStore         Reason = "cap.store"            // the store's cap for the business day is spent
	CapRegister      Reason = "cap.register"         // too much in one sale
	CapAccount       Reason = "cap.account"          // the backend's cap per account
	CapOffline       Reason = "cap.offline"          // the store's allowance while the line is down is spent
	CodeExpired      Reason = "code.expired"         // shown too late, or its credential is over
	CodeReplayed     Reason = "code.replayed"        // this code was presented before
	CodeForged       Reason = "code.forged"          // signature, audience or structure is wrong
	CodeUnknownOff   Reason = "code.unknown-offline" // a code that only the backend can check, and the line is down
	CodeMerchant     Reason = "code.merchant"        // a shop's code, not the customer's
	CodeBill         Reason = "code.bill"            // a bill to be paid at the till
	CodeNotPayment   Reason = "code.not-payment"     // not a payment code at all
	AccountDenied    Reason = "account.denied"       // the owner or the issuer stopped it
	DeviceNew        Reason = "device.new"           // the phone was bound too short a time ago for these goods
	OfflineLimit     Reason = "offline.limit"        // more than may be approved without the line
	PolicyMissing    Reason = "policy.missing"       // head office's rules have not come yet
	PolicyStale      Reason = "policy.stale"         // head office's rules are past their date
	ClockDoubt       Reason = "clock"                // the time is not sure enough for these goods
	BackendDeclined  Reason = "backend.declined"     // the backend said no
	BackendSilent    Reason = "backend.unreachable"  // no answer
	Cancelled        Reason = "cancelled"            // the cashier gave up waiting
	Storage          Reason = "storage"              // the disk does not take what must be kept
	Busy             Reason = "busy"                 // another payment is being decided
	SaleNotReady     Reason = "sale.not-ready"       // no sale, or its total is not fixed yet
	SaleTaken        Reason = "sale.paid"            // the sale has an approval, or one that is not decided yet
	GoodsNoPrice     Reason = "goods.no-price"       // no price for the article
	AdviceRejected   Reason = "advice.rejected"      // the backend refused an offline approval afterwards
	AuthoriseTooLate Reason = "authorise.late"       // the request reached the backend after its time
	AllotmentMissing Reason = "allotment.missing"    // approved without the right to sell: reversed
	Frozen           Reason = "frozen"               // head office stopped these goods, this issuer or everything
	GoodsNotListed   Reason = "goods.not-listed"     // the sale's goods are not itemised, and the policy wants them to be
	Quarantined      Reason = "register.quarantine"  // the till's records are in doubt: head office must look
	RefundDenied     Reason = "refund.refused"       // the backend did not give the money back
)

// Languages are those in which every reason has a sentence, as BCP 47 tags.
// "ja-Hira" is easy Japanese for people who learn it.
var Languages = []string{"ja", "ja-Hira", "en"}

// sentences: what to do next, no accusation, no limit told. In the order of
// Languages.
var sentences = map[Reason][3]string{
	CapStore:         {"この商品は、この支払い方法ではお売りできません。現金など別の方法をご案内ください。", "この しなものは、この しはらいでは うれません。げんきんなど べつの ほうほうを つたえてください。", "These goods cannot be paid this way here now. Offer cash or another way to pay."},
	CapRegister:      {"一度のお会計の数量が多いため、この方法では支払えません。現金など別の方法をご案内ください。", "いちどに うる かずが おおいので、この しはらいは つかえません。げんきんなど べつの ほうほうを つたえてください。", "This is too much for one sale with this way to pay. Offer cash or another way to pay."},
	CapAccount:       {"この支払い方法は今ご利用いただけません。別の方法をご案内ください。", "この しはらいは いま つかえません。べつの ほうほうを つたえてください。", "This way to pay cannot be used for it now. Offer another way to pay."},
	CapOffline:       {"通信が切れているため、この商品はこの方法ではお売りできません。現金など別の方法をご案内ください。", "つうしんが ないので、この しなものは この しはらいでは うれません。げんきんなど べつの ほうほうを つたえてください。", "The line is down: these goods cannot be paid this way. Offer cash or another way to pay."},
	CodeExpired:      {"コードの有効時間が過ぎました。新しいコードを表示していただき、もう一度読み取ってください。", "コードが ふるくなりました。あたらしい コードを だしてもらい、もういちど スキャンしてください。", "The code is too old. Ask for a fresh code and scan again."},
	CodeReplayed:     {"このコードは使用済みです。新しいコードを表示していただき、もう一度読み取ってください。", "この コードは もう つかいました。あたらしい コードを だしてもらい、もういちど スキャンしてください。", "This code was used already. Ask for a fresh code and scan again."},
	CodeForged:       {"コードを確認できません。アプリを開き直して、新しいコードを表示していただいてください。", "コードを かくにんできません。アプリを ひらきなおして、あたらしい コードを だしてもらってください。", "The code cannot be checked. Ask to open the app again and show a fresh code."},
	CodeUnknownOff:   {"通信が切れているため、このコードは使えません。別の方法をご案内ください。", "つうしんが ないので、この コードは つかえません。べつの ほうほうを つたえてください。", "The line is down: this kind of code cannot be used. Offer another way to pay."},
	CodeMerchant:     {"これはお店用のコードです。お客様の支払いコードを読み取ってください。", "これは みせの コードです。おきゃくさまの しはらいコードを スキャンしてください。", "This is a shop's code. Scan the customer's own payment code."},
	CodeBill:         {"これは払込票です。お客様の支払いコードを読み取ってください。", "これは はらいこみの かみです。おきゃくさまの しはらいコードを スキャンしてください。", "This is a bill. Scan the customer's own payment code."},
	CodeNotPayment:   {"支払いコードではありません。お客様の支払いコードを読み取ってください。", "しはらいの コードでは ありません。おきゃくさまの しはらいコードを スキャンしてください。", "This is not a payment code. Scan the customer's payment code."},
	AccountDenied:    {"この支払い方法はご利用いただけません。別の方法をご案内ください。", "この しはらいは つかえません。べつの ほうほうを つたえてください。", "This way to pay cannot be used. Offer another way to pay."},
	DeviceNew:        {"このアプリではまだこの商品の支払いはできません。現金など別の方法をご案内ください。", "この アプリでは まだ この しなものを はらえません。げんきんなど べつの ほうほうを つたえてください。", "This app cannot pay for these goods yet. Offer cash or another way to pay."},
	OfflineLimit:     {"通信が切れているため、この金額は支払えません。別の方法をご案内ください。", "つうしんが ないので、この きんがくは はらえません。べつの ほうほうを つたえてください。", "The line is down: this sale cannot be paid this way. Offer another way to pay."},
	PolicyMissing:    {"レジの準備ができていません。現金で会計し、店長に知らせてください。", "レジの じゅんびが できていません。げんきんで うって、てんちょうに いってください。", "The till is not set up yet. Take cash and tell the manager."},
	PolicyStale:      {"レジの設定の期限が切れています。この商品は現金で会計し、店長に知らせてください。", "レジの せっていが ふるいです。この しなものは げんきんで うって、てんちょうに いってください。", "The till's rules are out of date. Take cash for these goods and tell the manager."},
	ClockDoubt:       {"通信が戻るまで、この商品はこの方法ではお売りできません。現金など別の方法をご案内ください。", "つうしんが もどるまで、この しなものは この しはらいでは うれません。げんきんなど べつの ほうほうを つたえてください。", "Until the line is back these goods cannot be paid this way. Offer cash or another way to pay."},
	BackendDeclined:  {"お支払いが承認されませんでした。別の方法をご案内ください。", "しはらいが できませんでした。べつの ほうほうを つたえてください。", "The payment was not approved. Offer another way to pay."},
	BackendSilent:    {"返事がなかったため取り消しました。支払われていません。新しいコードでもう一度、または別の方法をご案内ください。", "へんじが ないので とりけしました。おかねは はらわれていません。あたらしい コードで もういちど、または べつの ほうほうを つたえてください。", "No answer came: not paid. Scan a fresh code or offer another way to pay."},
	Cancelled:        {"取り消しました。支払われていません。", "とりけしました。おかねは はらわれていません。", "Cancelled: not paid."},
	Storage:          {"レジが記録できません。この支払いは使わず現金で会計し、店長に知らせてください。", "レジが きろくできません。げんきんで うって、てんちょうに いってください。", "The till cannot keep its records. Take cash and tell the manager."},
	Busy:             {"前の支払いを処理しています。少しお待ちください。", "まえの しはらいを しています。すこし まってください。", "Another payment is being decided. Wait a moment."},
	SaleNotReady:     {"先に「合計」を押してから、コードを読み取ってください。", "さきに「ごうけい」を おしてから、コードを スキャンしてください。", "Press Total first, then scan the code."},
	SaleTaken:        {"このお会計は支払い済みか、確認中です。もう一度支払わないでください。", "この かいけいは もう はらったか、かくにんちゅうです。もういちど はらわないでください。", "This sale is paid already, or being decided. Do not take a second payment."},
	GoodsNoPrice:     {"商品の価格がありません。店長に知らせてください。", "しなものの ねだんが ありません。てんちょうに いってください。", "There is no price for this article. Tell the manager."},
	AdviceRejected:   {"通信が切れている間の支払いが後から認められませんでした。店長に知らせてください。", "つうしんが ないときの しはらいが、あとから みとめられませんでした。てんちょうに いってください。", "A payment taken while the line was down was not accepted afterwards. Tell the manager."},
	AuthoriseTooLate: {"時間内に処理できませんでした。支払われていません。もう一度お試しください。", "じかんが かかりすぎました。おかねは はらわれていません。もういちど ためしてください。", "It took too long: not paid. Scan a fresh code."},
	Frozen:           {"本部の指示により、今はこの支払い方法を使えません。現金など別の方法をご案内ください。", "ほんぶの れんらくで、いまは この しはらいは つかえません。げんきんなど べつの ほうほうを つたえてください。", "Head office has stopped this way to pay for now. Offer cash or another way to pay."},
	GoodsNotListed:   {"商品を一つずつ読み取ってから、もう一度お会計してください。", "しなものを ひとつずつ スキャンして、もういちど かいけいしてください。", "Scan each article on its own, then take the payment again."},
	Quarantined:      {"このレジは本部の確認が必要です。通信中の支払いだけ使えます。店長に知らせてください。", "この レジは ほんぶが しらべます。つうしんが ないときは げんきんだけです。てんちょうに いってください。", "Head office must check this till. Take cash while the line is down, and tell the manager."},
	RefundDenied:     {"返金できませんでした。店長に知らせてください。", "おかねを かえせませんでした。てんちょうに いってください。", "The money could not be given back this way. Tell the manager."},
	AllotmentMissing: {"この商品は、この支払い方法ではお売りできません。支払われていません。別の方法をご案内ください。", "この しなものは、この しはらいでは うれません。おかねは はらわれていません。べつの ほうほうを つたえてください。", "These goods cannot be paid this way: not paid. Offer another way to pay."},
}

// The sentences of a payment that needs no reason. They are no reasons: a
// backend that gives "approved" as the reason of a decline must not be able to
// show one.
var (
	approvedNow       = [...]string{"お支払い完了。商品をお渡しください。", "しはらいが できました。しなものを わたしてください。", "Paid. Hand over the goods."}
	approvedHandOver  = [...]string{"お支払い完了。お渡し済みです。", "しはらいが できました。もう わたしました。", "Paid and handed over."}
	approvedVoided    = [...]string{"支払いを取り消しました。商品を渡さないでください。", "しはらいを とりけしました。しなものを わたさないでください。", "The payment was undone. Keep the goods."}
	notKnownYet       = [...]string{"まだ結果がわかりません。商品を渡さずにお待ちください。", "まだ わかりません。しなものを わたさないで まってください。", "Not known yet. Keep the goods and wait."}
	waitingForBackend = [...]string{"確認しています。少しお待ちください。", "かくにんしています。すこし まってください。", "Checking. One moment."}
)

// Reasons gives every reason that a verdict or an error can carry, sorted.
func Reasons() []Reason { return slices.Sorted(maps.Keys(sentences)) }

// Known says whether r is in the table.
func (r Reason) Known() bool { _, ok := sentences[r]; return ok }

// Sentences gives what the cashier reads, by language; for a reason that is not
// in the table that of BackendDeclined, so that no screen stays empty.
func (r Reason) Sentences() map[string]string {
	texts, ok := sentences[r]
	if !ok {
		texts = sentences[BackendDeclined]
	}
	return byLanguage(texts)
}

func byLanguage(texts [3]string) map[string]string {
	out := make(map[string]string, len(Languages))
	for i, lang := range Languages {
		out[lang] = texts[i]
	}
	return out
}

// SentenceFor gives the sentence that fits a payment as it stands.
func SentenceFor(p Payment) map[string]string {
	switch {
	case p.Voided():
		return byLanguage(approvedVoided)
	case p.State == Rejected:
		return AdviceRejected.Sentences()
	case p.State.Approval() && p.HandedOver != "":
		return byLanguage(approvedHandOver)
	case p.State.Approval():
		return byLanguage(approvedNow)
	case p.State == Sent:
		return byLanguage(waitingForBackend)
	case OutcomeOf(p.State) == OutcomeUnknown:
		return byLanguage(notKnownYet)
	}
	return p.Reason.Sentences()
}
