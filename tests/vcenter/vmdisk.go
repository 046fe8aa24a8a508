package main

import (
	"errors"
	"os"
	"path"
	"reflect"
	"strings"

	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/soap"
	"github.com/vmware/govmomi/vim25/types"

	"slipway/tests/vcenter/internal/vmdk"
)

// soapFaultOf unwraps the fault of a call to the simulator.
func soapFaultOf(err error) error {
	if soap.IsSoapFault(err) {
		if f, ok := soap.ToSoapFault(err).VimFault().(types.BaseMethodFault); ok {
			return fail(hidePaths(f), "%s", faultName(f))
		}
		// VimFault hands out a value, while only pointers are faults.
		return namedFault(reflect.TypeOf(soap.ToSoapFault(err).VimFault()).Name(), "")
	}
	return err
}

func disksOf(vm *mo.VirtualMachine) []*types.VirtualDisk {
	var out []*types.VirtualDisk
	if vm.Config == nil {
		return nil
	}
	for _, d := range vm.Config.Hardware.Device {
		if disk, ok := d.(*types.VirtualDisk); ok && fileOf(disk) != "" {
			out = append(out, disk)
		}
	}
	return out
}

func fileOf(d *types.VirtualDisk) string {
	if b, ok := d.Backing.(types.BaseVirtualDeviceFileBackingInfo); ok {
		return b.GetVirtualDeviceFileBackingInfo().FileName
	}
	return ""
}

func parentOf(d *types.VirtualDisk) string {
	if b, ok := d.Backing.(*types.VirtualDiskFlatVer2BackingInfo); ok && b.Parent != nil {
		return b.Parent.FileName
	}
	return ""
}

func thinBacking(d *types.VirtualDisk) bool {
	b, ok := d.Backing.(*types.VirtualDiskFlatVer2BackingInfo)
	return ok && isTrue(b.ThinProvisioned)
}

