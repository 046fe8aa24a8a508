package main

import (
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func status(res *http.Response) int {
	if res == nil {
		return 0
	}
	return res.StatusCode
}

func TestFolderRules(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	cookie := w.cookie()
	u := w.folderURL("d/f", "DC0", "images")
	for _, step := range []struct {
		name, method, url, cookie, body string
		want                            int
	}{
		{"no cookie", "PUT", u, "", "x", 401},
		{"wrong cookie", "GET", u, cookieName + "=nonsense", "", 401},
		{"missing file", "GET", u, cookie, "", 404},
		{"create", "PUT", u, cookie, "hello", 201},
		{"overwrite", "PUT", u, cookie, "hello world", 200},
		{"unquoted cookie", "HEAD", u, strings.ReplaceAll(cookie, `"`, ""), "", 200},
		{"leading slash", "GET", w.folderURL("d/f", "/DC0", "images"), cookie, "", 200},
		{"bad dcPath", "GET", w.folderURL("d/f", "DC9", "images"), cookie, "", 404},
		{"no dcPath", "GET", w.folderURL("d/f", "", "images"), cookie, "", 404},
		{"bad dsName", "GET", w.folderURL("d/f", "DC0", "none"), cookie, "", 404},
		{"other datacenter", "GET", w.folderURL("d/f", "F0/DC1", "images"), cookie, "", 404},
		{"missing directory", "PUT", w.folderURL("no/f", "DC0", "images"), cookie, "x", 500},
		{"way out", "GET", w.folderURL("../../ca.pem", "DC0", "images"), cookie, "", 404},
		{"post", "POST", u, cookie, "x", 405},
		{"listing", "GET", w.folderURL("d/", "DC0", "images"), cookie, "", 200},
		{"awkward name", "PUT", w.folderURL("a b+%&ü", "DC0", "ds with space+%&ü"), cookie, "x", 201},
		{"delete", "DELETE", u, cookie, "", 200},
		{"deleted", "DELETE", u, cookie, "", 404},
	} {
		var body io.Reader
		if step.body != "" {
			body = strings.NewReader(step.body)
		}
		res, data := w.do(step.method, step.url, step.cookie, body)
		if got := status(res); got != step.want {
			// A client that is still sending may see the connection break instead of a 401.
			if !(got == 0 && step.want == 401) {
				t.Errorf("%s: %d, want %d: %.200s", step.name, got, step.want, data)
			}
		}
	}
	if !w.store("ds with space+%&ü").at("a b+%&ü").exists() {
		t.Error("the awkward file is somewhere else")
	}
}

func TestRanges(t *testing.T) {
	w := newWorld(t)
	w.write(w.store("images").at("d/f"), []byte("0123456789"))
	for header, want := range map[string]struct {
		status int
		body   string
		rng    string
	}{
		"":              {200, "0123456789", ""},
		"bytes=2-4":     {206, "234", "bytes 2-4/10"},
		"bytes=7-":      {206, "789", "bytes 7-9/10"},
		"bytes=-3":      {206, "789", "bytes 7-9/10"},
		"bytes=5-99":    {206, "56789", "bytes 5-9/10"},
		"bytes=10-":     {416, "", "bytes */10"},
		"bytes=0-1,4-5": {200, "0123456789", ""},
		"lines=1-2":     {200, "0123456789", ""},
	} {
		res, body := w.do("GET", w.folderURL("d/f", "DC0", "images"), w.cookie(), nil, "Range", header)
		if status(res) != want.status || string(body) != want.body || res.Header.Get("Content-Range") != want.rng {
			t.Errorf("%q: %d %q %q", header, status(res), body, res.Header.Get("Content-Range"))
		}
	}
}

// raw sends bytes over TLS and returns all that comes back.
func (w *world) raw(addr, request string, pause time.Duration, rest string) string {
	w.t.Helper()
	c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
	w.must(err)
	defer c.Close()
	_, _ = io.WriteString(c, request)
	time.Sleep(pause)
	_, _ = io.WriteString(c, rest)
	_ = c.SetReadDeadline(time.Now().Add(3 * time.Second))
	data, _ := io.ReadAll(c)
	return string(data)
}

func TestNoContinueAnswerAndShortBodies(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	head := func(name string, n int, more string) string {
		return fmt.Sprintf("PUT /folder/d/%s?dcPath=DC0&dsName=images HTTP/1.1\r\nHost: x\r\nCookie: %s\r\nContent-Length: %d\r\n%s\r\n",
			name, w.cookie(), n, more)
	}
	addr := w.v.addr.String()
	got := w.raw(addr, head("e", 5, "Expect: 100-continue\r\n"), 100*time.Millisecond, "hello")
	if strings.Contains(got, "100 Continue") || !strings.HasPrefix(got, "HTTP/1.1 201") {
		t.Errorf("Expect: %q", got)
	}

	for mode, want := range map[string]int64{"truncated": 3, "zero_tail": 10, "absent": -1} {
		w.post("/settings", fields{"partial_put": mode})
		c, err := tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true})
		w.must(err)
		_, _ = io.WriteString(c, head("p"+mode, 10, "")+"abc")
		time.Sleep(50 * time.Millisecond)
		_ = c.Close()
		w.eventually("the broken PUT is over", func() bool {
			all := w.v.journal.since(0)
			return strings.HasPrefix(all[len(all)-1].Path, "/folder/d/p"+mode)
		})
		size := int64(-1)
		if fi, err := os.Stat(w.store("images").at("d/p" + mode).local); err == nil {
			size = fi.Size()
		}
		if size != want {
			t.Errorf("%s: %d bytes, want %d", mode, size, want)
		}
	}
}

