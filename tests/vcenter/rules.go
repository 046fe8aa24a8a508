package main

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// faultRule is a fault on demand.
type faultRule struct {
	ID    int64     `json:"id"`
	Match faultWhen `json:"match"`
	// Action says what goes wrong; the fields below are its arguments.
	Action  string `json:"action"`
	Fault   string `json:"fault,omitempty"`
	Shape   string `json:"shape,omitempty"`
	Status  int    `json:"status,omitempty"`
	MS      int64  `json:"ms,omitempty"`
	Rate    int64  `json:"rate,omitempty"`
	AtByte  int64  `json:"at_byte,omitempty"`
	URL     string `json:"url,omitempty"`
	Chunked bool   `json:"chunked,omitempty"`
	AtEnd   bool   `json:"at_end,omitempty"`
	// Count is how often the rule acts, 0 for always; Skip lets so many pass before.
	Count int64 `json:"count"`
	Skip  int64 `json:"skip"`
	Hits  int64 `json:"hits"`

	path     *regexp.Regexp
	released chan struct{}
}

type faultWhen struct {
	Kind      string `json:"kind,omitempty"`
	Method    string `json:"method,omitempty"`
	PathRegex string `json:"path_regex,omitempty"`
}

var actions = map[string]string{ // action → kinds that know it
	"session_expired": "soap folder", "soap_fault": "soap", "task_fault": "task", "http_status": "soap folder esx-folder nfc",
	"delay": "soap folder esx-folder nfc task", "slow_drip": "soap folder esx-folder nfc", "stall": "soap folder esx-folder nfc",
	"reset": "soap folder esx-folder nfc", "short_put": "folder esx-folder nfc", "early_200": "folder esx-folder nfc",
	"truncated_get": "folder esx-folder nfc soap", "too_long_get": "folder esx-folder nfc", "no_length_get": "folder esx-folder nfc",
	"wrong_range": "folder esx-folder", "garbage_xml": "soap", "endless_xml": "soap", "html_200": "soap folder esx-folder nfc",
	"lost_answer": "soap folder esx-folder nfc", "task_hangs": "task", "task_vanishes": "task", "no_space": "soap folder esx-folder nfc task",
	"locked": "soap folder esx-folder nfc task", "redirect": "soap folder esx-folder nfc",
	"close_idle": "soap folder esx-folder",
}

type faultRules struct {
	mu    sync.Mutex
	next  int64
	rules []*faultRule
}

func (t *faultRules) add(r faultRule) (*faultRule, error) {
	kinds, ok := actions[r.Action]
	if !ok {
		return nil, fmt.Errorf("unknown action %q", r.Action)
	}
	if r.Match.Kind != "" && !strings.Contains(" "+kinds+" ", " "+r.Match.Kind+" ") {
		return nil, fmt.Errorf("action %q is not for kind %q, only for: %s", r.Action, r.Match.Kind, kinds)
	}
	if (r.Action == "soap_fault" || r.Action == "task_fault") && faultName(asFault(namedFault(r.Fault, "")).fault) != r.Fault {
		return nil, fmt.Errorf("unknown fault %q", r.Fault)
	}
	if r.Match.PathRegex != "" {
		re, err := regexp.Compile(r.Match.PathRegex)
		if err != nil {
			return nil, err
		}
		r.path = re
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.next++
	r.ID, r.Hits, r.released = t.next, 0, make(chan struct{})
	t.rules = append(t.rules, &r)
	return &r, nil
}

// clear drops all rules and lets go of what they hold.
func (t *faultRules) clear() {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		close(r.released)
	}
	t.rules = nil
}

func (t *faultRules) list() []faultRule {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := []faultRule{}
	for _, r := range t.rules {
		out = append(out, *r)
	}
	return out
}

// match finds the first rule that acts on a request or task, and counts it.
func (t *faultRules) match(kind, method, path string) *faultRule {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		switch {
		case !strings.Contains(" "+actions[r.Action]+" ", " "+kind+" "),
			r.Match.Kind != "" && r.Match.Kind != kind,
			r.Match.Method != "" && r.Match.Method != method,
			r.path != nil && !r.path.MatchString(path),
			r.Count > 0 && r.Hits >= r.Skip+r.Count:
			continue
		}
		r.Hits++
		if r.Hits > r.Skip {
			return r
		}
	}
	return nil
}

func (f *faultRule) is(action string) bool { return f != nil && f.Action == action }

// taskFault fails a task once it has moved at_byte bytes.
func (f *faultRule) taskFault(moved int64, name string) error {
	if f == nil || f.AtEnd || moved < f.AtByte {
		return nil
	}
	return f.taskError(name)
}

// taskFaultAtEnd fails a task that was too short for its at_byte, or whose work
// is to be done in spite of the fault.
func (f *faultRule) taskFaultAtEnd(name string) error {
	if f == nil {
		return nil
	}
	return f.taskError(name)
}

func (f *faultRule) taskError(name string) error {
	switch f.Action {
	case "task_fault":
		return namedFault(f.Fault, name)
	case "no_space":
		return noSpace(name, "")
	case "locked":
		return fileLocked(name)
	}
	return nil
}

// before answers a SOAP request in place of the method; nil goes on.
func (f *faultRule) before(r *http.Request, e *entry) *reply {
	if f == nil {
		return nil
	}
	switch f.Action {
	case "delay":
		select {
		case <-time.After(time.Duration(f.MS) * time.Millisecond):
		case <-r.Context().Done():
		case <-f.released:
		}
	case "http_status":
		return htmlReply(f.status(http.StatusServiceUnavailable), e)
	case "html_200":
		return htmlReply(http.StatusOK, e)
	case "garbage_xml":
		return soapReply(http.StatusOK, []byte(envelopeHead+"<RetrievePropertiesExResponse><returnval>\x01</oops"))
	case "redirect":
		out := htmlReply(f.status(http.StatusFound), e)
		out.header.Set("Location", f.URL)
		return out
	}
	return nil
}

func (f *faultRule) status(fallback int) int {
	if f.Status != 0 {
		return f.Status
	}
	return fallback
}

func htmlReply(status int, e *entry) *reply {
	e.Status = status
	return &reply{
		status: status, header: http.Header{"Content-Type": {"text/html"}},
		body: fmt.Appendf(nil, "<html><head><title>%d</title></head><body><h1>%s</h1></body></html>\n", status, http.StatusText(status)),
	}
}

// soapFault is the fault with which a call is refused.
func (f *faultRule) soapFault(c *call) error {
	if f == nil {
		return nil
	}
	name := c.entry.Args["name"]
	switch f.Action {
	case "soap_fault":
		return namedFault(f.Fault, name)
	case "no_space":
		return noSpace(name, "")
	case "locked":
		return fileLocked(name)
	case "session_expired":
		s := c.session
		if s == nil {
			return nil
		}
		shape := f.Shape
		if shape == "" || shape == "http401" {
			shape = expiredFault
		}
		s.mu.Lock()
		s.shape = shape
		s.mu.Unlock()
		c.session, c.stale, c.entry.CookieOK = nil, s, false
		if f.Shape == "http401" {
			return &httpError{http.StatusUnauthorized}
		}
	}
	return nil
}

// httpError is an answer outside of SOAP.
type httpError struct{ status int }

func (e *httpError) Error() string { return http.StatusText(e.status) }

var errTooManySessions = &httpError{http.StatusServiceUnavailable}
