package main

import (
	"fmt"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Tests need others who use disks: compute services that have booted from them.

// addMachine makes a machine that is off, with one disk of its own: empty, or a
// child of another disk.
func (v *vcenter) addMachine(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Datacenter string `json:"datacenter"`
		Datastore  string `json:"datastore"`
		Name       string `json:"name"`
		Parent     string `json:"parent"`
	}
	err := read(r, &req)
	ds := v.storeByName(req.Datacenter + "/" + req.Datastore)
	if err == nil && (ds == nil || req.Name == "") {
		err = fmt.Errorf("no datastore %q, or no name", req.Datastore)
	}
	var ref types.ManagedObjectReference
	if err == nil {
		ref, err = v.makeMachine(ds, req.Name, req.Parent)
	}
	if err != nil {
		refuseControl(w, err)
		return
	}
	respond(w, ref)
}

func (v *vcenter) makeMachine(ds *datastore, name, parent string) (types.ManagedObjectReference, error) {
	backing := &types.VirtualDiskFlatVer2BackingInfo{DiskMode: "persistent"}
	backing.FileName = "[" + ds.getName() + "]"
	if parent != "" {
		backing.Parent = &types.VirtualDiskFlatVer2BackingInfo{DiskMode: "persistent"}
		backing.Parent.FileName = parent
	}
	controller := &types.VirtualLsiLogicController{}
	controller.Key, controller.SharedBus = -100, types.VirtualSCSISharingNoSharing
	disk := &types.VirtualDisk{CapacityInKB: 1024}
	disk.Key, disk.ControllerKey, disk.UnitNumber, disk.Backing = -101, -100, types.NewInt32(0), backing
	config := types.VirtualMachineConfigSpec{
		Name: name, GuestId: "otherGuest", NumCPUs: 1, MemoryMB: 64,
		Files: &types.VirtualMachineFileInfo{VmPathName: backing.FileName},
		DeviceChange: []types.BaseVirtualDeviceConfigSpec{
			&types.VirtualDeviceConfigSpec{Operation: "add", Device: controller},
			&types.VirtualDeviceConfigSpec{Operation: "add", FileOperation: "create", Device: disk},
		},
	}
	pool := types.ManagedObjectReference{}
	for _, h := range v.hosts {
		if h.dc != ds.dc {
			continue
		}
		switch c := v.reg.Get(*v.reg.Get(h.ref).(mo.Entity).Entity().Parent).(type) {
		case *simulator.ClusterComputeResource:
			pool = *c.ResourcePool
		case *mo.ComputeResource:
			pool = *c.ResourcePool
		}
	}
	p := &progress{ctx: v.base, v: v, t: new(task)}
	folder := v.reg.Get(ds.dc.ref).(*simulator.Datacenter).VmFolder
	return v.buildVM(p, ds.dc, &types.CreateVM_Task{This: folder, Config: config, Pool: pool})
}

// listMachines tells the names of all machines.
func (v *vcenter) listMachines(w http.ResponseWriter, _ *http.Request) {
	names := []string{}
	for _, e := range v.reg.All("VirtualMachine") {
		names = append(names, e.Entity().Name)
	}
	respond(w, names)
}

// removeMachine deletes a machine with its disks; parents stay.
func (v *vcenter) removeMachine(w http.ResponseWriter, r *http.Request) {
	for _, e := range v.reg.All("VirtualMachine") {
		if e.Entity().Name != r.PathValue("name") {
			continue
		}
		p := &progress{ctx: v.base, v: v, t: new(task)}
		if err := v.destroy(p, e.Reference()); err != nil {
			refuseControl(w, err)
			return
		}
	}
	respond(w, struct{}{})
}

// registerDisk makes a first class disk of a disk.
func (v *vcenter) registerDisk(w http.ResponseWriter, r *http.Request) {
	var req struct {
		Datacenter string `json:"datacenter"`
		Datastore  string `json:"datastore"`
		Path       string `json:"path"`
		Name       string `json:"name"`
	}
	err := read(r, &req)
	ds := v.storeByName(req.Datacenter + "/" + req.Datastore)
	if err == nil && (ds == nil || !ds.at(req.Path).exists()) {
		err = fmt.Errorf("no disk [%s] %s", req.Datastore, req.Path)
	}
	if err != nil {
		refuseControl(w, err)
		return
	}
	id := types.ID{Id: uuid.NewString()}
	backing := &types.BaseConfigInfoDiskFileBackingInfo{}
	backing.Datastore, backing.FilePath = ds.ref, ds.at(req.Path).String()
	disk := &simulator.VStorageObject{}
	disk.Config.Id, disk.Config.Name, disk.Config.CreateTime, disk.Config.Backing = id, req.Name, time.Now(), backing
	catalog := v.reg.VStorageObjectManager().Catalog()
	if catalog[ds.ref] == nil {
		catalog[ds.ref] = make(map[types.ID]*simulator.VStorageObject)
	}
	catalog[ds.ref][id] = disk
	respond(w, id)
}
