package main

import (
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func (w *world) retrieve(max int32, spec types.PropertyFilterSpec) (*types.RetrieveResult, error) {
	res, err := methods.RetrievePropertiesEx(w.ctx, w.c, &types.RetrievePropertiesEx{
		This: w.c.ServiceContent.PropertyCollector, SpecSet: []types.PropertyFilterSpec{spec},
		Options: types.RetrieveOptions{MaxObjects: max},
	})
	if err != nil {
		return nil, err
	}
	return res.Returnval, nil
}

func one(ref types.ManagedObjectReference, paths ...string) types.PropertyFilterSpec {
	return types.PropertyFilterSpec{
		PropSet:   []types.PropertySpec{{Type: ref.Type, PathSet: paths}},
		ObjectSet: []types.ObjectSpec{{Obj: ref}},
	}
}

func TestPropertyPaths(t *testing.T) {
	w := newWorld(t)
	ds := w.store("images").ref
	for path, want := range map[string]string{
		"name": "", "summary.type": "", "info.url": "", "summary.multipleHostAccess": "", "parent": "", "host": "",
		"nonsense": "InvalidProperty", "summary.nonsense": "InvalidProperty", "name.x": "InvalidProperty", "Name": "InvalidProperty",
	} {
		_, err := w.retrieve(0, one(ds, path))
		w.want(err, want)
	}
	_, err := w.retrieve(0, one(types.ManagedObjectReference{Type: "Datastore", Value: "none"}, "name"))
	w.want(err, "ManagedObjectNotFound")
	spec := one(types.ManagedObjectReference{Type: "Datastore", Value: "none"}, "name")
	spec.ReportMissingObjectsInResults = types.NewBool(true)
	_, err = w.retrieve(0, spec)
	w.want(err, "")
	all := one(ds)
	all.PropSet[0].All = types.NewBool(true)
	res, err := w.retrieve(0, all)
	w.must(err)
	if len(res.Objects[0].PropSet) < 10 {
		t.Errorf("all: %d properties", len(res.Objects[0].PropSet))
	}
}

// recursive is the kind of specification that oslo.vmware sends: it names itself.
func recursive(root types.ManagedObjectReference) types.PropertyFilterSpec {
	again := []types.BaseSelectionSpec{&types.SelectionSpec{Name: "visit"}, &types.SelectionSpec{Name: "stores"}, &types.SelectionSpec{Name: "hosts"}}
	return types.PropertyFilterSpec{
		PropSet: []types.PropertySpec{{Type: "ManagedEntity", PathSet: []string{"name"}}},
		ObjectSet: []types.ObjectSpec{{Obj: root, SelectSet: []types.BaseSelectionSpec{
			&types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: "visit"}, Type: "Folder", Path: "childEntity", SelectSet: again},
			&types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: "stores"}, Type: "Datacenter", Path: "datastoreFolder", SelectSet: again},
			&types.TraversalSpec{SelectionSpec: types.SelectionSpec{Name: "hosts"}, Type: "Datastore", Path: "vm", SelectSet: again},
		}}},
	}
}

func TestRecursiveTraversalAndPages(t *testing.T) {
	w := newWorld(t)
	whole, err := w.retrieve(0, recursive(w.c.ServiceContent.RootFolder))
	w.must(err)
	stores := 0
	for _, o := range whole.Objects {
		if o.Obj.Type == "Datastore" {
			stores++
		}
	}
	if stores != 6 || whole.Token != "" {
		t.Errorf("%d datastores, token %q", stores, whole.Token)
	}
	page, err := w.retrieve(2, recursive(w.c.ServiceContent.RootFolder))
	w.must(err)
	n := len(page.Objects)
	for token := page.Token; token != ""; {
		res, err := methods.ContinueRetrievePropertiesEx(w.ctx, w.c, &types.ContinueRetrievePropertiesEx{This: w.c.ServiceContent.PropertyCollector, Token: token})
		w.must(err)
		if len(res.Returnval.Objects) > 2 {
			t.Error("a page is too long")
		}
		n += len(res.Returnval.Objects)
		_, err = methods.ContinueRetrievePropertiesEx(w.ctx, w.c, &types.ContinueRetrievePropertiesEx{This: w.c.ServiceContent.PropertyCollector, Token: token})
		w.want(err, "InvalidProperty")
		token = res.Returnval.Token
	}
	if n != len(whole.Objects) {
		t.Errorf("%d objects in pages, %d at once", n, len(whole.Objects))
	}
}

