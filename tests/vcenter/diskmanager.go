package main

import (
	"errors"
	"os"
	"path"
	"slices"
	"strings"

	"github.com/vmware/govmomi/vim25/types"

	"slipway/tests/vcenter/internal/vmdk"
)

var diskTypes = []string{"thin", "preallocated", "thick", "eagerZeroedThick"}

// adapters maps the names of the API to those of the descriptor. LSI SAS and
// PVSCSI do not exist here: such disks are made as lsiLogic.
var adapters = map[string]string{"lsiLogic": "lsilogic", "busLogic": "buslogic", "ide": "ide"}

func (v *vcenter) createVirtualDisk(c *call, req *types.CreateVirtualDisk_Task) (*types.CreateVirtualDisk_TaskResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	spec, ok := req.Spec.(types.BaseFileBackedVirtualDiskSpec)
	if !ok {
		return nil, invalidArgument("spec")
	}
	s := spec.GetFileBackedVirtualDiskSpec()
	switch {
	case s.CapacityKb <= 0 || s.CapacityKb > 62<<30:
		return nil, invalidArgument("spec.capacityKb")
	case !slices.Contains(diskTypes, s.DiskType):
		return nil, invalidArgument("spec.diskType")
	case adapters[s.AdapterType] == "":
		return nil, invalidArgument("spec.adapterType")
	}
	ref := c.run("CreateVirtualDisk_Task", t.ds.dc.ref, true, func(*progress) (any, error) {
		return req.Name, v.makeDisk(t, s.CapacityKb*1024, s.AdapterType, s.DiskType == "thin")
	})
	return &types.CreateVirtualDisk_TaskResponse{Returnval: ref}, nil
}

// makeDisk creates an empty disk.
func (v *vcenter) makeDisk(t target, capacity int64, adapter string, thin bool) error {
	if err := newDiskPlace(t); err != nil {
		return err
	}
	if _, free := t.ds.space(); !thin && capacity > free {
		return noSpace(t.String(), t.ds.getName())
	}
	d, err := newDisk(t, capacity, adapters[adapter], thin)
	if err != nil {
		return err
	}
	unlock, err := v.lockDisk(d, true)
	if err != nil {
		return err
	}
	defer unlock()
	return d.create(nil)
}