// checkDevices refuses names that the simulator would stumble over.
func (v *vcenter) checkDevices(dc *datacenter, changes []types.BaseVirtualDeviceConfigSpec) error {
	for _, ch := range changes {
		spec := ch.GetVirtualDeviceConfigSpec()
		if spec.Device == nil {
			return invalidArgument("deviceChange.device")
		}
		switch b := spec.Device.GetVirtualDevice().Backing.(type) {
		case *types.VirtualEthernetCardNetworkBackingInfo:
			if !v.hasNetwork(dc, b.DeviceName) {
				return fail(&types.InvalidDeviceBacking{}, "no network %s", b.DeviceName)
			}
		case types.BaseVirtualDeviceFileBackingInfo:
			name := b.GetVirtualDeviceFileBackingInfo().FileName
			if name == "" || name == "[]" {
				continue
			}
			if _, err := v.locate(name, &dc.ref); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *vcenter) hasNetwork(dc *datacenter, name string) bool {
	obj, ok := v.reg.Get(dc.ref).(mo.Entity)
	if !ok {
		return false
	}
	networks, ok := managed(obj).FieldByName("Network").Interface().([]types.ManagedObjectReference)
	return ok && v.reg.FindByName(name, networks) != nil
}

// diskPlan is what is to be done for the disks of a machine once the simulator
// has changed its devices.
type diskPlan struct {
	known   map[string]bool // disks that the machine had before
	create  []*types.VirtualDisk
	extend  []*types.VirtualDisk
	destroy []string
}

// planDisks checks the disks of a change against what is on the datastores.
func (v *vcenter) planDisks(dc *datacenter, vm *mo.VirtualMachine, changes []types.BaseVirtualDeviceConfigSpec) (*diskPlan, error) {
	plan := &diskPlan{known: make(map[string]bool)}
	if vm != nil {
		for _, d := range disksOf(vm) {
			plan.known[fileOf(d)] = true
		}
	}
	for _, ch := range changes {
		spec := ch.GetVirtualDeviceConfigSpec()
		d, ok := spec.Device.(*types.VirtualDisk)
		if !ok {
			continue
		}
		switch {
		case spec.Operation == types.VirtualDeviceConfigSpecOperationRemove:
			if spec.FileOperation == types.VirtualDeviceConfigSpecFileOperationDestroy {
				spec.FileOperation = "" // ours to do
				plan.destroy = append(plan.destroy, attachedFile(vm, d))
			}
		case spec.Operation == types.VirtualDeviceConfigSpecOperationEdit:
			plan.extend = append(plan.extend, d)
		case spec.FileOperation != "":
			if err := v.planParent(dc, d); err != nil {
				return nil, err
			}
			if capacityOf(d) <= 0 {
				return nil, invalidArgument("device.capacityInKB")
			}
			plan.create = append(plan.create, d)
		default:
			src, err := v.openBacking(dc, fileOf(d))
			if err != nil {
				return nil, err
			}
			if src.sparse {
				return nil, badDisk(src.at.String(), errors.New("a machine cannot run from a hosted disk"))
			}
			d.CapacityInBytes, d.CapacityInKB = src.capacity(), src.capacity()/1024
		}
	}
	return plan, nil
}

func (v *vcenter) planParent(dc *datacenter, d *types.VirtualDisk) error {
	name := parentOf(d)
	if name == "" {
		return nil
	}
	parent, err := v.openBacking(dc, name)
	if err != nil {
		return err
	}
	if parent.sparse {
		return badDisk(name, errors.New("a hosted disk cannot be a parent"))
	}
	d.CapacityInBytes, d.CapacityInKB = parent.capacity(), parent.capacity()/1024
	return nil
}

func capacityOf(d *types.VirtualDisk) int64 {
	if d.CapacityInBytes != 0 {
		return d.CapacityInBytes
	}
	return d.CapacityInKB * 1024
}

// attachedFile finds the file of a device that a request names by its key only.
func attachedFile(vm *mo.VirtualMachine, d *types.VirtualDisk) string {
	for _, a := range disksOf(vm) {
		if a.Key == d.Key {
			return fileOf(a)
		}
	}
	return fileOf(d)
}

// realize puts real disks where the simulator made empty files.
func (v *vcenter) realize(p *progress, dc *datacenter, ref types.ManagedObjectReference, plan *diskPlan) error {
	vm, err := v.machine(ref)
	if err != nil {
		return err
	}
	wanted := len(plan.create)
	for _, d := range disksOf(vm) {
		if wanted == 0 || plan.known[fileOf(d)] || !v.placeholder(dc, fileOf(d)) {
			continue
		}
		wanted--
		if err := v.fillPlaceholder(p, dc, d, nil, parentOf(d) != ""); err != nil {
			return err
		}
	}
	for _, d := range plan.extend {
		if err := v.growAttached(dc, attachedFile(vm, d), capacityOf(d)); err != nil {
			return err
		}
	}
	for _, name := range plan.destroy {
		t, err := v.locate(name, &dc.ref)
		if err == nil {
			err = v.deleteBacking(t)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// placeholder recognises the empty extent that the simulator makes.
func (v *vcenter) placeholder(dc *datacenter, name string) bool {
	t, err := v.locate(name, &dc.ref)
	if err != nil {
		return false
	}
	fi, err := os.Stat(simulatorFlat(t).local)
	return err == nil && fi.Size() == 0
}

// simulatorFlat is where the simulator puts an extent: it replaces the first
// ".vmdk" of the path.
func simulatorFlat(t target) target {
	return t.ds.at(strings.Replace(t.rel, ".vmdk", "-flat.vmdk", 1))
}

// fillPlaceholder replaces the simulator's two files by a disk: an empty one, a
// copy of src, or a child without data of its own.
func (v *vcenter) fillPlaceholder(p *progress, dc *datacenter, d *types.VirtualDisk, src *disk, child bool) error {
	t, err := v.locate(fileOf(d), &dc.ref)
	if err != nil {
		return err
	}
	_ = os.Remove(simulatorFlat(t).local)
	_ = os.Remove(t.local)
	switch {
	case child && src != nil:
		return v.makeChild(t, src)
	case child:
		parent, err := v.openBacking(dc, parentOf(d))
		if err != nil {
			return err
		}
		return v.makeChild(t, parent)
	case src != nil:
		return v.copyOpened(p, src, t)
	}
	return v.makeDisk(t, capacityOf(d), "lsiLogic", thinBacking(d))
}

func (v *vcenter) cloneDisk(p *progress, dc *datacenter, src *disk, d *types.VirtualDisk, linked bool) error {
	if !linked {
		v.journal.count(func(s *counters) { s.Copies++ })
	}
	return v.fillPlaceholder(p, dc, d, src, linked)
}

// makeChild writes a delta disk. As no guest ever runs, a delta stays empty.
func (v *vcenter) makeChild(t target, parent *disk) error {
	name := strings.TrimSuffix(path.Base(t.rel), ".vmdk") + "-delta.vmdk"
	d := vmdk.NewDescriptor("VMFSSPARSE", name, parent.capacity(), "lsilogic", true)
	d.CreateType, d.ParentCID, d.ParentHint = "vmfsSparse", parent.desc.CID, parent.at.String()
	if err := os.WriteFile(t.sibling(name).local, []byte("COWD"), 0o644); err != nil {
		return localFault(err, t.String())
	}
	if parent.desc.DDB["ddb.deletable"] != "false" {
		parent.desc.DDB["ddb.deletable"] = "false"
		if err := parent.save(); err != nil {
			return err
		}
	}
	return localFault(os.WriteFile(t.local, d.Bytes(), 0o644), t.String())
}

// openBacking opens a disk of a machine. A child is read as its parent.
func (v *vcenter) openBacking(dc *datacenter, name string) (*disk, error) {
	t, err := v.locate(name, &dc.ref)
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(t.local)
	if err != nil || len(data) > vmdk.MaxDescriptor {
		return v.openDisk(t)
	}
	desc, err := vmdk.ParseDescriptor(data)
	if err != nil || desc.ParentCID == vmdk.NoParent || desc.ParentHint == name {
		return v.openDisk(t)
	}
	d, err := v.openBacking(dc, desc.ParentHint)
	if err != nil {
		return nil, err
	}
	d.at, d.desc = t, desc
	return d, nil
}

// deleteBacking deletes a disk, a child included.
func (v *vcenter) deleteBacking(t target) error {
	data, err := os.ReadFile(t.local)
	if err != nil {
		return nil // already gone
	}
	if desc, err := vmdk.ParseDescriptor(data); err == nil && desc.ParentCID != vmdk.NoParent {
		_ = v.remove(t.sibling(desc.Extents[0].Name))
		return v.remove(t)
	}
	return v.deleteDisk(t)
}

// growAttached follows a device whose capacity was raised.
func (v *vcenter) growAttached(dc *datacenter, name string, capacity int64) error {
	t, err := v.locate(name, &dc.ref)
	if err != nil || capacity == 0 {
		return err
	}
	return v.change(t, func(d *disk) error {
		if capacity < d.capacity() {
			return fail(&types.InvalidDeviceOperation{}, "a disk cannot shrink")
		}
		d.desc.SetCapacity(capacity)
		return localFault(os.Truncate(d.flat.local, capacity), d.flat.String())
	})
}
