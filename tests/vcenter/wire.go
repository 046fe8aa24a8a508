package main

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
	"time"
)

// wire is a connection taken over from net/http, for answers that break the rules.
type wire struct {
	conn net.Conn
	buf  *bufio.ReadWriter
	keep bool // promise to keep the connection open, and break it
}

func takeOver(w http.ResponseWriter) *wire {
	conn, buf, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	return &wire{conn: conn, buf: buf}
}

// reset cuts the connection so that the peer gets an RST.
func (w *wire) reset() {
	raw := w.conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	if t, ok := raw.(*net.TCPConn); ok {
		_ = t.SetLinger(0)
	}
	_ = raw.Close()
}

func (w *wire) close() { _ = w.conn.Close() }

// head writes a status line and headers. The connection always closes after it.
func (w *wire) head(status int, h http.Header, length int64) {
	promise := "close"
	if w.keep {
		promise = "keep-alive"
	}
	fmt.Fprintf(w.buf, "HTTP/1.1 %d %s\r\nConnection: %s\r\n", status, http.StatusText(status), promise)
	if length >= 0 {
		fmt.Fprintf(w.buf, "Content-Length: %d\r\n", length)
	}
	_ = h.Write(w.buf)
	_, _ = w.buf.WriteString("\r\n")
	_ = w.buf.Flush()
}

// requestBody is the body as it comes from the wire. Reading it does not send
// the "100 Continue" that net/http would.
func (w *wire) requestBody(r *http.Request) io.Reader {
	switch {
	case r.ContentLength > 0:
		return &exactReader{w.buf, r.ContentLength}
	case r.ContentLength < 0:
		return httputil.NewChunkedReader(w.buf)
	}
	return strings.NewReader("")
}

// exactReader reports a body that ends too early.
type exactReader struct {
	r    io.Reader
	left int64
}

func (e *exactReader) Read(p []byte) (int, error) {
	if e.left == 0 {
		return 0, io.EOF
	}
	n, err := e.r.Read(p[:min(int64(len(p)), e.left)])
	e.left -= int64(n)
	if err == io.EOF && e.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// slow passes bytes at a rate; a rate of 0 does not slow.
type slow struct {
	rate int64
}

func (s slow) wait(n int) {
	if s.rate > 0 {
		time.Sleep(time.Duration(float64(n) / float64(s.rate) * float64(time.Second)))
	}
}

func (s slow) size() int {
	if s.rate > 0 {
		return int(max(s.rate/20, 1))
	}
	return 256 << 10
}

// stall waits until the peer gives up, the rule is dropped or the server ends.
func (f *faultRule) stall(conn net.Conn, done <-chan struct{}) {
	gone := make(chan struct{})
	go func() {
		defer close(gone)
		_, _ = io.Copy(io.Discard, rawReader{conn})
	}()
	var limit <-chan time.Time
	if f.MS > 0 {
		limit = time.After(time.Duration(f.MS) * time.Millisecond)
	}
	select {
	case <-gone:
	case <-limit:
	case <-f.released:
	case <-done:
	}
}

// closeIdle closes a connection that the peer believes to be kept alive: at
// once, or after a while, when the end may cross the next request.
func (f *faultRule) closeIdle(w *wire) {
	select {
	case <-time.After(time.Duration(f.MS) * time.Millisecond):
	case <-f.released:
	}
	w.close()
}

// rawReader notices the end of a connection without draining its socket: while a
// stall lasts the peer must see a window that stays full.
type rawReader struct{ conn net.Conn }

func (r rawReader) Read([]byte) (int, error) {
	raw := r.conn
	if t, ok := raw.(*tls.Conn); ok {
		raw = t.NetConn()
	}
	t, ok := raw.(*net.TCPConn)
	if !ok || peerGone(t) {
		return 0, io.EOF
	}
	time.Sleep(20 * time.Millisecond)
	return 0, nil
}

// send delivers an answer, spoilt as the rule says.
func (out *reply) send(w http.ResponseWriter, r *http.Request, f *faultRule) {
	action := ""
	if f != nil {
		action = f.Action
	}
	cut := int64(len(out.body))
	if f != nil && f.AtByte < cut {
		cut = f.AtByte
	}
	switch action {
	case "lost_answer":
		takeOver(w).close()
	case "reset":
		x := takeOver(w)
		x.partial(out, cut)
		x.reset()
	case "truncated_get":
		x := takeOver(w)
		x.partial(out, cut)
		x.close()
	case "stall":
		x := takeOver(w)
		x.partial(out, cut)
		f.stall(x.conn, r.Context().Done())
		x.close()
	case "slow_drip":
		x := takeOver(w)
		x.head(out.status, out.header, int64(len(out.body)))
		x.drip(out.body, slow{max(f.Rate, 1)})
		x.close()
	case "close_idle":
		x := takeOver(w)
		x.keep = true
		x.head(out.status, out.header, int64(len(out.body)))
		_, _ = x.buf.Write(out.body)
		_ = x.buf.Flush()
		f.closeIdle(x)
	case "endless_xml":
		endless(takeOver(w))
	default:
		for k, vs := range out.header {
			w.Header()[k] = vs
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(out.body)))
		w.WriteHeader(out.status)
		_, _ = w.Write(out.body)
	}
}

func (w *wire) partial(out *reply, n int64) {
	if n == 0 {
		return
	}
	w.head(out.status, out.header, int64(len(out.body)))
	_, _ = w.buf.Write(out.body[:n])
	_ = w.buf.Flush()
}

func (w *wire) drip(body []byte, s slow) {
	for len(body) > 0 {
		n := min(s.size(), len(body))
		if _, err := w.buf.Write(body[:n]); err != nil {
			return
		}
		if err := w.buf.Flush(); err != nil {
			return
		}
		s.wait(n)
		body = body[n:]
	}
}

// endless sends a chunked answer for as long as the peer takes it.
func endless(w *wire) {
	defer w.close()
	w.head(http.StatusOK, http.Header{"Content-Type": {"text/xml; charset=utf-8"}, "Transfer-Encoding": {"chunked"}}, -1)
	c := httputil.NewChunkedWriter(w.buf)
	_, err := io.WriteString(c, envelopeHead+`<RetrievePropertiesExResponse xmlns="urn:vim25"><returnval>`)
	filler := []byte(strings.Repeat(`<objects><obj type="Datastore">datastore-1</obj></objects>`, 1000))
	for err == nil {
		if _, err = c.Write(filler); err == nil {
			err = w.buf.Flush()
		}
	}
}