func (v *vcenter) copyVirtualDisk(c *call, req *types.CopyVirtualDisk_Task) (*types.CopyVirtualDisk_TaskResponse, error) {
	kind := ""
	if req.DestSpec != nil {
		if v.settings.get().APIType != apiHostAgent {
			return nil, fail(&types.NotImplemented{}, "The operation is not implemented: destSpec")
		}
		if kind = req.DestSpec.GetVirtualDiskSpec().DiskType; !slices.Contains(diskTypes, kind) {
			return nil, invalidArgument("destSpec.diskType")
		}
	}
	src, dst, err := v.pair(req.SourceName, req.SourceDatacenter, req.DestName, req.DestDatacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("CopyVirtualDisk_Task", dst.ds.dc.ref, true, func(p *progress) (any, error) {
		v.journal.count(func(s *counters) {
			s.Copies++
			s.Copying++
			s.MostCopying = max(s.MostCopying, s.Copying)
		})
		defer v.journal.count(func(s *counters) { s.Copying-- })
		if err := v.copyDisk(p, src, dst); err != nil || kind == "" {
			return nil, err
		}
		return nil, v.change(dst, func(d *disk) error { return retype(d, kind) })
	})
	return &types.CopyVirtualDisk_TaskResponse{Returnval: ref}, nil
}

// copyDisk makes a vmfs disk with the content of another disk. The copy has its
// own extent, content id and uuid.
func (v *vcenter) copyDisk(p *progress, src, dst target) error {
	d, err := v.openDisk(src)
	if err != nil {
		return err
	}
	return v.copyOpened(p, d, dst)
}

func (v *vcenter) copyOpened(p *progress, d *disk, dst target) error {
	if d.sparse && dst.ds.vsan() {
		return badDisk(d.at.String(), errors.New("a hosted disk cannot be copied to vsan"))
	}
	if err := newDiskPlace(dst); err != nil {
		return err
	}
	unlockSrc, err := v.lockDisk(d, false)
	if err != nil {
		return err
	}
	defer unlockSrc()
	adapter := d.desc.DDB["ddb.adapterType"]
	if adapter == "" || adapter == "legacyESX" {
		adapter = "lsilogic"
	}
	thin := d.sparse || d.desc.DDB["ddb.thinProvisioned"] == "1"
	n, err := newDisk(dst, d.capacity(), adapter, thin)
	if err != nil {
		return err
	}
	unlockDst, err := v.lockDisk(n, true)
	if err != nil {
		return err
	}
	defer unlockDst()
	return n.create(func(out *os.File) error { return v.copyContent(p, out, d, dst) })
}

func (v *vcenter) moveVirtualDisk(c *call, req *types.MoveVirtualDisk_Task) (*types.MoveVirtualDisk_TaskResponse, error) {
	src, dst, err := v.pair(req.SourceName, req.SourceDatacenter, req.DestName, req.DestDatacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("MoveVirtualDisk_Task", dst.ds.dc.ref, true, func(p *progress) (any, error) {
		d, err := v.openDisk(src)
		if err != nil || src.local == dst.local {
			return nil, err
		}
		if dst.exists() && isTrue(req.Force) {
			if err := v.deleteDisk(dst); err != nil {
				return nil, err
			}
		}
		if src.ds == dst.ds {
			return nil, v.renameDisk(d, dst)
		}
		if err := v.copyDisk(p, src, dst); err != nil {
			return nil, err
		}
		return nil, v.deleteDisk(src)
	})
	return &types.MoveVirtualDisk_TaskResponse{Returnval: ref}, nil
}

// renameDisk renames descriptor and extent together.
func (v *vcenter) renameDisk(d *disk, dst target) error {
	if err := newDiskPlace(dst); err != nil {
		return err
	}
	unlock, err := v.lockDisk(d, true)
	if err != nil {
		return err
	}
	defer unlock()
	old := d.at
	if d.sparse {
		return localFault(os.Rename(old.local, dst.local), old.String())
	}
	if !d.at.ds.vsan() {
		name := strings.TrimSuffix(path.Base(dst.rel), ".vmdk") + "-flat.vmdk"
		flat := dst.sibling(name)
		if flat.exists() {
			return fileExists(flat.String())
		}
		if err := os.Rename(d.flat.local, flat.local); err != nil {
			return localFault(err, d.flat.String())
		}
		d.desc.Extents[0].Name = name
	}
	d.at = dst
	if err := d.save(); err != nil {
		return err
	}
	return localFault(os.Remove(old.local), old.String())
}

func (v *vcenter) deleteVirtualDisk(c *call, req *types.DeleteVirtualDisk_Task) (*types.DeleteVirtualDisk_TaskResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("DeleteVirtualDisk_Task", t.ds.dc.ref, false, func(*progress) (any, error) {
		return nil, v.deleteDisk(t)
	})
	return &types.DeleteVirtualDisk_TaskResponse{Returnval: ref}, nil
}

// deleteDisk removes descriptor and extent.
func (v *vcenter) deleteDisk(t target) error {
	if err := diskName(t); err != nil {
		return err
	}
	if !t.exists() {
		return fileNotFound(t.String())
	}
	d, err := v.openDisk(t)
	if err != nil {
		return err
	}
	if d.desc.DDB["ddb.deletable"] == "false" {
		return fail(&types.CannotDeleteFile{FileFault: types.FileFault{File: t.String()}}, "The disk %s is the parent of others", t)
	}
	if v.locks.busy(d.at.local) || v.locks.busy(d.flat.local) {
		return fileLocked(t.String())
	}
	if !d.sparse {
		if err := v.remove(d.flat); err != nil {
			return err
		}
	}
	return v.remove(t)
}

func (v *vcenter) extendVirtualDisk(c *call, req *types.ExtendVirtualDisk_Task) (*types.ExtendVirtualDisk_TaskResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("ExtendVirtualDisk_Task", t.ds.dc.ref, false, func(*progress) (any, error) {
		return nil, v.change(t, func(d *disk) error {
			capacity := req.NewCapacityKb * 1024
			if capacity < d.capacity() {
				return invalidArgument("newCapacityKb")
			}
			if _, free := t.ds.space(); d.desc.DDB["ddb.thinProvisioned"] != "1" && capacity-d.capacity() > free {
				return noSpace(t.String(), t.ds.getName())
			}
			d.desc.SetCapacity(capacity)
			return localFault(os.Truncate(d.flat.local, capacity), d.flat.String())
		})
	})
	return &types.ExtendVirtualDisk_TaskResponse{Returnval: ref}, nil
}

// change edits a disk and saves its descriptor.
func (v *vcenter) change(t target, fn func(d *disk) error) error {
	d, err := v.openDisk(t)
	if err != nil {
		return err
	}
	if d.sparse {
		return badDisk(t.String(), errors.New("a hosted disk cannot be changed"))
	}
	unlock, err := v.lockDisk(d, true)
	if err != nil {
		return err
	}
	defer unlock()
	if err := fn(d); err != nil {
		return err
	}
	return d.save()
}

// thicken is what inflating and zero filling have in common. The zeros are not
// written: this machine's disk is smaller than the datastores it plays.
func thicken(d *disk) error {
	delete(d.desc.DDB, "ddb.thinProvisioned")
	return nil
}

// retype makes a disk thin or thick, as the spec of a copy asks.
func retype(d *disk, kind string) error {
	if kind != "thin" {
		return thicken(d)
	}
	d.desc.DDB["ddb.thinProvisioned"] = "1"
	return nil
}

func (v *vcenter) thickenTask(c *call, method, name string, dc *types.ManagedObjectReference) (types.ManagedObjectReference, error) {
	t, err := v.locate(name, dc)
	if err != nil {
		return types.ManagedObjectReference{}, err
	}
	return c.run(method, t.ds.dc.ref, false, func(*progress) (any, error) { return nil, v.change(t, thicken) }), nil
}

func (v *vcenter) inflateVirtualDisk(c *call, req *types.InflateVirtualDisk_Task) (*types.InflateVirtualDisk_TaskResponse, error) {
	ref, err := v.thickenTask(c, "InflateVirtualDisk_Task", req.Name, req.Datacenter)
	return &types.InflateVirtualDisk_TaskResponse{Returnval: ref}, err
}

func (v *vcenter) eagerZeroVirtualDisk(c *call, req *types.EagerZeroVirtualDisk_Task) (*types.EagerZeroVirtualDisk_TaskResponse, error) {
	ref, err := v.thickenTask(c, "EagerZeroVirtualDisk_Task", req.Name, req.Datacenter)
	return &types.EagerZeroVirtualDisk_TaskResponse{Returnval: ref}, err
}

func (v *vcenter) zeroFillVirtualDisk(c *call, req *types.ZeroFillVirtualDisk_Task) (*types.ZeroFillVirtualDisk_TaskResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("ZeroFillVirtualDisk_Task", t.ds.dc.ref, false, func(*progress) (any, error) {
		return nil, v.change(t, func(d *disk) error {
			if err := os.Truncate(d.flat.local, 0); err != nil {
				return err
			}
			d.desc.NewContentID()
			return os.Truncate(d.flat.local, d.capacity())
		})
	})
	return &types.ZeroFillVirtualDisk_TaskResponse{Returnval: ref}, nil
}

func (v *vcenter) queryVirtualDiskUUID(_ *call, req *types.QueryVirtualDiskUuid) (*types.QueryVirtualDiskUuidResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	d, err := v.openDisk(t)
	if err != nil {
		return nil, err
	}
	return &types.QueryVirtualDiskUuidResponse{Returnval: d.uuid()}, nil
}

// uuid is that of the descriptor, or one made from the name where it has none.
func (d *disk) uuid() string {
	if id := d.desc.DDB["ddb.uuid"]; vmdk.ValidUUID(id) {
		return id
	}
	sum := sha256Sum([]byte(d.at.ds.uuid + d.at.rel))
	copy(sum, []byte{0x60, 0x00, 0xc2, 0x90 | sum[3]&0x0f})
	return vmdk.FormatUUID(sum[:16])
}

func (v *vcenter) setVirtualDiskUUID(_ *call, req *types.SetVirtualDiskUuid) (*types.SetVirtualDiskUuidResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	if !vmdk.ValidUUID(req.Uuid) {
		return nil, invalidArgument("uuid")
	}
	return new(types.SetVirtualDiskUuidResponse), v.change(t, func(d *disk) error {
		d.desc.DDB["ddb.uuid"] = req.Uuid
		return nil
	})
}
