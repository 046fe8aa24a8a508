package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"
)

func (w *world) now() error {
	_, err := methods.GetCurrentTime(w.ctx, w.c)
	return err
}

func TestSoapFaultsOnDemand(t *testing.T) {
	w := newWorld(t)
	w.post("/faults", fields{"match": fields{"method": "CurrentTime"}, "action": "soap_fault", "fault": "HostNotConnected", "count": 1, "skip": 1})
	w.must(w.now())
	w.want(w.now(), "HostNotConnected")
	w.must(w.now())
	for _, action := range []string{"http_status", "html_200", "garbage_xml", "lost_answer", "reset", "truncated_get"} {
		w.post("/faults", fields{"match": fields{"kind": "soap", "method": "CurrentTime"}, "action": action, "count": 1})
		if err := w.now(); err == nil || soap.IsSoapFault(err) {
			t.Errorf("%s: %v", action, err)
		}
		w.must(w.now())
	}
	w.post("/faults", fields{"match": fields{"method": "CurrentTime"}, "action": "stall", "ms": 100, "count": 1})
	if err := w.now(); err == nil {
		t.Error("a stall ends in success")
	}
}

func TestExpiredSessionsInEveryShape(t *testing.T) {
	w := newWorld(t)
	var ds mo.Datastore
	read := func() (*types.RetrieveResult, error) {
		res, err := methods.RetrievePropertiesEx(w.ctx, w.c, &types.RetrievePropertiesEx{
			This: w.c.ServiceContent.PropertyCollector,
			SpecSet: []types.PropertyFilterSpec{{
				PropSet:   []types.PropertySpec{{Type: "Datastore", PathSet: []string{"name"}}},
				ObjectSet: []types.ObjectSpec{{Obj: w.store("images").ref}},
			}},
		})
		if err != nil {
			return nil, err
		}
		return res.Returnval, nil
	}
	w.must(w.collector().RetrieveOne(w.ctx, w.store("images").ref, []string{"name"}, &ds))
	w.post("/sessions/expire", fields{"shape": "missing"})
	if res, err := read(); err != nil || len(res.Objects[0].MissingSet) != 1 || len(res.Objects[0].PropSet) != 0 {
		t.Errorf("missing: %+v %v", res, err)
	}
	w.want(w.now(), "NotAuthenticated")
	w.post("/sessions/expire", fields{"shape": "empty"})
	if res, err := read(); err != nil || res != nil {
		t.Errorf("empty: %+v %v", res, err)
	}
	w.post("/sessions/expire", fields{"shape": "fault"})
	_, err := read()
	w.want(err, "NotAuthenticated")
	login := func(password string) error {
		_, err := methods.Login(w.ctx, w.c, &types.Login{This: *w.c.ServiceContent.SessionManager, UserName: "user", Password: password})
		return err
	}
	w.want(login("wrong"), "InvalidLogin")
	w.must(login("pass"))
	w.want(login("pass"), "InvalidLogin")
	w.must(w.now())
}

func TestIdleSessionsExpireAndAreLimited(t *testing.T) {
	w := newWorld(t)
	w.post("/settings", fields{"session_idle_seconds": 1, "session_limit": 1})
	other := w.client()
	_, err := methods.Login(w.ctx, other, &types.Login{This: *w.c.ServiceContent.SessionManager, UserName: "user", Password: "pass"})
	if err == nil || !strings.Contains(err.Error(), "503") {
		t.Errorf("one session too many: %v", err)
	}
	time.Sleep(1200 * time.Millisecond)
	w.want(w.now(), "NotAuthenticated")
}

