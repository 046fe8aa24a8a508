package main

import (
	"bytes"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"syscall"

	"github.com/vmware/govmomi/vim25/types"

	"slipway/tests/vcenter/internal/vmdk"
)

// serveNFC moves the data of a lease. The token in the path is the credential.
func (v *vcenter) serveNFC(w http.ResponseWriter, r *http.Request) {
	t := v.newTransfer("nfc", w, r)
	defer t.finish()
	token, name, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/nfc/"), "/")
	t.entry.Path = "/nfc/***/" + name
	l := v.leases.find(token)
	f := l.open(name, t)
	if f == nil {
		t.refuse(http.StatusNotFound)
		return
	}
	defer l.release(t)
	t.entry.CookieOK = true
	if t.interfere() {
		return
	}
	switch {
	case r.Method == http.MethodGet && l.export:
		t.exportDisk(l, f)
	case (r.Method == http.MethodPut || r.Method == http.MethodPost) && !l.export:
		t.importDisk(l, f)
	default:
		t.refuse(http.StatusMethodNotAllowed)
	}
}

// open marks a file of a ready lease as in use.
func (l *lease) open(name string, t *transfer) *leaseFile {
	if l == nil {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	f := l.files[name]
	if l.state != types.HttpNfcLeaseStateReady || f == nil {
		return nil
	}
	l.busy[t] = true
	return f
}

func (l *lease) release(t *transfer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, t)
	l.idle.Broadcast()
}

// importDisk decodes the uploaded stream into the disk while it arrives.
func (t *transfer) importDisk(l *lease, f *leaseFile) {
	out, err := os.OpenFile(f.disk.flat.local, os.O_RDWR|os.O_TRUNC, 0o644)
	if err != nil {
		t.entry.Message = localFault(err, f.disk.at.String()).Error()
		t.refuse(http.StatusInternalServerError)
		return
	}
	defer out.Close()
	sum := sha1.New()
	pr, pw := io.Pipe()
	decoded := make(chan error, 1)
	go func() {
		err := vmdk.DecodeStream(pr, f.accept(out), func(at int64, data []byte) error {
			if !f.disk.at.ds.take(int64(len(data))) {
				return errFull
			}
			_, err := out.WriteAt(data, at)
			return err
		})
		_ = pr.CloseWithError(err)
		decoded <- err
	}()
	err = t.receive(io.MultiWriter(sum, pw))
	_ = pw.CloseWithError(err)
	if derr := <-decoded; derr != nil && err == nil {
		err = derr
	}
	l.mu.Lock()
	f.done, f.err, f.size, f.sum = true, nil, t.entry.BytesIn, hex.EncodeToString(sum.Sum(nil))
	if err != nil {
		f.err = badDisk(f.disk.at.String(), err)
	}
	l.mu.Unlock()
	switch {
	case err == nil:
		t.answer(http.StatusCreated)
	case t.entry.Status == 0 && t.r.Context().Err() == nil:
		t.entry.Message = err.Error()
		t.refuse(http.StatusInternalServerError)
	default:
		t.entry.Message = err.Error()
	}
}

// accept gives the disk the capacity of the stream before data arrives.
func (f *leaseFile) accept(out *os.File) func(*vmdk.Header) error {
	return func(h *vmdk.Header) error {
		capacity := int64(h.Capacity) * vmdk.SectorSize
		f.disk.desc.SetCapacity(capacity)
		f.disk.desc.NewContentID()
		if err := out.Truncate(capacity); err != nil {
			return err
		}
		return f.disk.save()
	}
}

// exportDisk sends the disk as a stream, of which nobody knows the length.
func (t *transfer) exportDisk(l *lease, f *leaseFile) {
	in, err := os.Open(f.disk.flat.local)
	if err != nil {
		t.refuse(http.StatusNotFound)
		return
	}
	defer in.Close()
	sum := sha1.New()
	t.entry.Status = http.StatusOK
	t.w.Header().Set("Content-Type", "application/x-vnd.vmware-streamVmdk")
	out := &exportWriter{t}
	err = vmdk.EncodeStream(io.MultiWriter(sum, out), f.disk.capacity(), func(at int64, buf []byte) (bool, error) {
		if hole(in, at, int64(len(buf))) {
			return false, nil
		}
		_, err := in.ReadAt(buf, at)
		return true, err
	})
	l.mu.Lock()
	f.done, f.size, f.sum = err == nil, t.entry.BytesOut, hex.EncodeToString(sum.Sum(nil))
	l.mu.Unlock()
	if err != nil {
		t.entry.Message = err.Error()
		out.abort()
		return
	}
	out.finish()
}

// hole tells whether nothing is stored in a range of a file.
func hole(f *os.File, at, n int64) bool {
	next, err := f.Seek(at, seekData)
	return errors.Is(err, syscall.ENXIO) || err == nil && next >= at+n
}

// exportWriter passes a stream on, spoilt as a rule says.
type exportWriter struct {
	t *transfer
}

func (e *exportWriter) Write(p []byte) (int, error) {
	t, f := e.t, e.t.rule
	if f == nil || f.is("delay") {
		n, err := t.w.Write(p)
		t.entry.BytesOut += int64(n)
		return n, err
	}
	if t.wire == nil {
		t.hijack().head(http.StatusOK, http.Header{"Content-Type": {"application/x-vnd.vmware-streamVmdk"}}, -1)
	}
	x := t.wire
	send := p
	cut := f.is("reset") || f.is("stall") || f.is("truncated_get")
	if cut && t.entry.BytesOut+int64(len(p)) > f.AtByte {
		send = p[:max(f.AtByte-t.entry.BytesOut, 0)]
	}
	x.drip(send, slow{f.Rate})
	t.entry.BytesOut += int64(len(send))
	if len(send) < len(p) {
		switch f.Action {
		case "reset":
			x.reset()
		case "stall":
			f.stall(x.conn, t.v.base.Done())
		}
		x.close()
		return len(send), fmt.Errorf("%w after %d bytes", errBroken, t.entry.BytesOut)
	}
	return len(p), nil
}

func (e *exportWriter) finish() {
	if e.t.wire == nil {
		return
	}
	if e.t.rule.is("too_long_get") {
		_, _ = e.t.wire.buf.Write(bytes.Repeat([]byte{0}, 512))
		_ = e.t.wire.buf.Flush()
	}
	e.t.wire.close()
}

// abort breaks the connection off, so that the client cannot take the part for the whole.
func (e *exportWriter) abort() {
	if e.t.wire == nil {
		panic(http.ErrAbortHandler)
	}
	e.t.wire.close()
}
