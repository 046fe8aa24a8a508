package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	govproperty "github.com/vmware/govmomi/property"
	govmomi "github.com/vmware/govmomi/session"
	govtask "github.com/vmware/govmomi/task"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

// world is a running server with a logged-in client.
type world struct {
	t   *testing.T
	v   *vcenter
	ctx context.Context
	c   *vim25.Client
	dc  types.ManagedObjectReference
	dc1 types.ManagedObjectReference
}

func newWorld(t *testing.T) *world {
	t.Helper()
	v, err := start(options{
		listen: "127.0.0.1:0", control: "127.0.0.1:0", esxListen: "127.0.0.1:0",
		state: t.TempDir(), user: "user", password: "pass", taskStep: time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.close)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	w := &world{t: t, v: v, ctx: ctx, dc: v.dcs[0].ref, dc1: v.dcs[1].ref}
	w.c = w.client()
	w.must(govmomi.NewManager(w.c).Login(ctx, url.UserPassword("user", "pass")))
	t.Cleanup(func() {
		if n := v.journal.counters().Panics; n != 0 {
			t.Errorf("%d panics", n)
		}
	})
	return w
}

func (w *world) client() *vim25.Client {
	w.t.Helper()
	u, _ := url.Parse(w.v.hello().URL)
	sc := soap.NewClient(u, false)
	w.must(sc.SetRootCAs(w.v.certs.caFile))
	c, err := vim25.NewClient(w.ctx, sc)
	w.must(err)
	return c
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// wait ends a task and returns the name of its fault, empty for success.
func (w *world) wait(ref types.ManagedObjectReference) string {
	w.t.Helper()
	var info *types.TaskInfo
	info, err := govtask.WaitEx(w.ctx, ref, w.collector(), nil)
	if info == nil {
		w.t.Fatalf("%s: %v", ref.Value, err)
	}
	if info.Error != nil {
		return faultName(info.Error.Fault)
	}
	return ""
}

// want compares the fault of an error with a name.
func (w *world) want(err error, name string) {
	w.t.Helper()
	got := ""
	if err != nil {
		got = err.Error()
		if soap.IsSoapFault(err) {
			got = strings.TrimPrefix(typeName(soap.ToSoapFault(err).VimFault()), "types.")
		}
	}
	if got != name {
		w.t.Errorf("got %q (%v), want %q", got, err, name)
	}
}

func (w *world) store(name string) *datastore {
	w.t.Helper()
	ds := w.v.dcs[0].store(name)
	if ds == nil {
		w.t.Fatalf("no datastore %s", name)
	}
	return ds
}

// write plants a file in a datastore.
func (w *world) write(t target, data []byte) {
	w.t.Helper()
	w.must(os.MkdirAll(strings.TrimSuffix(t.local, "/"+lastPart(t.local)), 0o755))
	w.must(os.WriteFile(t.local, data, 0o644))
}

func lastPart(p string) string { return p[strings.LastIndexByte(p, '/')+1:] }

func (w *world) mkdir(name string) {
	w.t.Helper()
	_, err := methods.MakeDirectory(w.ctx, w.c, &types.MakeDirectory{
		This: *w.c.ServiceContent.FileManager, Name: name, Datacenter: &w.dc,
		CreateParentDirectories: types.NewBool(true),
	})
	w.must(err)
}

// eventually waits until something is so.
func (w *world) eventually(what string, is func() bool) {
	w.t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			w.t.Fatalf("still waiting: %s", what)
		}
	}
}

// http is a client that trusts vCenter's CA, without cookies of its own.
func (w *world) http() *http.Client {
	return &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true,
	}}
}

func (w *world) cookie() string {
	for _, s := range w.v.sessions.live() {
		return cookieName + `="` + s.cookie + `"`
	}
	w.t.Fatal("no session")
	return ""
}

// do sends a request with a cookie and returns status and body.
func (w *world) do(method, u, cookie string, body io.Reader, header ...string) (*http.Response, []byte) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.ctx, method, u, body)
	w.must(err)
	if cookie != "" {
		r.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := w.http().Do(r)
	if err != nil {
		return nil, []byte(err.Error())
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil {
		return res, append(data, []byte("\n"+err.Error())...)
	}
	return res, data
}

func (w *world) folderURL(path, dc, ds string) string {
	u := url.URL{Scheme: "https", Host: w.v.addr.String(), Path: "/folder/" + path}
	u.RawQuery = url.Values{"dcPath": {dc}, "dsName": {ds}}.Encode()
	return u.String()
}

// post sends JSON to the control port.
func (w *world) post(path string, body any) []byte {
	w.t.Helper()
	data, _ := json.Marshal(body)
	res, err := http.Post("http://"+w.v.control.String()+path, "application/json", bytes.NewReader(data))
	w.must(err)
	defer res.Body.Close()
	out, _ := io.ReadAll(res.Body)
	if res.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s", path, out)
	}
	return out
}

type fields map[string]any

func (w *world) collector() *govproperty.Collector { return govproperty.DefaultCollector(w.c) }

func typeName(v any) string { return strings.TrimPrefix(reflect.TypeOf(v).String(), "*") }
