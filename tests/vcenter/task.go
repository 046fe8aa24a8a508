package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// task runs beside all other tasks: no manager is locked while it lasts.
type task struct {
	mo.Task // holds Self only; the live values are in info

	mu     sync.Mutex
	info   types.TaskInfo
	eng    *taskEngine
	cancel context.CancelFunc
	start  time.Time
	args   map[string]string
	moved  int64
}

func (t *task) snapshot() mo.Reference {
	t.mu.Lock()
	defer t.mu.Unlock()
	return &mo.Task{
		ExtensibleManagedObject: mo.ExtensibleManagedObject{Self: t.Self},
		Info:                    t.info,
	}
}

type taskEngine struct {
	v       *vcenter
	mu      sync.Mutex
	next    int64
	changed chan struct{}
}

func newTaskEngine(v *vcenter) *taskEngine {
	return &taskEngine{v: v, next: 100, changed: make(chan struct{})}
}

// wait returns a channel that is closed at the next change of any task.
func (e *taskEngine) wait() <-chan struct{} {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.changed
}

func (e *taskEngine) wake() {
	e.mu.Lock()
	defer e.mu.Unlock()
	close(e.changed)
	e.changed = make(chan struct{})
}

// work is the inside of a task.
type work func(p *progress) (any, error)

// run starts a task and returns its reference. The entity must be a managed
// entity; the managers that tasks are called on are none.
func (c *call) run(name string, entity types.ManagedObjectReference, cancelable bool, w work) types.ManagedObjectReference {
	e := c.v.tasks
	e.mu.Lock()
	e.next++
	id := fmt.Sprintf("task-%d", e.next)
	e.mu.Unlock()

	ctx, cancel := context.WithCancel(c.v.base)
	t := &task{eng: e, cancel: cancel, start: time.Now(), args: c.entry.Args}
	t.Self = types.ManagedObjectReference{Type: "Task", Value: id}
	t.info = types.TaskInfo{
		Key: id, Task: t.Self, Name: name, DescriptionId: c.this.Type + "." + strings.ToLower(name[:1]) + strings.TrimSuffix(name[1:], "_Task"),
		Entity: &entity, EntityName: entity.Value, Cancelable: cancelable,
		State: types.TaskInfoStateQueued, QueueTime: time.Now().UTC(),
		Reason:       &types.TaskReasonUser{UserName: c.session.user.UserName},
		ActivationId: c.entry.OperationID,
	}
	e.v.reg.Put(t)
	p := &progress{ctx: ctx, t: t, v: e.v, rule: e.v.faults.match("task", name, c.entry.summary())}
	e.v.idle.Add(1)
	go func() {
		defer e.v.idle.Done()
		defer cancel()
		p.run(w)
	}()
	return t.Self
}

// progress is what the work of a task reports to.
type progress struct {
	ctx   context.Context
	t     *task
	v     *vcenter
	rule  *faultRule
	total int64
	done  int64
}

func (p *progress) run(w work) {
	step := time.Duration(p.v.settings.get().TaskBaseMS) * time.Millisecond / 3
	p.pause(step)
	p.set(func(i *types.TaskInfo) {
		now := time.Now().UTC()
		i.State, i.StartTime, i.Progress = types.TaskInfoStateRunning, &now, 3
	})
	p.pause(step)
	if p.rule.is("task_vanishes") {
		p.v.reg.Remove(p.v.simContext(), p.t.Self)
		p.t.eng.wake()
	}
	res, err := p.guarded(w)
	if err == nil {
		p.set(func(i *types.TaskInfo) { i.Progress = 97 })
		p.pause(step)
	}
	p.finish(res, err)
}

