package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// collector is a property collector of a session. Changes are found by comparing
// what a filter sees now with what it reported last.
type collector struct {
	ref     types.ManagedObjectReference
	mu      sync.Mutex
	filters []*propertyFilter
	version int
	pending []types.PropertyFilterUpdate
	cancel  context.CancelFunc
}

func (p *collector) snapshot() mo.Reference {
	p.mu.Lock()
	defer p.mu.Unlock()
	pc := &mo.PropertyCollector{Self: p.ref}
	for _, f := range p.filters {
		pc.Filter = append(pc.Filter, f.ref)
	}
	return pc
}

type propertyFilter struct {
	ref   types.ManagedObjectReference
	owner *collector
	spec  types.PropertyFilterSpec
	state map[types.ManagedObjectReference]map[string]any
}

func (f *propertyFilter) snapshot() mo.Reference {
	return &mo.PropertyFilter{Self: f.ref, Spec: f.spec}
}

func sessionRef(c *call, kind string) types.ManagedObjectReference {
	return types.ManagedObjectReference{Type: kind, Value: fmt.Sprintf("session[%s]%s", c.session.user.Key, uuid.NewString())}
}

// collector returns the collector that a call addresses.
func (c *call) collector(ref types.ManagedObjectReference) *collector {
	if p, ok := c.session.get(ref).(*collector); ok {
		return p
	}
	p := &collector{ref: ref}
	c.session.put(ref, p)
	return p
}

func (v *vcenter) createCollector(c *call, _ *types.CreatePropertyCollector) (*types.CreatePropertyCollectorResponse, error) {
	p := &collector{ref: sessionRef(c, "PropertyCollector")}
	c.session.put(p.ref, p)
	return &types.CreatePropertyCollectorResponse{Returnval: p.ref}, nil
}

func (v *vcenter) destroyCollector(c *call, req *types.DestroyPropertyCollector) (*types.DestroyPropertyCollectorResponse, error) {
	p := c.collector(req.This)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
	}
	for _, f := range p.filters {
		c.session.drop(f.ref)
	}
	c.session.drop(p.ref)
	return new(types.DestroyPropertyCollectorResponse), nil
}

func (v *vcenter) createFilter(c *call, req *types.CreateFilter) (*types.CreateFilterResponse, error) {
	f := &propertyFilter{ref: sessionRef(c, "PropertyFilter"), owner: c.collector(req.This), spec: req.Spec}
	if _, err := c.collect([]types.PropertyFilterSpec{f.spec}); err != nil {
		return nil, err
	}
	f.owner.mu.Lock()
	defer f.owner.mu.Unlock()
	f.owner.filters = append(f.owner.filters, f)
	c.session.put(f.ref, f)
	return &types.CreateFilterResponse{Returnval: f.ref}, nil
}

func (v *vcenter) destroyFilter(c *call, req *types.DestroyPropertyFilter) (*types.DestroyPropertyFilterResponse, error) {
	f, ok := c.session.get(req.This).(*propertyFilter)
	if !ok {
		return nil, notFoundObject(req.This)
	}
	c.session.drop(f.ref)
	f.owner.mu.Lock()
	defer f.owner.mu.Unlock()
	f.owner.filters = slices.DeleteFunc(f.owner.filters, func(o *propertyFilter) bool { return o == f })
	return new(types.DestroyPropertyFilterResponse), nil
}

func (v *vcenter) cancelWait(c *call, req *types.CancelWaitForUpdates) (*types.CancelWaitForUpdatesResponse, error) {
	p := c.collector(req.This)
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cancel != nil {
		p.cancel()
	}
	return new(types.CancelWaitForUpdatesResponse), nil
}

// changes compares one filter with its last report.
func (f *propertyFilter) changes(c *call) (*types.PropertyFilterUpdate, error) {
	objects, err := c.collect([]types.PropertyFilterSpec{f.spec})
	if err != nil {
		var gone *faultError
		if f.state != nil && errors.As(err, &gone) && faultName(gone.fault) == "ManagedObjectNotFound" {
			objects, err = nil, nil // the object of the filter is gone: it leaves
		}
	}
	if err != nil {
		return nil, err
	}
	now := make(map[types.ManagedObjectReference]map[string]any, len(objects))
	up := &types.PropertyFilterUpdate{Filter: f.ref}
	for _, o := range objects {
		props := make(map[string]any, len(o.PropSet))
		for _, p := range o.PropSet {
			props[p.Name] = p.Val
		}
		now[o.Obj] = props
		old, known := f.state[o.Obj]
		u := types.ObjectUpdate{Kind: types.ObjectUpdateKindModify, Obj: o.Obj}
		if !known {
			u.Kind = types.ObjectUpdateKindEnter
		}
		for _, p := range o.PropSet {
			if !known || !reflect.DeepEqual(old[p.Name], p.Val) {
				u.ChangeSet = append(u.ChangeSet, types.PropertyChange{
					Name: p.Name, Op: types.PropertyChangeOpAssign, Val: p.Val,
				})
			}
		}
		if !known || len(u.ChangeSet) > 0 {
			up.ObjectSet = append(up.ObjectSet, u)
		}
	}
	gone := slices.SortedFunc(maps.Keys(f.state), compareRefs)
	for _, ref := range gone {
		if _, still := now[ref]; !still {
			up.ObjectSet = append(up.ObjectSet, types.ObjectUpdate{Kind: types.ObjectUpdateKindLeave, Obj: ref})
		}
	}
	f.state = now
	if len(up.ObjectSet) == 0 {
		return nil, nil
	}
	return up, nil
}

