package main

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"github.com/vmware/govmomi/vim25/types"
)

func (v *vcenter) makeDirectory(_ *call, req *types.MakeDirectory) (*types.MakeDirectoryResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	switch {
	case t.exists():
		err = fileExists(req.Name)
	case t.ds.vsan() && !t.hasNamespace():
		err = cannotCreate(req.Name)
	case isTrue(req.CreateParentDirectories):
		err = os.MkdirAll(t.local, 0o755)
	case !t.parentExists():
		err = fileNotFound(t.ds.at(filepath.Dir(t.rel)).String())
	default:
		err = os.Mkdir(t.local, 0o755)
	}
	return new(types.MakeDirectoryResponse), localFault(err, req.Name)
}

// localFault hides an error of this machine behind the fault that it means.
func localFault(err error, name string) error {
	var fe *faultError
	switch {
	case err == nil || errors.As(err, &fe):
		return err
	case errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR):
		return fileNotFound(name)
	case errors.Is(err, fs.ErrExist):
		return fileExists(name)
	case errors.Is(err, syscall.ENOSPC):
		return noSpace(name, "")
	default:
		return cannotAccess(name)
	}
}

// pair resolves source and target of a copy or move. A missing target
// datacenter means that of the source.
func (v *vcenter) pair(src string, srcDC *types.ManagedObjectReference, dst string, dstDC *types.ManagedObjectReference) (s, d target, err error) {
	if s, err = v.locate(src, srcDC); err != nil {
		return s, d, err
	}
	if dstDC == nil {
		dstDC = srcDC
	}
	d, err = v.locate(dst, dstDC)
	return s, d, err
}

