package main

import (
	"net/http"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

func (v *vcenter) login(c *call, req *types.Login) (*types.LoginResponse, error) {
	invalid := fail(&types.InvalidLogin{}, "Cannot complete login due to an incorrect user name or password.")
	if c.session != nil || req.UserName != v.opt.user || req.Password != v.opt.password {
		return nil, invalid
	}
	return loginWith(c, func(u types.UserSession) *types.LoginResponse { return &types.LoginResponse{Returnval: u} })
}

func (v *vcenter) loginByToken(c *call, _ *types.LoginByToken) (*types.LoginByTokenResponse, error) {
	if c.session != nil {
		return nil, fail(&types.InvalidLogin{}, "already logged in")
	}
	return loginWith(c, func(u types.UserSession) *types.LoginByTokenResponse {
		return &types.LoginByTokenResponse{Returnval: u}
	})
}

// loginWith lets the simulator make its session and puts ours in front.
func loginWith[R any](c *call, result func(types.UserSession) *R) (*R, error) {
	v := c.v
	if limit := v.settings.get().SessionLimit; limit > 0 && len(v.sessions.live()) >= limit {
		return nil, errTooManySessions
	}
	rec := v.simulate(c.ctx, c.body, "")
	cookies := rec.Result().Cookies()
	if rec.Code != http.StatusOK || len(cookies) == 0 {
		name, msg := simulatorFault(rec.Body.Bytes())
		return nil, fail(&types.InvalidLogin{}, "%s %s", name, msg)
	}
	simKey := cookies[0].Value
	v.simulate(c.ctx, currentTime, simKey) // shows us the simulator's session
	now := time.Now().UTC()
	c.newborn = v.sessions.add(types.UserSession{
		Key: "52" + randomHex(15), UserName: v.opt.user, FullName: v.opt.user,
		LoginTime: now, LastActiveTime: now, Locale: "en", MessageLocale: "en",
		UserAgent: c.req.UserAgent(), IpAddress: "127.0.0.1",
	}, simKey)
	v.journal.count(func(s *counters) { s.Logins++ })
	return result(c.newborn.userSession()), nil
}

var currentTime = []byte(`<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body>` +
	`<CurrentTime xmlns="urn:vim25"><_this type="ServiceInstance">ServiceInstance</_this></CurrentTime></Body></Envelope>`)

func (v *vcenter) logout(c *call, _ *types.Logout) (*types.LogoutResponse, error) {
	v.simulate(c.ctx, c.body, c.session.simKey)
	v.sessions.remove(c.session)
	return new(types.LogoutResponse), nil
}

func (v *vcenter) sessionIsActive(_ *call, req *types.SessionIsActive) (*types.SessionIsActiveResponse, error) {
	s := v.sessions.find(req.SessionID)
	active := s != nil && s.expiredAs() == "" && s.user.UserName == req.UserName
	return &types.SessionIsActiveResponse{Returnval: active}, nil
}

func (v *vcenter) terminateSession(c *call, req *types.TerminateSession) (*types.TerminateSessionResponse, error) {
	for _, key := range req.SessionId {
		s := v.sessions.find(key)
		if s == nil {
			return nil, fail(&types.NotFound{}, "no such session")
		}
		if s == c.session {
			return nil, invalidArgument("sessionId")
		}
		v.sessions.remove(s)
	}
	return new(types.TerminateSessionResponse), nil
}

// sessionManager is what a client sees of the session manager's properties.
func (v *vcenter) sessionManager(c *call, m *simulator.SessionManager) any {
	view := m.SessionManager
	if c.session == nil {
		view.SessionList, view.CurrentSession = nil, nil
		return &view
	}
	u := c.session.userSession()
	view.CurrentSession = &u
	view.SessionList = nil
	for _, s := range v.sessions.live() {
		view.SessionList = append(view.SessionList, s.userSession())
	}
	return &view
}
