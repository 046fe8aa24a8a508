package main

import (
	"cmp"
	"slices"
	"strings"
	"sync"

	"github.com/vmware/govmomi/vim25/types"

	"slipway/tests/vcenter/internal/strict"
)

// selection walks the object sets of filter specs. Every specification is
// applied to objects of its own type only and once to each, so that recursive
// specifications end.
type selection struct {
	c     *call
	named map[string]*types.TraversalSpec
	done  map[visit]bool
	seen  map[types.ManagedObjectReference]bool
	found []types.ManagedObjectReference
}

type visit struct {
	spec *types.TraversalSpec
	obj  types.ManagedObjectReference
}

func (c *call) selectObjects(spec *types.PropertyFilterSpec) ([]types.ManagedObjectReference, error) {
	s := &selection{
		c: c, named: make(map[string]*types.TraversalSpec), done: make(map[visit]bool),
		seen: make(map[types.ManagedObjectReference]bool),
	}
	for _, o := range spec.ObjectSet {
		s.collectNames(o.SelectSet)
	}
	for _, o := range spec.ObjectSet {
		if _, ok := c.object(o.Obj); !ok {
			if isTrue(spec.ReportMissingObjectsInResults) {
				continue
			}
			return nil, notFoundObject(o.Obj)
		}
		if !isTrue(o.Skip) {
			s.add(o.Obj)
		}
		if err := s.follow(o.Obj, o.SelectSet); err != nil {
			return nil, err
		}
	}
	return s.found, nil
}

func isTrue(b *bool) bool { return b != nil && *b }

func (s *selection) add(ref types.ManagedObjectReference) {
	if !s.seen[ref] {
		s.seen[ref] = true
		s.found = append(s.found, ref)
	}
}

func (s *selection) collectNames(set []types.BaseSelectionSpec) {
	for _, b := range set {
		if ts, ok := b.(*types.TraversalSpec); ok {
			if ts.Name != "" {
				s.named[ts.Name] = ts
			}
			s.collectNames(ts.SelectSet)
		}
	}
}

func (s *selection) follow(ref types.ManagedObjectReference, set []types.BaseSelectionSpec) error {
	for _, b := range set {
		ts, ok := b.(*types.TraversalSpec)
		if !ok {
			if ts = s.named[b.GetSelectionSpec().Name]; ts == nil {
				return invalidArgument("selectSet")
			}
		}
		if s.done[visit{ts, ref}] {
			continue
		}
		s.done[visit{ts, ref}] = true
		obj, ok := s.c.object(ref)
		if !ok || !isA(obj.Type(), ts.Type) {
			continue
		}
		val, err := property(obj, ts.Path)
		if err != nil {
			return err
		}
		for _, next := range references(val) {
			if !isTrue(ts.Skip) {
				s.add(next)
			}
			if err := s.follow(next, ts.SelectSet); err != nil {
				return err
			}
		}
	}
	return nil
}

func references(val any) []types.ManagedObjectReference {
	switch v := val.(type) {
	case types.ManagedObjectReference:
		return []types.ManagedObjectReference{v}
	case types.ArrayOfManagedObjectReference:
		return v.ManagedObjectReference
	}
	return nil
}

// content reads the wanted properties of one object; nil if no spec wants it.
func (c *call) content(ref types.ManagedObjectReference, specs []types.PropertySpec) (*types.ObjectContent, error) {
	obj, ok := c.object(ref)
	if !ok {
		return nil, nil // deleted since it was selected
	}
	out := &types.ObjectContent{Obj: ref}
	wanted := false
	seen := make(map[string]bool)
	for _, p := range specs {
		if !isA(obj.Type(), p.Type) {
			continue
		}
		wanted = true
		names := p.PathSet
		if isTrue(p.All) {
			names = allProperties(obj.Type())
		}
		for _, name := range names {
			if seen[name] {
				continue
			}
			seen[name] = true
			val, err := property(obj, name)
			if err != nil {
				return nil, err
			}
			out.PropSet = append(out.PropSet, types.DynamicProperty{Name: name, Val: val})
		}
	}
	if !wanted {
		return nil, nil
	}
	return out, nil
}

// collect answers filter specs with everything, unset properties included.
func (c *call) collect(specs []types.PropertyFilterSpec) ([]types.ObjectContent, error) {
	var out []types.ObjectContent
	for i := range specs {
		refs, err := c.selectObjects(&specs[i])
		if err != nil {
			return nil, err
		}
		for _, ref := range refs {
			oc, err := c.content(ref, specs[i].PropSet)
			if err != nil {
				return nil, err
			}
			if oc != nil {
				out = append(out, *oc)
			}
		}
	}
	return out, nil
}