func (p *progress) guarded(w work) (res any, err error) {
	defer func() {
		if r := recover(); r != nil {
			p.v.journal.count(func(s *counters) { s.Panics++ })
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	if p.ctx.Err() != nil {
		return nil, errCanceled
	}
	if p.rule.is("delay") {
		p.pause(time.Duration(p.rule.MS) * time.Millisecond)
	}
	if p.rule.is("task_hangs") {
		select {
		case <-p.ctx.Done():
			return nil, errCanceled
		case <-p.rule.released: // goes on when the rule is dropped
		}
	}
	if err := p.rule.taskFault(0, p.name()); err != nil {
		return nil, err
	}
	res, err = w(p)
	if err == nil {
		err = p.rule.taskFaultAtEnd(p.name())
	}
	return res, err
}

func (p *progress) name() string {
	for _, k := range []string{"destinationName", "destName", "name", "datastorePath"} {
		if s := p.t.args[k]; s != "" {
			return s
		}
	}
	return ""
}

var errCanceled = fail(&types.RequestCanceled{}, "The task was canceled by a user.")

func (p *progress) finish(res any, err error) {
	p.t.mu.Lock()
	now := time.Now().UTC()
	i := &p.t.info
	i.CompleteTime = &now
	e := entry{
		Kind: "task", Method: i.Name, Args: p.t.args, Task: i.Key, This: i.EntityName,
		OperationID: i.ActivationId, BytesOut: p.t.moved, CookieOK: true,
	}
	if p.rule != nil {
		e.Injected = p.rule.Action
	}
	if err == nil {
		i.State, i.Result, i.Progress = types.TaskInfoStateSuccess, res, 0
	} else {
		fe := asFault(err)
		i.State, i.Error = types.TaskInfoStateError, localized(fe)
		i.Cancelled = faultName(fe.fault) == "RequestCanceled"
		e.Fault, e.Message = faultName(fe.fault), fe.Error()
	}
	e.State = string(i.State)
	p.t.mu.Unlock()
	p.v.journal.add(e, p.t.start)
	p.t.eng.wake()
}

func (p *progress) set(fn func(*types.TaskInfo)) {
	p.t.mu.Lock()
	fn(&p.t.info)
	p.t.mu.Unlock()
	p.t.eng.wake()
}

func (p *progress) pause(d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case <-p.ctx.Done():
	case <-time.After(d):
	}
}

const paceStep = 50 * time.Millisecond

// pace lasts as long as the storage takes for so many bytes. It soon follows when
// the rate is set to another.
func (p *progress) pace(n int64) {
	for left := float64(n); left > 0 && p.ctx.Err() == nil; {
		rate := float64(p.v.settings.get().TaskRate)
		if rate <= 0 {
			return
		}
		begun := time.Now()
		p.pause(min(time.Duration(left/rate*float64(time.Second)), paceStep))
		left -= rate * time.Since(begun).Seconds()
	}
}

// expect sets how many bytes the work will move.
func (p *progress) expect(total int64) { p.total = total }

// moved reports bytes: it keeps the pace of the storage, moves the progress and
// is where a task is cancelled or fails on demand.
func (p *progress) moved(n int64) error {
	p.done += n
	p.t.mu.Lock()
	p.t.moved += n
	p.t.mu.Unlock()
	p.pace(n)
	if p.ctx.Err() != nil {
		return errCanceled
	}
	if err := p.rule.taskFault(p.done, p.name()); err != nil {
		return err
	}
	if p.total > 0 {
		pct := int32(3 + p.done*94/max(p.total, p.done))
		p.t.mu.Lock()
		changed := p.t.info.Progress != pct
		p.t.info.Progress = pct
		p.t.mu.Unlock()
		if changed {
			p.t.eng.wake()
		}
	}
	return nil
}

func (v *vcenter) cancelTask(c *call, req *types.CancelTask) (*types.CancelTaskResponse, error) {
	t, ok := v.reg.Get(req.This).(*task)
	if !ok {
		return nil, notFoundObject(req.This)
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.info.State == types.TaskInfoStateSuccess || t.info.State == types.TaskInfoStateError:
		return nil, fail(&types.InvalidState{}, "The operation is not allowed in the current state.")
	case !t.info.Cancelable:
		return nil, fail(&types.NotSupported{}, "The operation is not supported on the object.")
	}
	t.cancel()
	return new(types.CancelTaskResponse), nil
}