func TestNoSpace(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	w.post("/settings", fields{"free_space": fields{"DC0/images": 100000}})
	res, _ := w.do("PUT", w.folderURL("d/big", "DC0", "images"), w.cookie(), bytes.NewReader(make([]byte, 300000)))
	if s := status(res); s != 500 && s != 0 {
		t.Errorf("PUT without space: %d", s)
	}
	w.write(w.store("work").at("x/big"), make([]byte, 300000))
	task, err := methods.CopyDatastoreFile_Task(w.ctx, w.c, &types.CopyDatastoreFile_Task{
		This: *w.c.ServiceContent.FileManager, SourceName: "[work] x/big", SourceDatacenter: &w.dc,
		DestinationName: "[images] d/copy", DestinationDatacenter: &w.dc,
	})
	w.must(err)
	if f := w.wait(task.Returnval); f != "NoDiskSpace" {
		t.Errorf("copy without space: %q", f)
	}
	if w.store("images").at("d/copy").exists() {
		t.Error("the failed copy left its target")
	}
}

func (w *world) ticket(method, u string) types.SessionManagerGenericServiceTicket {
	w.t.Helper()
	res, err := methods.AcquireGenericServiceTicket(w.ctx, w.c, &types.AcquireGenericServiceTicket{
		This: *w.c.ServiceContent.SessionManager,
		Spec: &types.SessionManagerHttpServiceRequestSpec{Method: method, Url: u},
	})
	w.must(err)
	return res.Returnval
}

func TestTickets(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	host := net.JoinHostPort(w.v.hosts[0].name, fmt.Sprint(w.v.esxPort))
	u := "https://" + host + "/folder/d/t%20x?dcPath=ha-datacenter&dsName=images"
	put := func(method, at, id string) int {
		res, _ := w.do(method, at, "vmware_cgi_ticket="+id, strings.NewReader("x"))
		return status(res)
	}
	refused := func(name string, got int) {
		t.Helper()
		if got != 401 && got != 0 {
			t.Errorf("%s: %d", name, got)
		}
	}
	tk := w.ticket("httpPut", u)
	if tk.SslThumbprint != w.v.certs.esxSHA1 || len(tk.CertThumbprintList) != 1 || tk.HostName != w.v.hosts[0].name {
		t.Errorf("ticket: %+v", tk)
	}
	if got := put("PUT", u, `"`+tk.Id+`"`); got != 201 {
		t.Errorf("ticket refused: %d", got)
	}
	refused("used twice", put("PUT", u, tk.Id))
	refused("other url", put("PUT", u+"&x=1", w.ticket("PUT", u).Id))
	refused("other spelling", put("PUT", strings.Replace(u, "%20", "+", 1), w.ticket("PUT", u).Id))
	refused("other method", put("DELETE", u, w.ticket("httpPut", u).Id))
	refused("other host", put("PUT", strings.Replace(u, w.v.hosts[0].name, w.v.hosts[1].name, 1), w.ticket("httpPut", u).Id))
	w.post("/settings", fields{"ticket_seconds": 0})
	refused("expired", put("PUT", u, w.ticket("httpPut", u).Id))
	w.post("/settings", fields{"ticket_seconds": 60, "esx": "refuse"})
	if _, err := net.DialTimeout("tcp", host, time.Second); err == nil {
		t.Error("the host should refuse connections")
	}
	w.post("/settings", fields{"esx": "up"})
	if got := put("PUT", u, w.ticket("PUT", u).Id); got != 200 {
		t.Errorf("host is up again: %d", got)
	}
}
