package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"slipway/tests/vcenter/internal/vmdk"
)

// disk is an opened virtual disk: either a descriptor with the extent that it
// names, or one hosted sparse file.
type disk struct {
	at     target
	desc   *vmdk.Descriptor
	flat   target // the extent; empty for a hosted sparse file
	sparse bool
}

func (d *disk) capacity() int64 { return d.desc.Capacity() }

// diskName refuses what VirtualDiskManager never takes for a disk.
func diskName(t target) error {
	if !strings.HasSuffix(t.rel, ".vmdk") || strings.HasSuffix(t.rel, "-flat.vmdk") {
		return badDisk(t.String(), errors.New("the name of a disk ends in .vmdk and is not that of an extent"))
	}
	return nil
}

// openDisk validates a disk. It fails for garbage, for a stream, for a
// descriptor whose extent is missing or of the wrong size, and for a chain.
func (v *vcenter) openDisk(t target) (*disk, error) {
	if err := diskName(t); err != nil {
		return nil, err
	}
	f, err := os.Open(t.local)
	if err != nil {
		return nil, localFault(err, t.String())
	}
	defer f.Close()
	fi, err := f.Stat()
	if err != nil || !fi.Mode().IsRegular() {
		return nil, badDisk(t.String(), errors.New("not a file"))
	}
	head := make([]byte, min(fi.Size(), vmdk.MaxDescriptor+1))
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, err
	}
	if strings.HasPrefix(string(head), "KDMV") {
		return v.openSparse(t, f, fi.Size())
	}
	if len(head) > vmdk.MaxDescriptor {
		return nil, badDisk(t.String(), errors.New("no descriptor"))
	}
	desc, err := vmdk.ParseDescriptor(head)
	if err != nil {
		return nil, badDisk(t.String(), err)
	}
	d := &disk{at: t, desc: desc}
	return d, d.findExtent()
}

func (v *vcenter) openSparse(t target, f *os.File, size int64) (*disk, error) {
	if t.ds.vsan() {
		return nil, badDisk(t.String(), errors.New("hosted disks cannot be opened on vsan"))
	}
	s, err := vmdk.OpenSparse(f, size)
	if err != nil {
		return nil, badDisk(t.String(), err)
	}
	d := &disk{at: t, desc: s.Descriptor, sparse: true}
	d.desc.Extents[0].Sectors = s.Capacity() / vmdk.SectorSize
	return d, nil
}

