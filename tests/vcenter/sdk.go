package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"slipway/tests/vcenter/internal/strict"
)

const maxRequest = 64 << 20

// call is one SOAP request to a method of ours.
type call struct {
	v       *vcenter
	ctx     context.Context
	req     *http.Request
	session *session // nil without a live session
	stale   *session // the expired session that the request came with
	newborn *session // made by this call, to be told by Set-Cookie
	entry   *entry
	this    types.ManagedObjectReference
	body    []byte // the checked request
}

type handler func(c *call, body any) (any, error)

// on adapts a typed method to the table of handlers.
func on[Q, R any](fn func(*call, *Q) (*R, error)) handler {
	return func(c *call, body any) (any, error) {
		q, ok := body.(*Q)
		if !ok {
			return nil, fmt.Errorf("unexpected body %T", body)
		}
		return fn(c, q)
	}
}

// openMethods need no session.
var openMethods = map[string]bool{
	"RetrieveServiceContent": true, "RetrieveInternalContent": true, "Login": true, "LoginByToken": true,
	"LoginExtensionByCertificate": true, "CloneSession": true, "RetrieveProperties": true, "RetrievePropertiesEx": true,
	"Fetch": true,
}

// serveSDK is the front: read, check, find the session, dispatch, answer.
func (v *vcenter) serveSDK(w http.ResponseWriter, r *http.Request) {
	started := time.Now()
	e := entry{Kind: "soap", SOAPAction: strings.Trim(r.Header.Get("SOAPAction"), `"`), UserAgent: r.UserAgent()}
	if e.SOAPAction == "" {
		e.Message = "SOAPAction is missing"
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
	e.BytesIn = int64(len(body))
	if err != nil {
		e.Status, e.Message = http.StatusBadRequest, "request body: "+err.Error()
		v.journal.add(e, started)
		http.Error(w, "bad request", http.StatusBadRequest)
		return
	}
	req, checkErr := strict.Check(body, strict.Options{AcceptFloat: v.settings.get().AcceptFloat})
	e.Method, e.This, e.Args, e.OperationID = req.Method, req.This.Value, req.Args, req.OperationID

	c := &call{v: v, ctx: r.Context(), req: r, entry: &e, this: req.This, body: req.Body}
	if s := v.sessions.lookup(r, v.settings.get().sessionIdle()); s != nil {
		if s.expiredAs() != "" {
			c.stale = s
		} else {
			c.session, e.CookieOK = s, true
			s.touch()
		}
	}
	f := v.faults.match("soap", req.Method, e.summary())
	if f != nil {
		e.Injected = f.Action
	}
	out := f.before(r, &e)
	if out == nil {
		out = v.answer(c, req, checkErr, f)
	}
	if m := taskRef.FindSubmatch(out.body); m != nil && strings.HasSuffix(req.Method, "_Task") {
		e.Task = string(m[1])
	}
	e.Status, e.BytesOut = out.status, int64(len(out.body))
	v.journal.add(e, started)
	out.send(w, r, f)
}

var taskRef = regexp.MustCompile(`<returnval type="Task">([^<]+)</returnval>`)

// summary is what path_regex of a fault rule is matched against.
func (e *entry) summary() string {
	var b strings.Builder
	b.WriteString(e.This)
	for k, val := range e.Args {
		fmt.Fprintf(&b, " %s=%s", k, val)
	}
	return b.String()
}

// reply is a complete answer, held back so that a fault can spoil it.
type reply struct {
	status int
	header http.Header
	body   []byte
}

func soapReply(status int, body []byte) *reply {
	return &reply{status: status, header: http.Header{"Content-Type": {"text/xml; charset=utf-8"}}, body: body}
}

func faultReply(e *entry, err error) *reply {
	var he *httpError
	if errors.As(err, &he) {
		return htmlReply(he.status, e)
	}
	fe := asFault(err)
	e.Fault, e.Message = faultName(fe.fault), fe.Error()
	body, err := encodeFault(fe)
	if err != nil {
		body, _ = encodeFault(&faultError{fault: &types.SystemError{Reason: err.Error()}})
	}
	return soapReply(http.StatusInternalServerError, body)
}

func (v *vcenter) answer(c *call, req *strict.Request, checkErr error, f *faultRule) (out *reply) {
	defer func() {
		if p := recover(); p != nil {
			log.Printf("panic in %s: %v\n%s", req.Method, p, debug.Stack())
			v.journal.count(func(s *counters) { s.Panics++ })
			out = faultReply(c.entry, fail(&types.SystemError{Reason: fmt.Sprint(p)}, "panic: %v", p))
		}
	}()
	if checkErr != nil {
		v.journal.count(func(s *counters) { s.Refused++ })
		return faultReply(c.entry, fail(&types.InvalidRequest{}, "%v", checkErr))
	}
	if err := f.soapFault(c); err != nil {
		return faultReply(c.entry, err)
	}
	if c.session == nil && !openMethods[req.Method] {
		return faultReply(c.entry, notAuthenticated(&req.This))
	}
	res, err := v.dispatch(c, req)
	if err != nil {
		return faultReply(c.entry, err)
	}
	if out, ok := res.(*reply); ok {
		if req.Method == "RetrieveServiceContent" {
			out.body = bytes.Replace(out.body, []byte(">"+apiVirtualCenter+"</apiType>"),
				[]byte(">"+v.settings.get().APIType+"</apiType>"), 1)
		}
		return out
	}
	body, err := encodeResponse(res)
	if err != nil {
		return faultReply(c.entry, err)
	}
	out = soapReply(http.StatusOK, body)
	if c.newborn != nil {
		setCookie(out.header, c.newborn)
	}
	return out
}

func (v *vcenter) dispatch(c *call, req *strict.Request) (any, error) {
	if req.Method == "Fetch" {
		return c.fetch(req)
	}
	h, ok := v.handlers[req.This.Type+"."+req.Method]
	if !ok {
		return c.forward()
	}
	m, err := simulator.UnmarshalBody(types.TypeFunc(), req.Body)
	if err != nil {
		return nil, fail(&types.InvalidRequest{}, "%v", err)
	}
	if !v.exists(c, req.This) {
		return nil, notFoundObject(req.This)
	}
	return h(c, m.Body)
}

func (v *vcenter) exists(c *call, ref types.ManagedObjectReference) bool {
	return c.session != nil && c.session.get(ref) != nil || v.reg.Get(ref) != nil
}

// forward lets the simulator answer.
func (c *call) forward() (any, error) {
	key := ""
	if c.session != nil {
		key = c.session.simKey
	}
	rec := c.v.simulate(c.ctx, c.body, key)
	out := soapReply(rec.Code, rec.Body.Bytes())
	if rec.Code != http.StatusOK {
		c.entry.Fault, c.entry.Message = simulatorFault(out.body)
	}
	return out, nil
}

var (
	faultType   = regexp.MustCompile(`<detail>\s*<[^>]*type="([A-Za-z]+)"`)
	faultString = regexp.MustCompile(`<faultstring>([^<]*)</faultstring>`)
)

func simulatorFault(body []byte) (name, msg string) {
	if m := faultType.FindSubmatch(body); m != nil {
		name = string(m[1])
	}
	if m := faultString.FindSubmatch(body); m != nil {
		msg = string(m[1])
	}
	return name, msg
}

func (v *vcenter) simulate(ctx context.Context, body []byte, simKey string) *httptest.ResponseRecorder {
	r, _ := http.NewRequestWithContext(ctx, http.MethodPost, "https://vcenter/sdk", bytes.NewReader(body))
	r.RemoteAddr = "127.0.0.1:0"
	if simKey != "" {
		r.AddCookie(&http.Cookie{Name: soap.SessionCookieName, Value: simKey})
	}
	rec := httptest.NewRecorder()
	v.svc.ServeSDK(rec, r)
	return rec
}

// watchSessions is called by the simulator before every method. It is the one
// place where its session, which holds the views of a client, can be seen.
func (v *vcenter) watchSessions(ctx *simulator.Context, _ *simulator.Method) (mo.Reference, types.BaseMethodFault) {
	if ctx.Session != nil {
		v.sessions.simSes.LoadOrStore(ctx.Session.Key, ctx.Session)
	}
	return nil, nil
}
