package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/types"
)

// vcenter is one simulated vCenter with its hosts.
type vcenter struct {
	opt      options
	svc      *simulator.Service
	reg      *simulator.Registry
	settings *settings
	journal  *journal
	faults   *faultRules
	sessions *sessionTable
	tickets  *ticketTable
	stores   []*datastore
	dcs      []*datacenter
	hosts    []*host
	locks    *lockTable
	tasks    *taskEngine
	leases   *leaseTable
	certs    *certificates
	handlers map[string]handler
	browsers map[types.ManagedObjectReference]*datastore

	base    context.Context
	stop    context.CancelFunc
	servers []*http.Server
	srvMu   sync.Mutex

	esxMu      sync.Mutex
	esxServers []*http.Server
	addr       *net.TCPAddr
	control    *net.TCPAddr
	esxPort    int
	idle       sync.WaitGroup
}

func start(opt options) (*vcenter, error) {
	if err := os.MkdirAll(opt.state, 0o700); err != nil {
		return nil, err
	}
	v := &vcenter{
		opt:      opt,
		settings: newSettings(opt),
		journal:  newJournal(),
		faults:   new(faultRules),
		sessions: newSessionTable(),
		tickets:  newTicketTable(),
		locks:    newLockTable(),
		leases:   newLeaseTable(),
		browsers: make(map[types.ManagedObjectReference]*datastore),
	}
	v.base, v.stop = context.WithCancel(context.Background())
	v.tasks = newTaskEngine(v)
	v.register()

	var err error
	if v.certs, err = newCertificates(opt.state); err != nil {
		return nil, err
	}
	if err := v.createInventory(); err != nil {
		return nil, fmt.Errorf("inventory: %w", err)
	}
	if err := v.listenAll(); err != nil {
		v.close()
		return nil, err
	}
	return v, nil
}

func (v *vcenter) listenAll() error {
	l, err := net.Listen("tcp", v.opt.listen)
	if err != nil {
		return err
	}
	v.addr = l.Addr().(*net.TCPAddr)
	v.svc.Listen = &url.URL{
		Scheme: "https", Host: v.addr.String(), Path: "/sdk",
		User: url.UserPassword(v.opt.user, v.opt.password),
	}
	v.serve(tls.NewListener(l, tlsConfig(v.certs.vcenter)), v.vcenterMux())

	if l, err = net.Listen("tcp", v.opt.control); err != nil {
		return err
	}
	v.control = l.Addr().(*net.TCPAddr)
	v.serve(l, v.controlMux())
	return v.listenESX()
}

// listenESX opens the same port on the address of every host, since a client
// finds a host by its name and knows one port for all.
func (v *vcenter) listenESX() error {
	_, port, err := net.SplitHostPort(v.opt.esxListen)
	if err != nil {
		return err
	}
	var all []net.Listener
	for range 50 {
		if all, err = listenOn(v.hosts, port); err == nil || port != "0" {
			break
		}
	}
	if err != nil || len(all) == 0 {
		return err
	}
	v.esxPort = all[0].Addr().(*net.TCPAddr).Port
	v.serveESX(all)
	return nil
}

func (v *vcenter) serveESX(all []net.Listener) {
	v.esxServers = nil
	for i, l := range all {
		gate := &gateListener{Listener: l, mode: v.settings.esxMode, done: v.base.Done()}
		v.esxServers = append(v.esxServers, v.serve(tls.NewListener(gate, tlsConfig(v.certs.esx)), v.esxMux(v.hosts[i])))
	}
}

// switchESX closes or opens the hosts' port. Only a closed port refuses.
func (v *vcenter) switchESX(mode string) error {
	v.esxMu.Lock()
	defer v.esxMu.Unlock()
	if mode == "refuse" {
		for _, s := range v.esxServers {
			_ = s.Close()
		}
		v.esxServers = nil
		return nil
	}
	if v.esxServers != nil {
		return nil
	}
	all, err := listenOn(v.hosts, strconv.Itoa(v.esxPort))
	if err == nil {
		v.serveESX(all)
	}
	return err
}

func listenOn(hosts []*host, port string) ([]net.Listener, error) {
	var all []net.Listener
	for _, h := range hosts {
		l, err := net.Listen("tcp", net.JoinHostPort(h.name, port))
		if err != nil {
			for _, l := range all {
				_ = l.Close()
			}
			return nil, err
		}
		_, port, _ = net.SplitHostPort(l.Addr().String())
		all = append(all, l)
	}
	return all, nil
}

func tlsConfig(cert tls.Certificate) *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{cert}, NextProtos: []string{"http/1.1"}}
}

func (v *vcenter) serve(l net.Listener, h http.Handler) *http.Server {
	s := &http.Server{
		Handler:      h,
		ErrorLog:     log.New(discard{}, "", 0), // clients that go away are what tests are made of
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){},
		BaseContext:  func(net.Listener) context.Context { return v.base },
		IdleTimeout:  5 * time.Minute,
	}
	v.srvMu.Lock()
	v.servers = append(v.servers, s)
	v.srvMu.Unlock()
	go func() { _ = s.Serve(l) }()
	return s
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }

func (v *vcenter) close() {
	v.stop()
	v.srvMu.Lock()
	for _, s := range v.servers {
		_ = s.Close()
	}
	v.srvMu.Unlock()
	v.idle.Wait()
}

// greeting is the line on standard output that tells a test where everything is.
type greeting struct {
	URL         string       `json:"url"`
	Port        int          `json:"port"`
	Control     string       `json:"control"`
	ESXPort     int          `json:"esx_port"`
	PID         int          `json:"pid"`
	SHA256      string       `json:"sha256"`
	ESXSHA256   string       `json:"esx_sha256"`
	CAFile      string       `json:"ca_file"`
	Hosts       []string     `json:"hosts"`
	Datacenters []dcGreeting `json:"datacenters"`
}

type dcGreeting struct {
	Name       string       `json:"name"`
	Path       string       `json:"path"`
	Ref        string       `json:"ref"`
	Datastores []dsGreeting `json:"datastores"`
}

type dsGreeting struct {
	Name string `json:"name"`
	Type string `json:"type"`
	Ref  string `json:"ref"`
	Dir  string `json:"dir"`
}

func (v *vcenter) hello() greeting {
	g := greeting{
		URL:     fmt.Sprintf("https://%s/sdk", v.addr),
		Port:    v.addr.Port,
		Control: fmt.Sprintf("http://%s", v.control),
		ESXPort: v.esxPort, PID: os.Getpid(),
		SHA256: v.certs.vcenterSHA256, ESXSHA256: v.certs.esxSHA256, CAFile: v.certs.caFile,
	}
	for _, h := range v.hosts {
		g.Hosts = append(g.Hosts, h.name)
	}
	for _, dc := range v.dcs {
		d := dcGreeting{Name: dc.name, Path: dc.path, Ref: dc.ref.Value}
		for _, ds := range dc.stores {
			d.Datastores = append(d.Datastores, dsGreeting{Name: ds.getName(), Type: ds.kind, Ref: ds.ref.Value, Dir: ds.dir})
		}
		g.Datacenters = append(g.Datacenters, d)
	}
	return g
}
