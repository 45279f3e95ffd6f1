package web

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"

	"sekisho/terminal"
	"sekisho/terminal/register"
	"sekisho/terminal/web/pin"
)

// maxForm is the most that a form of the manager's page may hold, in bytes.
const maxForm = 4 << 10

// managerPages adds the manager's page: what a browser sees at /manager behind
// the cashier's cookie and the PIN. Its keys ask again, give up and set aside;
// nothing on it raises a limit.
func (s *Server) managerPages(mux *http.ServeMux) {
	mux.HandleFunc("GET /manager", s.needPage(s.managed(s.overview)))
	mux.HandleFunc("GET /manager/journal", s.needPage(s.managed(s.journalPage)))
	mux.HandleFunc("GET /manager/payments/{id}", s.needPage(s.managed(s.paymentPage)))
	mux.HandleFunc("GET /manager/language/{tag}", s.needPage(s.chooseLanguage))
	mux.HandleFunc("POST /manager/pin", s.needPage(s.form(s.enterPIN)))
	mux.HandleFunc("POST /manager/leave", s.needPage(s.form(s.managed(s.leave))))
	mux.HandleFunc("POST /manager/payments/{id}/resolve", s.needPage(s.form(s.managed(s.resolveForm))))
	mux.HandleFunc("POST /manager/payments/{id}/aside", s.needPage(s.form(s.managed(s.asideForm))))
}

// managed lets only the manager pass; anybody else is asked for the PIN.
func (s *Server) managed(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.session.holds(r) {
			s.askPIN(w, r, http.StatusOK, nil)
			return
		}
		next(w, r)
	}
}

// form takes a form only from a page of this register: guard has turned away
// other origins, and a browser names its own with every form that it posts.
func (s *Server) form(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") == "" {
			s.refuse(w, problem{status: http.StatusForbidden, code: codeOrigin, detail: "this is for the manager's page alone: a program uses the API"})
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			s.refuse(w, problem{status: http.StatusBadRequest, code: codeRequest, detail: "the form cannot be read"})
			return
		}
		next(w, r)
	}
}

// askPIN shows the form for the PIN, and why the last one did not do.
func (s *Server) askPIN(w http.ResponseWriter, r *http.Request, status int, wrong error) {
	page := pinPage{}
	var wait *pin.Wait
	switch set, err := s.gate.Set(); {
	case err != nil:
		page.Wrong = "pin.broken"
		s.log.Error("the manager's PIN cannot be used", "error", err)
	case !set:
		page.Wrong = "pin.none"
	case errors.As(wrong, &wait):
		page.Wrong, page.Minutes = "pin.wait", wait.Minutes()
		w.Header().Set("Retry-After", strconv.FormatInt(int64(wait.Left.Seconds())+1, 10))
	case errors.Is(wrong, pin.ErrWrong):
		page.Wrong = "pin.wrong"
	case wrong != nil:
		page.Wrong = "pin.broken"
		s.log.Error("the manager's PIN cannot be used", "error", wrong)
	}
	page.Ask = page.Wrong == "" || page.Wrong == "pin.wait" || page.Wrong == "pin.wrong"
	s.show(w, r, status, "pin", page)
}

// enterPIN is POST /manager/pin. Right or wrong is logged, the PIN never.
func (s *Server) enterPIN(w http.ResponseWriter, r *http.Request) {
	err := s.gate.Try(r.PostForm.Get("pin"))
	var wait *pin.Wait
	switch {
	case err == nil:
		s.log.Info("the manager's page was opened")
		http.SetCookie(w, sessionCookie(r, s.session.open()))
		http.Redirect(w, r, "/manager", http.StatusSeeOther)
	case errors.As(err, &wait):
		s.askPIN(w, r, http.StatusTooManyRequests, err)
	default:
		s.log.Warn("the manager's page was not opened", "error", err)
		s.askPIN(w, r, http.StatusForbidden, err)
	}
}

// leave is POST /manager/leave.
func (s *Server) leave(w http.ResponseWriter, r *http.Request) {
	s.session.end()
	http.Redirect(w, r, "/manager", http.StatusSeeOther)
}

// chooseLanguage keeps the language in a cookie.
func (s *Server) chooseLanguage(w http.ResponseWriter, r *http.Request) {
	tag := r.PathValue("tag")
	if _, known := s.manager.pages[tag]; known {
		http.SetCookie(w, &http.Cookie{Name: languageCookie, Value: tag, Path: "/manager", HttpOnly: true, SameSite: http.SameSiteStrictMode, MaxAge: 365 * 24 * 3600})
	}
	http.Redirect(w, r, "/manager", http.StatusSeeOther)
}

// tellings are what a key of the page can have done: nothing else that stands in
// an address is shown.
var tellings = []string{"asked", "given-up", "nothing-to-do", "not-done", "aside", "not-aside"}

