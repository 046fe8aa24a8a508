package main

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// serveFolder is /folder of vCenter: it wants a live session's cookie.
func (v *vcenter) serveFolder(w http.ResponseWriter, r *http.Request) {
	t := v.newTransfer("folder", w, r)
	defer t.finish()
	s := v.sessions.lookup(r, v.settings.get().sessionIdle())
	if s == nil || s.expiredAs() != "" {
		t.refuse(http.StatusUnauthorized)
		return
	}
	t.entry.CookieOK = true
	if t.interfere() {
		if t.rule.is("session_expired") {
			s.mu.Lock()
			s.shape = expiredFault
			s.mu.Unlock()
		}
		return
	}
	q := r.URL.Query()
	ds := v.findStore(q.Get("dcPath"), q.Get("dsName"))
	t.serveStore(ds)
}

// serveStore does what both kinds of /folder have in common.
func (t *transfer) serveStore(ds *datastore) {
	rel := strings.TrimPrefix(t.r.URL.Path, "/folder")
	rel = strings.TrimPrefix(rel, "/")
	if ds == nil || !cleanPath(rel) {
		t.refuse(http.StatusNotFound)
		return
	}
	at := ds.at(rel)
	switch t.r.Method {
	case http.MethodGet, http.MethodHead:
		t.get(at)
	case http.MethodPut:
		if strings.HasSuffix(rel, "/") || rel == "" {
			t.refuse(http.StatusInternalServerError)
			return
		}
		t.put(at)
	case http.MethodDelete:
		t.delete(at)
	default:
		t.refuse(http.StatusMethodNotAllowed)
	}
}

func (t *transfer) get(at target) {
	f, err := os.Open(at.local)
	if err != nil {
		t.refuse(http.StatusNotFound)
		return
	}
	defer f.Close()
	fi, err := f.Stat()
	switch {
	case err != nil:
		t.refuse(http.StatusInternalServerError)
	case fi.IsDir():
		t.listing(at)
	default:
		t.sendFile(f, fi.Size())
	}
}

func (t *transfer) delete(at target) {
	if _, err := os.Lstat(at.local); err != nil || at.rel == "" {
		t.refuse(http.StatusNotFound)
		return
	}
	if err := t.v.remove(at); err != nil {
		t.entry.Message = err.Error()
		t.refuse(http.StatusInternalServerError)
		return
	}
	t.answer(http.StatusOK)
}

func (t *transfer) put(at target) {
	if err := t.prepare(at); err != nil {
		t.entry.Message = err.Error()
		t.refuse(http.StatusInternalServerError)
		return
	}
	status, err := t.store(at)
	if err == nil {
		t.answer(status)
		return
	}
	t.entry.Message = err.Error()
	if !errors.Is(err, errBroken) && !errors.Is(err, errBody) {
		t.refuse(http.StatusInternalServerError)
	}
}

// store writes the body to the file. The file is closed and unlocked before the
// client hears of it, since its next call may be a copy.
func (t *transfer) store(at target) (status int, err error) {
	unlock, err := t.v.locks.acquire(at, true)
	if err != nil {
		return 0, err
	}
	defer unlock()
	status = http.StatusCreated
	if at.exists() {
		status = http.StatusOK
	}
	at.ds.give(allocated(at.local))
	f, err := os.Create(at.local)
	if err != nil {
		return 0, localFault(err, at.String())
	}
	err = t.receive(&storeWriter{f, at.ds})
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		t.leave(at)
	}
	return status, err
}

// prepare finds reasons why a file cannot be made.
func (t *transfer) prepare(at target) error {
	if at.ds.vsan() && !at.hasNamespace() {
		return cannotCreate(at.String())
	}
	if t.v.settings.get().FolderMkdir {
		return os.MkdirAll(filepath.Dir(at.local), 0o755)
	}
	if !at.parentExists() {
		return fileNotFound(at.String())
	}
	return nil
}

// leave decides what a broken PUT leaves behind.
func (t *transfer) leave(at target) {
	switch t.v.settings.get().PartialPut {
	case "absent":
		_ = t.v.discard(at)
	case "zero_tail":
		if n := t.r.ContentLength; n > 0 {
			_ = os.Truncate(at.local, n)
		}
	}
}

// discard removes a file that is locked by the caller.
func (v *vcenter) discard(at target) error {
	n := allocated(at.local)
	err := os.Remove(at.local)
	if err == nil {
		at.ds.give(n)
	}
	return err
}

// storeWriter writes a file and uses up the space of its datastore.
type storeWriter struct {
	f  io.Writer
	ds *datastore
}

func (s *storeWriter) Write(p []byte) (int, error) {
	if !s.ds.take(int64(len(p))) {
		return 0, errFull
	}
	return s.f.Write(p)
}
