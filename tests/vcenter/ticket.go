package main

import (
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/types"
)

// ticket lets one request through at a host.
type ticket struct {
	id      string
	method  string
	url     *url.URL
	rawURI  string
	expires time.Time
}

type ticketTable struct {
	mu  sync.Mutex
	all map[string]*ticket
}

func newTicketTable() *ticketTable { return &ticketTable{all: make(map[string]*ticket)} }

func (v *vcenter) acquireTicket(_ *call, req *types.AcquireGenericServiceTicket) (*types.AcquireGenericServiceTicketResponse, error) {
	spec, ok := req.Spec.(*types.SessionManagerHttpServiceRequestSpec)
	if !ok {
		return nil, invalidArgument("spec")
	}
	u, err := url.Parse(spec.Url)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		return nil, invalidArgument("spec.url")
	}
	method, ok := httpVerb(spec.Method)
	if !ok {
		return nil, invalidArgument("spec.method")
	}
	h := v.hostByName(u.Hostname())
	if h == nil && u.Hostname() != v.addr.IP.String() {
		return nil, invalidArgument("spec.url")
	}
	_, rest, _ := strings.Cut(spec.Url, "//")
	_, uri, _ := strings.Cut(rest, "/")
	t := &ticket{
		id:     "cst-VCT-52" + randomHex(12) + "--tp-" + strings.ReplaceAll(v.certs.esxSHA1, ":", "-"),
		method: method, url: u, rawURI: "/" + uri,
		expires: time.Now().Add(time.Duration(v.settings.get().TicketSeconds) * time.Second),
	}
	v.tickets.mu.Lock()
	v.tickets.all[t.id] = t
	v.tickets.mu.Unlock()
	return &types.AcquireGenericServiceTicketResponse{Returnval: types.SessionManagerGenericServiceTicket{
		Id: t.id, HostName: u.Hostname(), SslThumbprint: v.certs.esxSHA1,
		CertThumbprintList: []types.VirtualMachineCertThumbprint{
			{Thumbprint: strings.ReplaceAll(v.certs.esxSHA256, ":", ""), HashAlgorithm: "sha256"},
		},
		TicketType: "HttpNfcServiceTicket",
	}}, nil
}

// httpVerb reads both spellings of a method; none means any.
func httpVerb(s string) (string, bool) {
	verb := strings.ToUpper(strings.TrimPrefix(s, "http"))
	switch verb {
	case "", "GET", "HEAD", "PUT", "POST", "DELETE":
		return verb, true
	}
	return "", false
}

// use takes the ticket of a request. It is gone afterwards, whether it fits or not.
func (t *ticketTable) use(r *http.Request) bool {
	c, err := r.Cookie("vmware_cgi_ticket")
	if err != nil {
		return false
	}
	id := strings.Trim(c.Value, `"`)
	t.mu.Lock()
	k := t.all[id]
	delete(t.all, id)
	t.mu.Unlock()
	return k != nil && time.Now().Before(k.expires) && k.fits(r)
}

// fits compares method and address byte for byte. The port counts only if the
// ticket was asked for with one.
func (k *ticket) fits(r *http.Request) bool {
	name, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		name, port = r.Host, ""
	}
	return (k.method == "" || k.method == r.Method) &&
		name == k.url.Hostname() && (k.url.Port() == "" || k.url.Port() == port) &&
		subtle.ConstantTimeCompare([]byte(k.rawURI), []byte(r.RequestURI)) == 1
}

func (v *vcenter) hostByName(name string) *host {
	for _, h := range v.hosts {
		if h.name == name {
			return h
		}
	}
	return nil
}