// resolveForm asks again about a payment, or gives it up, and shows it.
func (s *Server) resolveForm(w http.ResponseWriter, r *http.Request) {
	id, err := readPaymentID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	reverse := r.PostForm.Get("reverse") == "yes"
	done := "asked"
	if reverse {
		done = "given-up"
	}
	if _, err := s.desk.Resolve(ctx, id, reverse); err != nil {
		p := problemOf(err)
		s.log.Warn("the manager could not resolve a payment", "payment", id, "code", p.code)
		done = "not-done"
		if p.code == register.CodeNothingToDo {
			done = "nothing-to-do"
		}
	}
	http.Redirect(w, r, "/manager/payments/"+string(id)+"?told="+done, http.StatusSeeOther)
}

// asideForm sets aside what is parked of a payment, and goes to the overview: the
// payment itself may be gone.
func (s *Server) asideForm(w http.ResponseWriter, r *http.Request) {
	id, err := readPaymentID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	done := "aside"
	if err := s.desk.SetAside(ctx, id); err != nil {
		p := problemOf(err)
		s.log.Warn("the manager could not set a payment's messages aside", "payment", id, "code", p.code)
		done = "not-done"
		if p.code == register.CodeNotAside {
			done = "not-aside"
		}
	}
	http.Redirect(w, r, "/manager?told="+done, http.StatusSeeOther)
}

// toldBy gives what the last key did, as the address says it.
func toldBy(r *http.Request) string {
	if done := r.URL.Query().Get("told"); slices.Contains(tellings, done) {
		return done
	}
	return ""
}

// overview is GET /manager: what a manager looks at first.
func (s *Server) overview(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	open, err := s.open(ctx)
	var caps []register.Holding
	if err == nil {
		caps, err = s.desk.Caps(ctx)
	}
	var rules register.Rules
	if err == nil {
		rules, err = s.desk.Rules(ctx)
	}
	page := overviewPage{View: s.desk.View(), Told: toldBy(r), Open: open, Caps: caps, Rules: rules, Zone: zoneOf(rules), Days: rejectedDays}
	page.Late = s.lateRenewal()
	if err == nil {
		page.Parked, err = s.desk.Parked(ctx)
	}
	if err == nil {
		err = s.addRejected(ctx, &page)
	}
	if err != nil {
		s.showTrouble(w, r, err)
		return
	}
	s.show(w, r, http.StatusOK, "overview", page)
}

func (s *Server) lateRenewal() *LateRenewal {
	if s.late != nil {
		if late, is := s.late(); is {
			return &late
		}
	}
	return nil
}

// Of the approvals that did not hold a manager sees those of the last month, and
// at most so many of them one by one.
const (
	rejectedDays = 31
	rejectedMost = 100
)

func (s *Server) addRejected(ctx context.Context, page *overviewPage) error {
	const day = 24 * 3600 * 1000
	list, err := s.reader.Rejected(ctx, page.View.Time-rejectedDays*day)
	page.Losses = terminal.Losses(list)
	slices.Reverse(page.Losses) // the latest day first
	page.Rejected = list[:min(len(list), rejectedMost)]
	page.Left = len(list) - len(page.Rejected)
	return err
}

// paymentPage is GET /manager/payments/{id}: one case, and what can be done.
func (s *Server) paymentPage(w http.ResponseWriter, r *http.Request) {
	id, err := readPaymentID(r)
	if err != nil {
		s.fail(w, r, err)
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), deskWait)
	defer cancel()
	page := casePage{Told: toldBy(r)}
	if page.Verdict, err = s.desk.Verdict(ctx, id); err == nil {
		page.Entries, err = s.caseOf(ctx, id)
	}
	var open []terminal.Payment
	if err == nil {
		open, err = s.reader.Unresolved(ctx)
	}
	var rules register.Rules
	if err == nil {
		rules, err = s.desk.Rules(ctx)
	}
	if err != nil {
		s.showTrouble(w, r, err)
		return
	}
	page.Parked, err = s.isParked(ctx, id)
	if err != nil {
		s.showTrouble(w, r, err)
		return
	}
	for _, p := range open {
		if p.ID == id {
			page.Open, page.Undecided = true, p.State.Undecided()
		}
	}
	page.Zone = zoneOf(rules)
	s.show(w, r, http.StatusOK, "case", page)
}

// isParked says whether a message of a payment is parked.
func (s *Server) isParked(ctx context.Context, id terminal.PaymentID) (bool, error) {
	parked, err := s.desk.Parked(ctx)
	return slices.ContainsFunc(parked, func(p register.ParkedItem) bool { return p.Payment == id }), err
}

// showTrouble tells the manager that the register could not answer.
func (s *Server) showTrouble(w http.ResponseWriter, r *http.Request, err error) {
	p := problemOf(err)
	if p.status >= http.StatusInternalServerError && r.Context().Err() == nil {
		s.log.Error("request failed", "method", r.Method, "route", r.Pattern, "code", p.code, "error", err)
	}
	s.show(w, r, p.status, "trouble", string(p.code))
}