func (v *vcenter) retrievePropertiesEx(c *call, req *types.RetrievePropertiesEx) (*types.RetrievePropertiesExResponse, error) {
	res := new(types.RetrievePropertiesExResponse)
	objects, err := v.retrieve(c, req.SpecSet)
	if err != nil || len(objects) == 0 {
		return res, err
	}
	res.Returnval = c.page(objects, req.Options.MaxObjects)
	return res, nil
}

func (v *vcenter) retrieveProperties(c *call, req *types.RetrieveProperties) (*types.RetrievePropertiesResponse, error) {
	objects, err := v.retrieve(c, req.SpecSet)
	return &types.RetrievePropertiesResponse{Returnval: objects}, err
}

// FetchResponse answers Fetch, the undocumented method by which pyVmomi and
// ovftool read one property.
type FetchResponse struct {
	Returnval any `xml:"returnval,omitempty,typeattr"`
}

func (c *call) fetch(req *strict.Request) (any, error) {
	if t := req.This.Type; c.session == nil && t != "ServiceInstance" && t != "SessionManager" {
		return nil, notAuthenticated(&req.This)
	}
	obj, ok := c.object(req.This)
	if !ok {
		return nil, notFoundObject(req.This)
	}
	val, err := property(obj, req.Args["prop"])
	return &FetchResponse{Returnval: val}, err
}

// retrieve drops unset properties, and plays the shapes of an expired session.
func (v *vcenter) retrieve(c *call, specs []types.PropertyFilterSpec) ([]types.ObjectContent, error) {
	if c.session == nil {
		if c.stale != nil {
			switch c.stale.expiredAs() {
			case expiredMissing:
				return missingObjects(specs), nil
			case expiredEmpty:
				return nil, nil
			}
			return nil, notAuthenticated(&specs[0].ObjectSet[0].Obj)
		}
		for _, s := range specs {
			for _, o := range s.ObjectSet {
				if t := o.Obj.Type; t != "ServiceInstance" && t != "SessionManager" {
					return nil, notAuthenticated(&o.Obj)
				}
			}
		}
	}
	objects, err := c.collect(specs)
	for i := range objects {
		objects[i].PropSet = slices.DeleteFunc(objects[i].PropSet, func(p types.DynamicProperty) bool { return p.Val == nil })
	}
	return objects, err
}

func missingObjects(specs []types.PropertyFilterSpec) []types.ObjectContent {
	var out []types.ObjectContent
	for _, s := range specs {
		for _, o := range s.ObjectSet {
			oc := types.ObjectContent{Obj: o.Obj}
			for _, p := range s.PropSet {
				for _, name := range p.PathSet {
					oc.MissingSet = append(oc.MissingSet, types.MissingProperty{Path: name, Fault: *localized(notAuthenticated(&o.Obj))})
				}
			}
			out = append(out, oc)
		}
	}
	return out
}

// pages are the rests of long results, by token; each token works once.
type pages struct {
	mu   sync.Mutex
	rest map[string]pageRest
}

type pageRest struct {
	objects []types.ObjectContent
	size    int32
}

const pagesKey = "pages"

func (c *call) pages() *pages {
	ref := types.ManagedObjectReference{Type: pagesKey}
	if p, ok := c.session.get(ref).(*pages); ok {
		return p
	}
	p := &pages{rest: make(map[string]pageRest)}
	c.session.put(ref, p)
	return p
}

func (c *call) page(objects []types.ObjectContent, size int32) *types.RetrieveResult {
	if limit := c.v.settings.get().PageSize; limit > 0 && (size <= 0 || size > limit) {
		size = limit
	}
	if size <= 0 || int(size) >= len(objects) || c.session == nil {
		return &types.RetrieveResult{Objects: objects}
	}
	token := randomHex(8)
	p := c.pages()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest[token] = pageRest{objects[size:], size}
	return &types.RetrieveResult{Token: token, Objects: objects[:size]}
}

func (c *call) takePage(token string) (pageRest, error) {
	p := c.pages()
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.rest[token]
	if !ok {
		return r, fail(&types.InvalidProperty{Name: "token"}, "The token is not valid")
	}
	delete(p.rest, token)
	return r, nil
}

func (v *vcenter) continueRetrieve(c *call, req *types.ContinueRetrievePropertiesEx) (*types.ContinueRetrievePropertiesExResponse, error) {
	r, err := c.takePage(req.Token)
	if err != nil {
		return nil, err
	}
	return &types.ContinueRetrievePropertiesExResponse{Returnval: *c.page(r.objects, r.size)}, nil
}

func (v *vcenter) cancelRetrieve(c *call, req *types.CancelRetrievePropertiesEx) (*types.CancelRetrievePropertiesExResponse, error) {
	_, err := c.takePage(req.Token)
	return new(types.CancelRetrievePropertiesExResponse), err
}

func compareRefs(a, b types.ManagedObjectReference) int {
	return cmp.Or(strings.Compare(a.Type, b.Type), strings.Compare(a.Value, b.Value))
}
