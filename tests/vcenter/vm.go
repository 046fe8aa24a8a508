package main

import (
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// Virtual machines are the simulator's, but their disks are ours: what a client
// wants of disks is checked before the simulator acts and made real afterwards.

// inner waits for a task of the simulator.
func (v *vcenter) inner(ref types.ManagedObjectReference) (types.TaskInfo, error) {
	t, ok := v.reg.Get(ref).(*simulator.Task)
	if !ok {
		return types.TaskInfo{}, notFoundObject(ref)
	}
	t.Wait()
	var info types.TaskInfo
	v.reg.WithLock(v.simContext(), t, func() { info = t.Info })
	if info.Error != nil {
		return info, fail(hidePaths(info.Error.Fault), "%s", faultName(info.Error.Fault))
	}
	return info, nil
}

// hidePaths keeps the directories of this machine out of the simulator's faults.
func hidePaths(f types.BaseMethodFault) types.BaseMethodFault {
	if ff, ok := f.(types.BaseFileFault); ok && strings.HasPrefix(ff.GetFileFault().File, "/") {
		ff.GetFileFault().File = path.Base(ff.GetFileFault().File)
	}
	return f
}

// machine copies the properties of a virtual machine.
func (v *vcenter) machine(ref types.ManagedObjectReference) (*mo.VirtualMachine, error) {
	vm, ok := v.reg.Get(ref).(*simulator.VirtualMachine)
	if !ok {
		return nil, notFoundObject(ref)
	}
	var out mo.VirtualMachine
	v.reg.WithLock(v.simContext(), vm, func() {
		out = deepCopy(managed(vm)).Interface().(mo.VirtualMachine)
	})
	return &out, nil
}

// datacenterOf finds the datacenter above an inventory object.
func (v *vcenter) datacenterOf(ref types.ManagedObjectReference) *datacenter {
	for {
		if d := v.datacenter(ref); d != nil {
			return d
		}
		e, ok := v.reg.Get(ref).(mo.Entity)
		if !ok || e.Entity().Parent == nil {
			return nil
		}
		ref = *e.Entity().Parent
	}
}

func (v *vcenter) createVM(c *call, req *types.CreateVM_Task) (*types.CreateVM_TaskResponse, error) {
	dc := v.datacenterOf(req.This)
	if dc == nil {
		return nil, notFoundObject(req.This)
	}
	if err := v.checkVM(dc, &req.Config, req.Pool, req.Host); err != nil {
		return nil, err
	}
	ref := c.run("CreateVM_Task", req.This, false, func(p *progress) (any, error) {
		return v.buildVM(p, dc, req)
	})
	return &types.CreateVM_TaskResponse{Returnval: ref}, nil
}

// checkVM refuses what the simulator would not survive.
func (v *vcenter) checkVM(dc *datacenter, config *types.VirtualMachineConfigSpec, pool types.ManagedObjectReference, h *types.ManagedObjectReference) error {
	if config.Name == "" || config.Files == nil || config.Files.VmPathName == "" {
		return fail(&types.InvalidVmConfig{Property: "configSpec.files.vmPathName"}, "Invalid configuration")
	}
	if _, err := v.locate(config.Files.VmPathName, &dc.ref); err != nil {
		return err
	}
	if v.reg.Get(pool) == nil {
		return notFoundObject(pool)
	}
	if h != nil && v.reg.Get(*h) == nil {
		return notFoundObject(*h)
	}
	return v.checkDevices(dc, config.DeviceChange)
}

func (v *vcenter) buildVM(p *progress, dc *datacenter, req *types.CreateVM_Task) (types.ManagedObjectReference, error) {
	plan, err := v.planDisks(dc, nil, req.Config.DeviceChange)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	res, err := methods.CreateVM_Task(p.ctx, v.svc, req)
	if err != nil {
		return types.ManagedObjectReference{}, soapFaultOf(err)
	}
	info, err := v.inner(res.Returnval)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	vm := info.Result.(types.ManagedObjectReference)
	return vm, v.realize(p, dc, vm, plan)
}

func (v *vcenter) reconfigVM(c *call, req *types.ReconfigVM_Task) (*types.ReconfigVM_TaskResponse, error) {
	dc := v.datacenterOf(req.This)
	if dc == nil {
		return nil, notFoundObject(req.This)
	}
	if err := v.checkDevices(dc, req.Spec.DeviceChange); err != nil {
		return nil, err
	}
	ref := c.run("ReconfigVM_Task", req.This, false, func(p *progress) (any, error) {
		vm, err := v.machine(req.This)
		if err != nil {
			return nil, err
		}
		plan, err := v.planDisks(dc, vm, req.Spec.DeviceChange)
		if err != nil {
			return nil, err
		}
		res, err := methods.ReconfigVM_Task(p.ctx, v.svc, req)
		if err != nil {
			return nil, soapFaultOf(err)
		}
		if _, err := v.inner(res.Returnval); err != nil {
			return nil, err
		}
		return nil, v.realize(p, dc, req.This, plan)
	})
	return &types.ReconfigVM_TaskResponse{Returnval: ref}, nil
}

func (v *vcenter) cloneVM(c *call, req *types.CloneVM_Task) (*types.CloneVM_TaskResponse, error) {
	if _, ok := v.reg.Get(req.Folder).(*simulator.Folder); !ok {
		return nil, notFoundObject(req.Folder)
	}
	for _, ref := range []*types.ManagedObjectReference{req.Spec.Location.Datastore, req.Spec.Location.Host, req.Spec.Location.Pool} {
		if ref != nil && v.reg.Get(*ref) == nil {
			return nil, notFoundObject(*ref)
		}
	}
	ref := c.run("CloneVM_Task", req.This, true, func(p *progress) (any, error) {
		return v.copyVM(p, req)
	})
	return &types.CloneVM_TaskResponse{Returnval: ref}, nil
}

// copyVM clones a machine: the simulator makes the new one with empty disks,
// which then get the content of the old ones.
func (v *vcenter) copyVM(p *progress, req *types.CloneVM_Task) (any, error) {
	from, err := v.machine(req.This)
	if err != nil {
		return nil, err
	}
	dc := v.datacenterOf(req.Folder)
	var sources []*disk
	for _, d := range disksOf(from) {
		src, err := v.openBacking(v.datacenterOf(req.This), fileOf(d))
		if err != nil {
			return nil, err
		}
		sources = append(sources, src)
	}
	on := req.Spec.PowerOn
	req.Spec.PowerOn = false
	res, err := methods.CloneVM_Task(p.ctx, v.svc, req)
	if err != nil {
		return nil, soapFaultOf(err)
	}
	info, err := v.inner(res.Returnval)
	if err != nil {
		return nil, err
	}
	ref := info.Result.(types.ManagedObjectReference)
	to, err := v.machine(ref)
	if err != nil {
		return nil, err
	}
	linked := req.Spec.Location.DiskMoveType == string(types.VirtualMachineRelocateDiskMoveOptionsCreateNewChildDiskBacking)
	for i, d := range disksOf(to) {
		if i >= len(sources) {
			break
		}
		if err := v.cloneDisk(p, dc, sources[i], d, linked); err != nil {
			_ = v.destroy(p, ref)
			return nil, err
		}
	}
	if on {
		res, err := methods.PowerOnVM_Task(p.ctx, v.svc, &types.PowerOnVM_Task{This: ref})
		if err != nil {
			return nil, soapFaultOf(err)
		}
		_, err = v.inner(res.Returnval)
		return ref, err
	}
	return ref, nil
}

func (v *vcenter) destroyVM(c *call, req *types.Destroy_Task) (*types.Destroy_TaskResponse, error) {
	ref := c.run("Destroy_Task", req.This, false, func(p *progress) (any, error) {
		return nil, v.destroy(p, req.This)
	})
	return &types.Destroy_TaskResponse{Returnval: ref}, nil
}

// ownFiles are what a virtual machine keeps beside its disks.
var ownFiles = []string{".vmx", ".nvram", ".vmsd", ".vmxf", ".log"}

// destroy removes a machine with its files and attached disks. Disks that were
// detached stay where they are, and so does their directory.
func (v *vcenter) destroy(p *progress, ref types.ManagedObjectReference) error {
	vm, err := v.machine(ref)
	if err != nil {
		return err
	}
	dc := v.datacenterOf(ref)
	if _, err := methods.UnregisterVM(p.ctx, v.svc, &types.UnregisterVM{This: ref}); err != nil {
		return soapFaultOf(err)
	}
	for _, d := range disksOf(vm) {
		if t, err := v.locate(fileOf(d), &dc.ref); err == nil {
			if err := v.deleteBacking(t); err != nil {
				return err
			}
		}
	}
	vmx, err := v.locate(vm.Config.Files.VmPathName, &dc.ref)
	if err != nil {
		return err
	}
	dir := filepath.Dir(vmx.local)
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		for _, suffix := range ownFiles {
			if strings.HasSuffix(e.Name(), suffix) {
				_ = os.Remove(filepath.Join(dir, e.Name()))
			}
		}
	}
	_ = os.Remove(dir) // only if nothing is left in it
	return nil
}