func TestFolderFaultsOnDemand(t *testing.T) {
	w := newWorld(t)
	data := bytes.Repeat([]byte("0123456789abcdef"), 8192)
	w.write(w.store("images").at("d/f"), data)
	u, cookie := w.folderURL("d/f", "DC0", "images"), w.cookie()
	once := func(f fields) {
		f["count"] = 1
		f["match"] = fields{"kind": "folder"}
		w.post("/faults", f)
	}
	get := func() (int, []byte) {
		res, body := w.do("GET", u, cookie, nil)
		return status(res), body
	}
	once(fields{"action": "http_status", "status": 503})
	if s, _ := get(); s != 503 {
		t.Errorf("503: %d", s)
	}
	once(fields{"action": "truncated_get", "at_byte": 1000})
	if _, body := get(); !bytes.Contains(body, []byte("unexpected EOF")) || len(body) > 1100 {
		t.Errorf("truncated: %d bytes", len(body))
	}
	once(fields{"action": "too_long_get", "at_byte": 7})
	if _, body := get(); len(body) != len(data)+7 {
		t.Errorf("too long: %d bytes", len(body))
	}
	once(fields{"action": "no_length_get"})
	if res, body := w.do("GET", u, cookie, nil); res.ContentLength != -1 || !bytes.Equal(body, data) {
		t.Errorf("no length: %d, %d bytes", res.ContentLength, len(body))
	}
	once(fields{"action": "wrong_range"})
	if res, _ := w.do("GET", u, cookie, nil, "Range", "bytes=0-99"); res.Header.Get("Content-Range") != "bytes 512-611/131072" {
		t.Errorf("wrong range: %s", res.Header.Get("Content-Range"))
	}
	once(fields{"action": "reset", "at_byte": 5000})
	if _, body := get(); !bytes.Contains(body, []byte("reset by peer")) {
		t.Errorf("reset: %.60q", body[max(0, len(body)-60):])
	}
	once(fields{"action": "short_put", "at_byte": 10})
	if res, _ := w.do("PUT", u, cookie, bytes.NewReader(data)); status(res) != 200 {
		t.Errorf("short put: %d", status(res))
	}
	if fi, _ := os.Stat(w.store("images").at("d/f").local); fi.Size() != 10 {
		t.Errorf("short put kept %d bytes", fi.Size())
	}
	once(fields{"action": "early_200", "at_byte": 100})
	if res, _ := w.do("PUT", u, cookie, bytes.NewReader(data)); status(res) != 200 {
		t.Errorf("early 200: %d", status(res))
	}
	for w.v.locks.busy(w.store("images").at("d/f").local) {
		time.Sleep(10 * time.Millisecond)
	}
	once(fields{"action": "lost_answer"})
	if res, _ := w.do("PUT", u, cookie, bytes.NewReader(data)); status(res) != 0 {
		t.Errorf("lost answer: %d", status(res))
	}
	if s, body := get(); s != 200 || !bytes.Equal(body, data) {
		t.Errorf("after a lost answer: %d, %d bytes", s, len(body))
	}
	once(fields{"action": "redirect", "url": "https://127.0.0.1:1/x"})
	if res, body := w.do("GET", u, cookie, nil); res != nil {
		t.Errorf("redirect was not followed into nothing: %d %s", res.StatusCode, body)
	}
}

func TestTaskFaults(t *testing.T) {
	w := newWorld(t)
	w.write(w.store("images").at("d/f"), make([]byte, 9<<20))
	w.must(os.WriteFile(w.store("images").at("d/f").local, bytes.Repeat([]byte{1}, 9<<20), 0o644))
	copyTo := func(name string) types.ManagedObjectReference {
		res, err := methods.CopyDatastoreFile_Task(w.ctx, w.c, &types.CopyDatastoreFile_Task{
			This: *w.c.ServiceContent.FileManager, SourceName: "[images] d/f", SourceDatacenter: &w.dc,
			DestinationName: "[images] d/" + name, DestinationDatacenter: &w.dc,
		})
		w.must(err)
		return res.Returnval
	}
	w.post("/faults", fields{"match": fields{"kind": "task", "path_regex": "d/a"}, "action": "task_fault", "fault": "FileLocked", "at_byte": 1 << 20, "count": 1})
	if f := w.wait(copyTo("a")); f != "FileLocked" {
		t.Errorf("task_fault: %q", f)
	}
	if w.store("images").at("d/a").exists() {
		t.Error("a failed copy left its target")
	}

	w.post("/settings", fields{"task_rate": 1 << 10})
	ref := copyTo("slow")
	w.eventually("the copy is on its way", w.store("images").at("d/slow").exists)
	del, err := methods.DeleteDatastoreFile_Task(w.ctx, w.c, &types.DeleteDatastoreFile_Task{
		This: *w.c.ServiceContent.FileManager, Name: "[images] d/f", Datacenter: &w.dc,
	})
	w.must(err)
	if f := w.wait(del.Returnval); f != "FileLocked" {
		t.Errorf("delete under a copy: %q", f)
	}
	_, err = methods.CancelTask(w.ctx, w.c, &types.CancelTask{This: ref})
	w.must(err)
	if f := w.wait(ref); f != "RequestCanceled" {
		t.Errorf("cancel: %q", f)
	}
	if w.store("images").at("d/slow").exists() {
		t.Error("a cancelled copy left its target")
	}

	ref = copyTo("hurried")
	w.eventually("the copy is on its way", w.store("images").at("d/hurried").exists)
	w.post("/settings", fields{"task_rate": 0})
	if f := w.wait(ref); f != "" {
		t.Errorf("a copy that becomes fast on its way: %q", f)
	}

	w.post("/faults", fields{"match": fields{"method": "CopyDatastoreFile_Task"}, "action": "task_vanishes", "count": 1})
	ref = copyTo("gone")
	var mt mo.Task
	w.eventually("the task vanishes", func() bool {
		return w.collector().RetrieveOne(w.ctx, ref, []string{"info"}, &mt) != nil
	})
	w.eventually("the vanished task does its work", w.store("images").at("d/gone").exists)

	w.post("/faults", fields{"match": fields{"method": "CopyDatastoreFile_Task"}, "action": "task_hangs", "count": 1})
	ref = copyTo("hang")
	w.eventually("the task runs", func() bool {
		w.must(w.collector().RetrieveOne(w.ctx, ref, []string{"info"}, &mt))
		return mt.Info.State == types.TaskInfoStateRunning
	})
	time.Sleep(200 * time.Millisecond) // more than it would take
	w.must(w.collector().RetrieveOne(w.ctx, ref, []string{"info"}, &mt))
	if mt.Info.State != types.TaskInfoStateRunning {
		t.Errorf("hanging task: %s", mt.Info.State)
	}
	_, err = methods.CancelTask(w.ctx, w.c, &types.CancelTask{This: ref})
	w.must(err)

	w.post("/faults", fields{"match": fields{"kind": "soap", "method": "CopyDatastoreFile_Task"}, "action": "lost_answer", "count": 1})
	_, err = methods.CopyDatastoreFile_Task(w.ctx, w.c, &types.CopyDatastoreFile_Task{
		This: *w.c.ServiceContent.FileManager, SourceName: "[images] d/f", SourceDatacenter: &w.dc,
		DestinationName: "[images] d/lost", DestinationDatacenter: &w.dc,
	})
	if err == nil {
		t.Error("the answer was not lost")
	}
	w.eventually("the task behind the lost answer does its work", w.store("images").at("d/lost").exists)
}

