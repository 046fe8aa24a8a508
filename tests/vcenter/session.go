package main

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

const cookieName = "vmware_soap_session"

// session is a login. Behind it stands a session of the simulator, whose cookie
// the client never sees.
type session struct {
	user    types.UserSession
	cookie  string
	simKey  string
	sim     *simulator.Session
	mu      sync.Mutex
	last    time.Time
	calls   int64
	shape   string // how an expired session shows itself; empty while it lives
	objects map[types.ManagedObjectReference]any
}

// The shapes of an expired session.
const (
	expiredFault   = "fault"
	expiredMissing = "missing"
	expiredEmpty   = "empty"
)

func (s *session) expiredAs() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.shape
}

func (s *session) put(ref types.ManagedObjectReference, obj any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.objects[ref] = obj
}

func (s *session) get(ref types.ManagedObjectReference) any {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.objects[ref]
}

func (s *session) drop(ref types.ManagedObjectReference) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.objects, ref)
}

func (s *session) userSession() types.UserSession {
	s.mu.Lock()
	defer s.mu.Unlock()
	u := s.user
	u.LastActiveTime = s.last.UTC()
	u.CallCount = s.calls
	return u
}

type sessionTable struct {
	mu     sync.Mutex
	all    map[string]*session // by cookie
	byKey  map[string]*session
	simSes sync.Map // key of the simulator's session → *simulator.Session
}

func newSessionTable() *sessionTable {
	return &sessionTable{all: make(map[string]*session), byKey: make(map[string]*session)}
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

func (t *sessionTable) add(user types.UserSession, simKey string) *session {
	s := &session{
		user: user, cookie: randomHex(20), simKey: simKey, last: time.Now(),
		objects: make(map[types.ManagedObjectReference]any),
	}
	if sim, ok := t.simSes.Load(simKey); ok {
		s.sim = sim.(*simulator.Session)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.all[s.cookie], t.byKey[user.Key] = s, s
	return s
}

func (t *sessionTable) remove(s *session) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.all, s.cookie)
	delete(t.byKey, s.user.Key)
}

// lookup finds the session of a request, an expired one included. A session
// that was idle for too long expires here.
func (t *sessionTable) lookup(r *http.Request, idle time.Duration) *session {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return nil
	}
	t.mu.Lock()
	s := t.all[strings.Trim(c.Value, `"`)]
	t.mu.Unlock()
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.shape == "" && idle > 0 && time.Since(s.last) > idle {
		s.shape = expiredFault
	}
	return s
}

// touch counts a SOAP call; file transfers do not keep a session alive.
func (s *session) touch() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
	s.calls++
}

func (t *sessionTable) expire(key, shape string) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := 0
	for _, s := range t.all {
		if key != "" && s.user.Key != key {
			continue
		}
		s.mu.Lock()
		if s.shape == "" {
			n++
		}
		s.shape = shape
		s.mu.Unlock()
	}
	return n
}

func (t *sessionTable) live() []*session {
	t.mu.Lock()
	defer t.mu.Unlock()
	var out []*session
	for _, s := range t.all {
		if s.expiredAs() == "" {
			out = append(out, s)
		}
	}
	return out
}

func (t *sessionTable) find(key string) *session {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byKey[key]
}

func setCookie(h http.Header, s *session) {
	// Written by hand: net/http does not quote a value that needs no quotes, and real servers do.
	h.Add("Set-Cookie", cookieName+`="`+s.cookie+`"; Path=/; HttpOnly; Secure; `)
}
