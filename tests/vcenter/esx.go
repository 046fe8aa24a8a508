package main

import (
	"net"
	"net/http"
	"strings"
	"time"
)

// esxMux is what a host offers: files for a ticket, and leases.
func (v *vcenter) esxMux(h *host) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/", http.NotFound)
	mux.HandleFunc("/nfc/", v.serveNFC)
	return plainPaths{mux: mux, folder: func(w http.ResponseWriter, r *http.Request) { v.serveESXFolder(h, w, r) }}
}

// plainPaths keeps the mux away from /folder, whose paths it would clean by redirects.
type plainPaths struct {
	mux    http.Handler
	folder http.HandlerFunc
}

func (p plainPaths) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/folder" || strings.HasPrefix(r.URL.Path, "/folder/") {
		p.folder(w, r)
		return
	}
	p.mux.ServeHTTP(w, r)
}

func (v *vcenter) serveESXFolder(h *host, w http.ResponseWriter, r *http.Request) {
	t := v.newTransfer("esx-folder", w, r)
	defer t.finish()
	if !v.tickets.use(r) {
		t.refuse(http.StatusUnauthorized)
		return
	}
	t.entry.CookieOK = true
	if t.interfere() {
		return
	}
	q := r.URL.Query()
	if dc := q.Get("dcPath"); dc != "" && dc != "ha-datacenter" {
		t.refuse(http.StatusNotFound)
		return
	}
	w.Header().Set("Connection", "close")
	t.serveStore(h.dc.store(q.Get("dsName")))
}

// gateListener plays a host that takes connections and never answers.
type gateListener struct {
	net.Listener
	mode func() string
	done <-chan struct{}
}

func (g *gateListener) Accept() (net.Conn, error) {
	for {
		c, err := g.Listener.Accept()
		if err != nil || g.mode() != "blackhole" {
			return c, err
		}
		go func() {
			for g.mode() == "blackhole" {
				select {
				case <-g.done:
				case <-time.After(50 * time.Millisecond):
					continue
				}
				break
			}
			_ = c.Close()
		}()
	}
}