func (d *disk) findExtent() error {
	name := d.at.String()
	if len(d.desc.Extents) != 1 {
		return badDisk(name, fmt.Errorf("%d extents", len(d.desc.Extents)))
	}
	if d.desc.ParentCID != vmdk.NoParent {
		return badDisk(name, errors.New("the disk has a parent"))
	}
	e := d.desc.Extents[0]
	switch {
	case d.at.ds.vsan():
		id, ok := strings.CutPrefix(e.Name, "vsan://")
		if !ok || e.Type != "VMFS" || uuid.Validate(id) != nil {
			return badDisk(name, errors.New("a disk on vsan is an object, not a flat file"))
		}
		d.flat = d.at.ds.object(id)
	case d.desc.CreateType == "vmfs" && e.Type == "VMFS", d.desc.CreateType == "monolithicFlat" && e.Type == "FLAT":
		if e.Name == "" || strings.ContainsAny(e.Name, `/\`) || e.Offset != 0 {
			return badDisk(name, fmt.Errorf("extent %q", e.Name))
		}
		d.flat = d.at.sibling(e.Name)
	default:
		return badDisk(name, fmt.Errorf("createType %s with an extent of type %s", d.desc.CreateType, e.Type))
	}
	fi, err := os.Stat(d.flat.local)
	if err != nil || !fi.Mode().IsRegular() {
		return fileNotFound(d.flat.String())
	}
	if fi.Size() < d.capacity() {
		return badDisk(name, fmt.Errorf("the extent has %d bytes of %d", fi.Size(), d.capacity()))
	}
	return nil
}

// object is where a vsan datastore keeps the data of a disk, out of reach of
// every file interface.
func (ds *datastore) object(id string) target {
	return target{ds: ds, rel: hidden + "/" + id, local: filepath.Join(ds.dir, hidden, id)}
}

// newDisk prepares descriptor and extent names of a disk to be made.
func newDisk(t target, capacity int64, adapter string, thin bool) (*disk, error) {
	name := strings.TrimSuffix(path.Base(t.rel), ".vmdk") + "-flat.vmdk"
	flat := t.sibling(name)
	if t.ds.vsan() {
		id := uuid.NewString()
		if err := os.MkdirAll(filepath.Join(t.ds.dir, hidden), 0o755); err != nil {
			return nil, err
		}
		name, flat = "vsan://"+id, t.ds.object(id)
	}
	return &disk{at: t, flat: flat, desc: vmdk.NewDescriptor("VMFS", name, capacity, adapter, thin)}, nil
}

// newDiskPlace checks that a disk can be made at a path.
func newDiskPlace(t target) error {
	if err := diskName(t); err != nil {
		return invalidArgument("name")
	}
	switch {
	case !t.parentExists():
		return fileNotFound(t.String())
	case t.exists():
		return fileExists(t.String())
	case t.ds.vsan() && filepath.Dir(t.local) == t.ds.dir:
		return cannotCreate(t.String())
	}
	return nil
}

// create writes the disk. fill puts the content into the extent, which has the
// full capacity and no data before that.
func (d *disk) create(fill func(out *os.File) error) (err error) {
	out, err := os.OpenFile(d.flat.local, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return localFault(err, d.flat.String())
	}
	defer func() {
		_ = out.Close()
		if err != nil {
			d.at.ds.give(allocated(d.flat.local))
			_ = os.Remove(d.flat.local)
			_ = os.Remove(d.at.local)
		}
	}()
	if err = out.Truncate(d.capacity()); err != nil {
		return localFault(err, d.flat.String())
	}
	if fill != nil {
		if err = fill(out); err != nil {
			return err
		}
	}
	return d.save()
}

func (d *disk) save() error {
	return localFault(os.WriteFile(d.at.local, d.desc.Bytes(), 0o644), d.at.String())
}

// lock takes the descriptor and, with it, the extent.
func (v *vcenter) lockDisk(d *disk, write bool) (func(), error) {
	first, err := v.locks.acquire(d.at, write)
	if err != nil || d.sparse {
		return first, err
	}
	second, err := v.locks.acquire(d.flat, write)
	if err != nil {
		first()
		return nil, fileLocked(d.at.String())
	}
	return func() { second(); first() }, nil
}

// copyContent fills out with what a guest would read from d.
func (v *vcenter) copyContent(p *progress, out *os.File, d *disk, dst target) error {
	name := d.flat.local
	if d.sparse {
		name = d.at.local
	}
	in, err := os.Open(name)
	if err != nil {
		return localFault(err, d.at.String())
	}
	defer in.Close()
	p.expect(d.capacity())
	if !d.sparse {
		return v.copyData(p, out, in, d.capacity(), dst)
	}
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	s, err := vmdk.OpenSparse(in, fi.Size())
	if err != nil {
		return badDisk(d.at.String(), err)
	}
	var last int64
	err = s.Grains(func(offset int64, data []byte) error {
		if !dst.ds.take(int64(len(data))) {
			return noSpace(dst.String(), dst.ds.getName())
		}
		if _, err := out.WriteAt(data, offset); err != nil {
			return localFault(err, dst.String())
		}
		v.journal.count(func(s *counters) { s.CopiedBytes += int64(len(data)) })
		n := offset + int64(len(data)) - last
		last += n
		return p.moved(n)
	})
	if errors.Is(err, vmdk.ErrFormat) {
		return badDisk(d.at.String(), err)
	}
	return err
}