func TestJournalAndCounters(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	w.do("PUT", w.folderURL("d/f", "DC0", "images"), w.cookie(), strings.NewReader("hello"))
	all := w.v.journal.since(0)
	last := all[len(all)-1]
	if last.Kind != "folder" || last.BytesIn != 5 || last.Status != 201 || !last.CookieOK {
		t.Errorf("%+v", last)
	}
	for _, e := range all {
		if e.Kind == "soap" && e.Method == "Login" && e.Args["password"] != "***" {
			t.Errorf("password in the journal: %+v", e)
		}
		if strings.Contains(e.Path, "vmware_") {
			t.Errorf("cookie in the journal: %+v", e)
		}
	}
	c := w.v.journal.counters()
	if c.FolderIn != 5 || c.Calls["MakeDirectory"] != 1 || c.Refused != 0 || c.Logins != 1 {
		t.Errorf("%+v", c)
	}
}

func TestFaultsCarryAMessageOfTheirOwn(t *testing.T) {
	w := newWorld(t)
	_, err := methods.MakeDirectory(w.ctx, w.c, &types.MakeDirectory{
		This: *w.c.ServiceContent.FileManager, Name: "[images] none/deeper", Datacenter: &w.dc,
	})
	w.want(err, "FileNotFound")
	fault := soap.ToSoapFault(err).VimFault().(types.FileNotFound)
	if len(fault.FaultMessage) != 1 || fault.FaultMessage[0].Message == "" || fault.File == "" {
		t.Errorf("%+v", fault)
	}
	res, err := methods.DeleteDatastoreFile_Task(w.ctx, w.c, &types.DeleteDatastoreFile_Task{
		This: *w.c.ServiceContent.FileManager, Name: "[images] none", Datacenter: &w.dc,
	})
	w.must(err)
	if f := w.wait(res.Returnval); f != "FileNotFound" {
		t.Fatal(f)
	}
	var task mo.Task
	w.must(w.collector().RetrieveOne(w.ctx, res.Returnval, []string{"info.error"}, &task))
	if m := task.Info.Error.Fault.GetMethodFault().FaultMessage; len(m) != 1 || m[0].Message == "" {
		t.Errorf("%+v", task.Info.Error)
	}
}

// A client that keeps connections must expect them to end between two requests.
func TestKeptConnectionsAreClosedOnDemand(t *testing.T) {
	w := newWorld(t)
	w.post("/faults", fields{"match": fields{"kind": "soap"}, "action": "close_idle", "count": 1})
	conn, err := tls.Dial("tcp", w.v.addr.String(), &tls.Config{InsecureSkipVerify: true})
	w.must(err)
	defer conn.Close()
	body := `<Envelope xmlns="http://schemas.xmlsoap.org/soap/envelope/"><Body><RetrieveServiceContent xmlns="urn:vim25">` +
		`<_this type="ServiceInstance">ServiceInstance</_this></RetrieveServiceContent></Body></Envelope>`
	_, err = fmt.Fprintf(conn, "POST /sdk HTTP/1.1\r\nHost: vc\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	w.must(err)
	r := bufio.NewReader(conn)
	res, err := http.ReadResponse(r, nil)
	w.must(err)
	data, err := io.ReadAll(res.Body)
	w.must(err)
	if res.Close || !bytes.Contains(data, []byte("RetrieveServiceContentResponse")) {
		t.Errorf("close=%v %s", res.Close, data)
	}
	if _, err := r.ReadByte(); err != io.EOF {
		t.Errorf("the connection is still open: %v", err)
	}
}