// poll finds the next updates of all filters; none is an empty set.
func (p *collector) poll(c *call) error {
	for _, f := range p.filters {
		up, err := f.changes(c)
		if err != nil {
			return err
		}
		if up != nil {
			p.pending = append(p.pending, *up)
		}
	}
	return nil
}

// take cuts what may be sent in one answer off the pending updates.
func (p *collector) take(limit int) (set []types.PropertyFilterUpdate, truncated bool) {
	for len(p.pending) > 0 && limit > 0 {
		f := p.pending[0]
		n := min(limit, len(f.ObjectSet))
		limit -= n
		set = append(set, types.PropertyFilterUpdate{Filter: f.Filter, ObjectSet: f.ObjectSet[:n]})
		if n < len(f.ObjectSet) {
			p.pending[0].ObjectSet = f.ObjectSet[n:]
			break
		}
		p.pending = p.pending[1:]
	}
	return set, len(p.pending) > 0
}

const pollEvery = 25 * time.Millisecond

func (v *vcenter) waitForUpdates(c *call, this types.ManagedObjectReference, version string, o *types.WaitOptions) (*types.UpdateSet, error) {
	p := c.collector(this)
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	limit := int(v.settings.get().UpdatePage)
	deadline := time.Time{}
	if o != nil {
		if o.MaxObjectUpdates > 0 {
			limit = min(limit, int(o.MaxObjectUpdates))
		}
		if o.MaxWaitSeconds != nil {
			deadline = time.Now().Add(time.Duration(*o.MaxWaitSeconds) * time.Second)
		}
	}

	p.mu.Lock()
	defer p.mu.Unlock()
	switch version {
	case "":
		p.pending = nil
		for _, f := range p.filters {
			f.state = nil
		}
	case fmt.Sprint(p.version):
	default:
		return nil, fail(&types.InvalidCollectorVersion{}, "The version %s is not known", version)
	}
	p.cancel = cancel
	for {
		if len(p.pending) == 0 {
			if err := p.poll(c); err != nil {
				return nil, err
			}
		}
		if set, truncated := p.take(limit); len(set) > 0 {
			p.version++
			return &types.UpdateSet{Version: fmt.Sprint(p.version), FilterSet: set, Truncated: &truncated}, nil
		}
		if !deadline.IsZero() && !time.Now().Before(deadline) {
			return nil, nil
		}
		p.mu.Unlock()
		changed := v.tasks.wait()
		select {
		case <-ctx.Done():
		case <-changed:
		case <-time.After(pollEvery):
		}
		p.mu.Lock()
		if ctx.Err() != nil {
			return nil, fail(&types.RequestCanceled{}, "The request was canceled")
		}
		if c.session.expiredAs() != "" {
			return nil, notAuthenticated(&p.ref)
		}
	}
}

func (v *vcenter) waitForUpdatesEx(c *call, req *types.WaitForUpdatesEx) (*types.WaitForUpdatesExResponse, error) {
	set, err := v.waitForUpdates(c, req.This, req.Version, req.Options)
	return &types.WaitForUpdatesExResponse{Returnval: set}, err
}

func (v *vcenter) waitForUpdatesOld(c *call, req *types.WaitForUpdates) (*types.WaitForUpdatesResponse, error) {
	set, err := v.waitForUpdates(c, req.This, req.Version, nil)
	if err != nil {
		return nil, err
	}
	return &types.WaitForUpdatesResponse{Returnval: *set}, nil
}

func (v *vcenter) checkForUpdates(c *call, req *types.CheckForUpdates) (*types.CheckForUpdatesResponse, error) {
	set, err := v.waitForUpdates(c, req.This, req.Version, &types.WaitOptions{MaxWaitSeconds: types.NewInt32(0)})
	return &types.CheckForUpdatesResponse{Returnval: set}, err
}
