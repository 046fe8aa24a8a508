package main

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"os"
	"path"
	"strconv"
	"strings"
	"time"
)

// transfer is one request for file bytes, at vCenter, at a host or at a lease.
type transfer struct {
	v     *vcenter
	w     http.ResponseWriter
	r     *http.Request
	entry entry
	rule  *faultRule
	wire  *wire
	start time.Time
}

func (v *vcenter) newTransfer(kind string, w http.ResponseWriter, r *http.Request) *transfer {
	t := &transfer{v: v, w: w, r: r, start: time.Now()}
	t.entry = entry{Kind: kind, Method: r.Method, Path: r.URL.RequestURI(), UserAgent: r.UserAgent()}
	t.rule = v.faults.match(kind, r.Method, t.entry.Path)
	if t.rule != nil {
		t.entry.Injected = t.rule.Action
	}
	return t
}

func (t *transfer) finish() { t.v.journal.add(t.entry, t.start) }

// hijack takes the connection over, once.
func (t *transfer) hijack() *wire {
	if t.wire == nil {
		t.wire = takeOver(t.w)
	}
	return t.wire
}

func (t *transfer) hasBody() bool { return t.r.ContentLength != 0 }

// refuse answers without reading the body. A client that is still sending meets
// a closed connection, as it does on a real server.
func (t *transfer) refuse(status int) {
	t.entry.Status = status
	out := htmlReply(status, &t.entry)
	if t.rule.is("redirect") {
		out.header.Set("Location", t.rule.URL)
	}
	if t.wire == nil && !t.hasBody() {
		out.send(t.w, t.r, nil)
		return
	}
	x := t.hijack()
	x.head(status, out.header, int64(len(out.body)))
	_, _ = x.buf.Write(out.body)
	_ = x.buf.Flush()
	x.close()
}

// interfere plays the faults that need no file. True means the answer is given.
func (t *transfer) interfere() bool {
	f := t.rule
	if f == nil {
		return false
	}
	switch f.Action {
	case "delay":
		select {
		case <-time.After(time.Duration(f.MS) * time.Millisecond):
		case <-f.released:
		}
	case "http_status":
		t.refuse(f.status(http.StatusServiceUnavailable))
		return true
	case "html_200":
		t.refuse(http.StatusOK)
		return true
	case "redirect":
		t.refuse(f.status(http.StatusFound))
		return true
	case "no_space", "locked":
		t.refuse(http.StatusInternalServerError)
		return true
	case "session_expired":
		t.refuse(http.StatusUnauthorized)
		return true
	}
	return false
}

// answer ends a request that had its body read.
func (t *transfer) answer(status int) {
	t.entry.Status = status
	if t.rule.is("lost_answer") {
		t.hijack().close()
		return
	}
	if t.wire != nil {
		t.wire.keep = t.rule.is("close_idle")
		t.wire.head(status, nil, 0)
		if t.wire.keep {
			t.rule.closeIdle(t.wire)
		}
		t.wire.close()
		return
	}
	t.w.Header().Set("Content-Length", "0")
	t.w.WriteHeader(status)
}

var (
	errBroken = errors.New("the transfer was broken on demand")
	errBody   = errors.New("the request body ended early")
	errFull   = errors.New("no space left on the datastore")
)

// receive copies the request body to a sink, spoilt as the rule says. It returns
// nil only for a complete body; then the answer is still to be given.
func (t *transfer) receive(sink io.Writer) error {
	var body io.Reader = t.r.Body
	f := t.rule
	if t.r.Header.Get("Expect") != "" || f != nil {
		body = t.hijack().requestBody(t.r)
	}
	s := slow{}
	limit := int64(-1)
	if f != nil {
		switch f.Action {
		case "slow_drip":
			s.rate = max(f.Rate, 1)
		case "reset", "stall", "early_200":
			limit = f.AtByte
		case "short_put":
			sink = &shortWriter{sink, t.shortBy()}
		}
	}
	buf := make([]byte, s.size())
	for {
		want := int64(len(buf))
		if limit >= 0 {
			if want = min(want, limit-t.entry.BytesIn); want == 0 {
				return t.breakOff()
			}
		}
		n, err := body.Read(buf[:want])
		t.entry.BytesIn += int64(n)
		if n > 0 {
			if _, werr := sink.Write(buf[:n]); werr != nil {
				return werr
			}
			s.wait(n)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%w: %v", errBody, err)
		}
	}
}

func (t *transfer) shortBy() int64 {
	if t.rule.AtByte > 0 {
		return t.rule.AtByte
	}
	return max(t.r.ContentLength/2, 0)
}

// breakOff ends a transfer in the middle.
func (t *transfer) breakOff() error {
	x := t.hijack()
	switch t.rule.Action {
	case "reset":
		x.reset()
	case "stall":
		t.rule.stall(x.conn, t.v.base.Done())
		x.close()
	case "early_200":
		t.entry.Status = http.StatusOK
		x.head(http.StatusOK, nil, 0)
		_ = x.conn.SetReadDeadline(time.Now().Add(time.Second))
		_, _ = io.Copy(io.Discard, x.buf)
		x.close()
	}
	return errBroken
}

// shortWriter swallows everything after a limit.
type shortWriter struct {
	w    io.Writer
	left int64
}

func (s *shortWriter) Write(p []byte) (int, error) {
	n := min(int64(len(p)), s.left)
	s.left -= n
	if _, err := s.w.Write(p[:n]); err != nil {
		return 0, err
	}
	return len(p), nil
}

