package walletsim

import "strconv"

// Service is another wallet's way of showing digits: how they begin and how
// many there are, as observed in shops. The till has a table of its own in its
// policy; this one is the phone's.
type Service struct {
	Name   string
	Prefix string
	Length int // digits, the prefix included
}

// The services whose digits are known well enough to imitate.
var (
	Alipay     = Service{"Alipay", "28", 18}
	WeChatPay  = Service{"WeChat Pay", "13", 18}
	UnionPay   = Service{"UnionPay", "62", 19}
	PayPay     = Service{"PayPay", "9000818188", 24}
	RakutenPay = Service{"Rakuten Pay", "900001", 16}
	DBarai     = Service{"d-barai", "90000002", 22}
	Merpay     = Service{"Merpay", "31589900", 19}
	AuPay      = Service{"au PAY", "31589921", 19}
	YuchoPay   = Service{"Yucho Pay", "31589931", 19}
)

// Services lists all of them.
func Services() []Service {
	return []Service{Alipay, WeChatPay, UnionPay, PayPay, RakutenPay, DBarai, Merpay, AuPay, YuchoPay}
}

// Digits is a code of that service which this phone has not shown before. A
// service must leave room for random digits behind its prefix.
func (p *Phone) Digits(s Service) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	for {
		code := s.Prefix
		for len(code) < s.Length {
			code += strconv.Itoa(p.digit())
		}
		if !p.shown[code] {
			p.shown[code] = true
			return code
		}
	}
}

// digit is 0 to 9. That the first six of 256 values make 0 to 5 a little more
// likely does no harm here.
func (p *Phone) digit() int {
	var b [1]byte
	p.fill(b[:])
	return int(b[0]) % 10
}
