package main

import (
	"sync"
	"time"
)

// entry is one line of the journal: a request, or a task when it has ended.
// Passwords, cookies and ticket ids never get into it.
type entry struct {
	N           int64             `json:"n"`
	Time        time.Time         `json:"time"`
	Kind        string            `json:"kind"`
	Method      string            `json:"method"`
	Path        string            `json:"path,omitempty"`
	This        string            `json:"this,omitempty"`
	Args        map[string]string `json:"args,omitempty"`
	Status      int               `json:"status"`
	State       string            `json:"state,omitempty"`
	Fault       string            `json:"fault,omitempty"`
	Message     string            `json:"message,omitempty"`
	Injected    string            `json:"injected,omitempty"`
	BytesIn     int64             `json:"bytes_in"`
	BytesOut    int64             `json:"bytes_out"`
	CookieOK    bool              `json:"cookie_ok"`
	SOAPAction  string            `json:"soapaction,omitempty"`
	OperationID string            `json:"operation_id,omitempty"`
	UserAgent   string            `json:"user_agent,omitempty"`
	DurationMS  float64           `json:"duration_ms"`
	Task        string            `json:"task,omitempty"`
}

// counters are sums since the start, not reset with the journal.
type counters struct {
	Calls       map[string]int64 `json:"calls"`
	Refused     int64            `json:"refused"`
	FolderIn    int64            `json:"folder_bytes_in"`
	FolderOut   int64            `json:"folder_bytes_out"`
	ESXIn       int64            `json:"esx_bytes_in"`
	ESXOut      int64            `json:"esx_bytes_out"`
	NFCIn       int64            `json:"nfc_bytes_in"`
	NFCOut      int64            `json:"nfc_bytes_out"`
	Copies      int64            `json:"copies"`
	CopiedBytes int64            `json:"copied_bytes"`
	// Disks that are being copied, and the most at the same time since the journal was cleared.
	Copying     int64 `json:"copying"`
	MostCopying int64 `json:"most_copying"`
	Logins      int64 `json:"logins"`
	Panics      int64 `json:"panics"`
}

const journalLimit = 200_000

type journal struct {
	mu      sync.Mutex
	n       int64
	entries []entry
	sums    counters
}

func newJournal() *journal {
	return &journal{sums: counters{Calls: make(map[string]int64)}}
}

func (j *journal) add(e entry, started time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.n++
	e.N, e.Time = j.n, started.UTC()
	e.DurationMS = float64(time.Since(started).Microseconds()) / 1000
	if len(j.entries) == journalLimit {
		j.entries = append(j.entries[:0], j.entries[journalLimit/2:]...)
	}
	j.entries = append(j.entries, e)
	switch e.Kind {
	case "task":
		return
	case "folder":
		j.sums.FolderIn += e.BytesIn
		j.sums.FolderOut += e.BytesOut
	case "esx-folder":
		j.sums.ESXIn += e.BytesIn
		j.sums.ESXOut += e.BytesOut
	case "nfc":
		j.sums.NFCIn += e.BytesIn
		j.sums.NFCOut += e.BytesOut
	}
	key := e.Method
	if e.Kind != "soap" {
		key = e.Kind + " " + e.Method
	}
	j.sums.Calls[key]++
}

func (j *journal) count(fn func(*counters)) {
	j.mu.Lock()
	defer j.mu.Unlock()
	fn(&j.sums)
}

func (j *journal) since(n int64) []entry {
	j.mu.Lock()
	defer j.mu.Unlock()
	out := []entry{}
	for _, e := range j.entries {
		if e.N > n {
			out = append(out, e)
		}
	}
	return out
}

func (j *journal) clear() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.entries = nil
	j.sums.MostCopying = j.sums.Copying
}

func (j *journal) counters() counters {
	j.mu.Lock()
	defer j.mu.Unlock()
	c := j.sums
	c.Calls = make(map[string]int64, len(j.sums.Calls))
	for k, n := range j.sums.Calls {
		c.Calls[k] = n
	}
	return c
}