func TestWaitForUpdates(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] d")
	made, err := methods.CreatePropertyCollector(w.ctx, w.c, &types.CreatePropertyCollector{This: w.c.ServiceContent.PropertyCollector})
	w.must(err)
	pc := made.Returnval
	if !strings.ContainsAny(pc.Value, "[]") {
		t.Errorf("id %q is too tame", pc.Value)
	}
	wait := func(version string, seconds int32) (*types.UpdateSet, error) {
		res, err := methods.WaitForUpdatesEx(w.ctx, w.c, &types.WaitForUpdatesEx{
			This: pc, Version: version, Options: &types.WaitOptions{MaxWaitSeconds: &seconds},
		})
		if err != nil {
			return nil, err
		}
		return res.Returnval, nil
	}
	w.post("/settings", fields{"task_base_ms": 3000, "update_page": 1})
	for i := range 2 {
		res, err := methods.CreateVirtualDisk_Task(w.ctx, w.c, &types.CreateVirtualDisk_Task{
			This: w.vdm(), Name: "[images] d/" + string(rune('a'+i)) + ".vmdk", Datacenter: &w.dc,
			Spec: &types.FileBackedVirtualDiskSpec{VirtualDiskSpec: types.VirtualDiskSpec{DiskType: "thin", AdapterType: "ide"}, CapacityKb: 1024},
		})
		w.must(err)
		_, err = methods.CreateFilter(w.ctx, w.c, &types.CreateFilter{This: pc, Spec: one(res.Returnval, "info.state", "info.progress", "info.result")})
		w.must(err)
	}
	states := map[string]bool{}
	done, unset, truncated := 0, 0, 0
	version := ""
	for done < 2 {
		set, err := wait(version, 10)
		w.must(err)
		if set == nil || set.Version == version {
			t.Fatalf("no new version after %q", version)
		}
		version = set.Version
		if isTrue(set.Truncated) {
			truncated++
		}
		for _, f := range set.FilterSet {
			for _, o := range f.ObjectSet {
				for _, ch := range o.ChangeSet {
					switch {
					case ch.Val == nil:
						unset++
					case ch.Name == "info.state":
						states[string(ch.Val.(types.TaskInfoState))] = true
						if ch.Val == types.TaskInfoStateSuccess {
							done++
						}
					}
				}
			}
		}
	}
	if !states["queued"] || !states["running"] || unset == 0 || truncated == 0 {
		t.Errorf("states %v, %d unset values, %d truncated", states, unset, truncated)
	}
	if set, err := wait(version, 0); err != nil || set != nil {
		t.Errorf("nothing new: %+v %v", set, err)
	}
	_, err = wait("nonsense", 0)
	w.want(err, "InvalidCollectorVersion")
	ended := make(chan error)
	go func() {
		_, err := wait(version, 30)
		ended <- err
	}()
	for waiting := true; waiting; { // a call that has not begun yet is not cancelled
		_, err = methods.CancelWaitForUpdates(w.ctx, w.c, &types.CancelWaitForUpdates{This: pc})
		w.must(err)
		select {
		case err = <-ended:
			waiting = false
		case <-time.After(100 * time.Millisecond):
		}
	}
	w.want(err, "RequestCanceled")
}

func TestFindAllByUuidAndExtensions(t *testing.T) {
	w := newWorld(t)
	_, err := methods.FindAllByUuid(w.ctx, w.c, &types.FindAllByUuid{
		This: *w.c.ServiceContent.SearchIndex, Uuid: "nothing", VmSearch: true, InstanceUuid: types.NewBool(true),
	})
	w.must(err)
	res, err := methods.FindExtension(w.ctx, w.c, &types.FindExtension{This: *w.c.ServiceContent.ExtensionManager, ExtensionKey: "org.openstack.storage"})
	w.must(err)
	if res.Returnval == nil {
		t.Error("Cinder's extension is unknown")
	}
}
