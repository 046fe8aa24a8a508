package main

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func TestMachinesForTestsAreChildrenOfTheirParent(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[work] cache")
	if f := w.createDisk("[work] cache/base.vmdk", 2048); f != "" {
		t.Fatal(f)
	}
	w.post("/machines", fields{"datacenter": "DC0", "datastore": "work", "name": "guest", "parent": "[work] cache/base.vmdk"})
	found := false
	for _, e := range w.v.reg.All("VirtualMachine") {
		vm, err := w.v.machine(e.Reference())
		w.must(err)
		for _, d := range disksOf(vm) {
			found = found || parentOf(d) == "[work] cache/base.vmdk"
		}
	}
	if !found {
		t.Error("no machine has the parent")
	}
	req, err := http.NewRequest("DELETE", w.v.hello().Control+"/machines/guest", nil)
	w.must(err)
	res, err := http.DefaultClient.Do(req)
	w.must(err)
	_ = res.Body.Close()
	res, err = http.Get(w.v.hello().Control + "/machines")
	w.must(err)
	defer res.Body.Close()
	var names []string
	w.must(json.NewDecoder(res.Body).Decode(&names))
	if len(names) != 0 || !w.store("work").at("cache/base.vmdk").exists() {
		t.Errorf("left: %v", names)
	}
}

func TestRegisteredDisksForTests(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[work] fcd")
	if f := w.createDisk("[work] fcd/a.vmdk", 2048); f != "" {
		t.Fatal(f)
	}
	w.post("/registered-disks", fields{"datacenter": "DC0", "datastore": "work", "path": "fcd/a.vmdk", "name": "volume"})
	manager := *w.c.ServiceContent.VStorageObjectManager
	ds := w.store("work").ref
	list, err := methods.ListVStorageObject(w.ctx, w.c, &types.ListVStorageObject{This: manager, Datastore: ds})
	w.must(err)
	if len(list.Returnval) != 1 {
		t.Fatalf("%d disks", len(list.Returnval))
	}
	one, err := methods.RetrieveVStorageObject(w.ctx, w.c, &types.RetrieveVStorageObject{This: manager, Id: list.Returnval[0], Datastore: ds})
	w.must(err)
	backing := one.Returnval.Config.Backing.(*types.BaseConfigInfoDiskFileBackingInfo)
	if backing.FilePath != "[work] fcd/a.vmdk" {
		t.Errorf("at %s", backing.FilePath)
	}
}