// byteRange is what is sent of a file.
type byteRange struct {
	status      int
	first, size int64
	total       int64
}

// parseRange understands one range; several are answered with the whole file.
func parseRange(header string, total int64) byteRange {
	whole := byteRange{http.StatusOK, 0, total, total}
	spec, ok := strings.CutPrefix(header, "bytes=")
	if !ok || strings.Contains(spec, ",") {
		return whole
	}
	from, to, ok := strings.Cut(strings.TrimSpace(spec), "-")
	if !ok {
		return whole
	}
	none := byteRange{http.StatusRequestedRangeNotSatisfiable, 0, 0, total}
	first, err1 := strconv.ParseInt(from, 10, 64)
	last, err2 := strconv.ParseInt(to, 10, 64)
	switch {
	case from == "" && err2 == nil: // the last bytes
		if last == 0 || total == 0 {
			return none
		}
		n := min(last, total)
		return byteRange{http.StatusPartialContent, total - n, n, total}
	case err1 != nil || to != "" && (err2 != nil || last < first):
		return whole
	case first >= total:
		return none
	case to == "":
		last = total - 1
	}
	last = min(last, total-1)
	return byteRange{http.StatusPartialContent, first, last - first + 1, total}
}

// sendFile answers GET and HEAD.
func (t *transfer) sendFile(f *os.File, size int64) {
	br := parseRange(t.r.Header.Get("Range"), size)
	h := http.Header{"Content-Type": {"application/octet-stream"}, "Accept-Ranges": {"bytes"}}
	if t.rule.is("wrong_range") {
		br = t.wrongRange(br)
	}
	switch br.status {
	case http.StatusPartialContent:
		h.Set("Content-Range", fmt.Sprintf("bytes %d-%d/%d", br.first, br.first+br.size-1, br.total))
	case http.StatusRequestedRangeNotSatisfiable:
		h.Set("Content-Range", fmt.Sprintf("bytes */%d", br.total))
	}
	t.entry.Status = br.status
	if t.rule == nil || t.rule.is("delay") || t.rule.is("wrong_range") || t.r.Method == http.MethodHead {
		for k, vs := range h {
			t.w.Header()[k] = vs
		}
		t.w.Header().Set("Content-Length", strconv.FormatInt(br.size, 10))
		t.w.WriteHeader(br.status)
		if t.r.Method == http.MethodGet && br.size > 0 {
			t.entry.BytesOut, _ = io.Copy(t.w, io.NewSectionReader(f, br.first, br.size))
		}
		return
	}
	t.spoil(io.NewSectionReader(f, br.first, br.size), br, h)
}

// wrongRange answers with other bytes than were asked for, and says so.
func (t *transfer) wrongRange(br byteRange) byteRange {
	shift := t.rule.AtByte
	if shift == 0 {
		shift = 512
	}
	br.status = http.StatusPartialContent
	br.first = min(br.first+shift, max(br.total-1, 0))
	br.size = min(br.size, br.total-br.first)
	return br
}

// spoil sends a body that is not what its header promises.
func (t *transfer) spoil(body *io.SectionReader, br byteRange, h http.Header) {
	f := t.rule
	x := t.hijack()
	defer x.close()
	x.keep = f.is("close_idle")
	length, send, s := br.size, br.size, slow{}
	switch f.Action {
	case "slow_drip":
		s.rate = max(f.Rate, 1)
	case "reset", "stall", "truncated_get":
		send = min(f.AtByte, br.size)
		if f.AtByte == 0 && f.Action == "truncated_get" {
			send = br.size / 2
		}
	case "too_long_get":
		length += f.AtByte
		if f.AtByte == 0 {
			length += 16
		}
	case "no_length_get":
		length = -1
	case "lost_answer":
		return
	}
	x.head(br.status, h, length)
	buf := make([]byte, s.size())
	for t.entry.BytesOut < send {
		n, err := body.Read(buf[:min(int64(len(buf)), send-t.entry.BytesOut)])
		if n > 0 {
			if _, werr := x.buf.Write(buf[:n]); werr != nil {
				return
			}
			if x.buf.Flush() != nil {
				return
			}
			t.entry.BytesOut += int64(n)
			s.wait(n)
		}
		if err != nil {
			break
		}
	}
	switch f.Action {
	case "reset":
		x.reset()
	case "close_idle":
		f.closeIdle(x)
	case "stall":
		f.stall(x.conn, t.v.base.Done())
	case "too_long_get":
		_, _ = x.buf.Write(make([]byte, length-br.size))
		_ = x.buf.Flush()
	}
}

// listing is the HTML page of a directory.
func (t *transfer) listing(dir target) {
	entries, _ := os.ReadDir(dir.local)
	var b strings.Builder
	title := html.EscapeString(dir.String())
	fmt.Fprintf(&b, "<html><head><title>Index of %s</title></head><body><h1>Index of %s</h1><table>\n", title, title)
	for _, e := range entries {
		if e.Name() == hidden {
			continue
		}
		name := e.Name()
		if e.IsDir() {
			name += "/"
		}
		fmt.Fprintf(&b, "<tr><td><a href=\"%s\">%s</a></td></tr>\n", html.EscapeString(path.Base(name)), html.EscapeString(name))
	}
	b.WriteString("</table></body></html>\n")
	out := &reply{status: http.StatusOK, header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, body: []byte(b.String())}
	t.entry.Status, t.entry.BytesOut = out.status, int64(len(out.body))
	out.send(t.w, t.r, nil)
}