func (v *vcenter) copyDatastoreFile(c *call, req *types.CopyDatastoreFile_Task) (*types.CopyDatastoreFile_TaskResponse, error) {
	src, dst, err := v.pair(req.SourceName, req.SourceDatacenter, req.DestinationName, req.DestinationDatacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("CopyDatastoreFile_Task", dst.ds.dc.ref, true, func(p *progress) (any, error) {
		v.journal.count(func(s *counters) { s.Copies++ })
		if src.local == dst.local {
			return nil, nil
		}
		if err := v.ready(src, dst, isTrue(req.Force)); err != nil {
			return nil, err
		}
		fi, err := os.Stat(src.local)
		if err != nil {
			return nil, localFault(err, src.String())
		}
		if fi.IsDir() {
			return nil, v.copyTree(p, src, dst)
		}
		p.expect(fi.Size())
		return nil, v.copyFile(p, src, dst)
	})
	return &types.CopyDatastoreFile_TaskResponse{Returnval: ref}, nil
}

// ready checks what holds for every copy and move.
func (v *vcenter) ready(src, dst target, force bool) error {
	switch {
	case !src.exists():
		return fileNotFound(src.String())
	case !dst.parentExists() || dst.rel == "":
		return fileNotFound(dst.String())
	case dst.exists() && !force:
		return fileExists(dst.String())
	case dst.ds.vsan() && filepath.Dir(dst.local) == dst.ds.dir:
		return cannotCreate(dst.String())
	}
	return nil
}

func (v *vcenter) copyTree(p *progress, src, dst target) error {
	if err := os.MkdirAll(dst.local, 0o755); err != nil {
		return localFault(err, dst.String())
	}
	return filepath.WalkDir(src.local, func(at string, d fs.DirEntry, err error) error {
		if err != nil || at == src.local {
			return err
		}
		rel, _ := filepath.Rel(src.local, at)
		to := dst.ds.at(filepath.Join(dst.rel, rel))
		if d.IsDir() {
			return os.MkdirAll(to.local, 0o755)
		}
		return v.copyFile(p, src.ds.at(filepath.Join(src.rel, rel)), to)
	})
}

// copyFile is transactional: a copy that fails leaves no target behind. While it
// lasts the target is seen growing under its own name, as on a real datastore.
func (v *vcenter) copyFile(p *progress, src, dst target) (err error) {
	unlockSrc, err := v.locks.acquire(src, false)
	if err != nil {
		return err
	}
	defer unlockSrc()
	unlockDst, err := v.locks.acquire(dst, true)
	if err != nil {
		return err
	}
	defer unlockDst()

	in, err := os.Open(src.local)
	if err != nil {
		return localFault(err, src.String())
	}
	defer in.Close()
	fi, err := in.Stat()
	if err != nil {
		return err
	}
	dst.ds.give(allocated(dst.local))
	out, err := os.OpenFile(dst.local, os.O_CREATE|os.O_TRUNC|os.O_RDWR, 0o644)
	if err != nil {
		return localFault(err, dst.String())
	}
	defer func() {
		_ = out.Close()
		if err != nil {
			dst.ds.give(allocated(dst.local))
			_ = os.Remove(dst.local)
		}
	}()
	return v.copyData(p, out, in, fi.Size(), dst)
}

const (
	seekData = 3
	seekHole = 4
	chunk    = 4 << 20
)

// copyData copies the data of a file and leaves its holes.
func (v *vcenter) copyData(p *progress, out, in *os.File, size int64, dst target) error {
	if err := out.Truncate(size); err != nil {
		return localFault(err, dst.String())
	}
	var moved int64
	defer func() {
		v.journal.count(func(s *counters) { s.CopiedBytes += moved })
	}()
	for at := int64(0); at < size; {
		from, err := in.Seek(at, seekData)
		if errors.Is(err, syscall.ENXIO) {
			break
		}
		if err != nil {
			return err
		}
		if err := p.moved(from - at); err != nil { // a hole counts for progress
			return err
		}
		end, err := in.Seek(from, seekHole)
		if err != nil {
			return err
		}
		for at = from; at < min(end, size); {
			n := min(chunk, min(end, size)-at)
			if err := v.copyChunk(out, in, at, n, dst); err != nil {
				return err
			}
			at += n
			moved += n
			if err := p.moved(n); err != nil {
				return err
			}
		}
	}
	return nil
}

func (v *vcenter) copyChunk(out, in *os.File, at, n int64, dst target) error {
	if !dst.ds.take(n) {
		return noSpace(dst.String(), dst.ds.getName())
	}
	if _, err := in.Seek(at, io.SeekStart); err != nil {
		return err
	}
	if _, err := out.Seek(at, io.SeekStart); err != nil {
		return err
	}
	_, err := io.CopyN(out, in, n)
	return localFault(err, dst.String())
}

func (v *vcenter) moveDatastoreFile(c *call, req *types.MoveDatastoreFile_Task) (*types.MoveDatastoreFile_TaskResponse, error) {
	src, dst, err := v.pair(req.SourceName, req.SourceDatacenter, req.DestinationName, req.DestinationDatacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("MoveDatastoreFile_Task", dst.ds.dc.ref, true, func(p *progress) (any, error) {
		if src.local == dst.local {
			return nil, nil
		}
		return nil, v.moveFile(p, src, dst, isTrue(req.Force))
	})
	return &types.MoveDatastoreFile_TaskResponse{Returnval: ref}, nil
}

// moveFile renames within a datastore; across datastores it copies and deletes.
func (v *vcenter) moveFile(p *progress, src, dst target, force bool) error {
	if err := v.ready(src, dst, force); err != nil {
		return err
	}
	if v.locks.busy(src.local) {
		return fileLocked(src.String())
	}
	if v.locks.busy(dst.local) {
		return fileLocked(dst.String())
	}
	if src.ds == dst.ds {
		if dst.exists() {
			if err := v.remove(dst); err != nil {
				return err
			}
		}
		return localFault(os.Rename(src.local, dst.local), src.String())
	}
	fi, err := os.Stat(src.local)
	if err != nil {
		return localFault(err, src.String())
	}
	if fi.IsDir() {
		err = v.copyTree(p, src, dst)
	} else {
		p.expect(fi.Size())
		err = v.copyFile(p, src, dst)
	}
	if err != nil {
		return err
	}
	return v.remove(src)
}

// remove deletes a file or a tree that nobody uses.
func (v *vcenter) remove(t target) error {
	if v.locks.busy(t.local) {
		return fileLocked(t.String())
	}
	n := allocated(t.local)
	if err := os.RemoveAll(t.local); err != nil {
		return fail(&types.CannotDeleteFile{FileFault: types.FileFault{File: t.String()}}, "Cannot delete file %s", t)
	}
	t.ds.give(n)
	return nil
}

func (v *vcenter) deleteDatastoreFile(c *call, req *types.DeleteDatastoreFile_Task) (*types.DeleteDatastoreFile_TaskResponse, error) {
	t, err := v.locate(req.Name, req.Datacenter)
	if err != nil {
		return nil, err
	}
	ref := c.run("DeleteDatastoreFile_Task", t.ds.dc.ref, false, func(*progress) (any, error) {
		if t.rel == "" {
			return nil, fail(&types.CannotDeleteFile{FileFault: types.FileFault{File: t.String()}}, "Cannot delete file %s", t)
		}
		if _, err := os.Lstat(t.local); err != nil {
			return nil, fileNotFound(t.String())
		}
		return nil, v.remove(t)
	})
	return &types.DeleteDatastoreFile_TaskResponse{Returnval: ref}, nil
}
