package main

import (
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/vmware/govmomi/vim25/types"
)

// Top-level directories of a vsan datastore are objects with a UUID for a name;
// the friendly name is a symbolic link to it, as it is on a host.

// hasNamespace tells whether a path lies inside an existing top-level directory.
func (t target) hasNamespace() bool {
	top, rest, _ := strings.Cut(t.rel, "/")
	if rest == "" {
		return false
	}
	fi, err := os.Stat(filepath.Join(t.ds.dir, top))
	return err == nil && fi.IsDir()
}

// friendlyName of a top-level directory, empty if it has none.
func (ds *datastore) friendlyName(id string) string {
	entries, _ := os.ReadDir(ds.dir)
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join(ds.dir, e.Name())); err == nil && to == id {
			return e.Name()
		}
	}
	return ""
}

func (v *vcenter) createDirectory(_ *call, req *types.CreateDirectory) (*types.CreateDirectoryResponse, error) {
	ds := v.storeByRef(req.Datastore)
	if ds == nil {
		return nil, notFoundObject(req.Datastore)
	}
	if !ds.vsan() {
		return nil, cannotCreate("[" + ds.getName() + "] " + req.DisplayName)
	}
	id := uuid.NewString()
	if req.DisplayName != "" {
		if strings.ContainsAny(req.DisplayName, `/\`) || !cleanPath(req.DisplayName) {
			return nil, invalidArgument("displayName")
		}
		t := ds.at(req.DisplayName)
		if _, err := os.Lstat(t.local); err == nil {
			return nil, fileExists(t.String())
		}
		if err := os.Symlink(id, t.local); err != nil {
			return nil, localFault(err, t.String())
		}
	}
	if err := os.Mkdir(filepath.Join(ds.dir, id), 0o755); err != nil {
		return nil, err
	}
	return &types.CreateDirectoryResponse{Returnval: ds.stablePath(id)}, nil
}

func (ds *datastore) stablePath(rel string) string { return "/vmfs/volumes/" + ds.uuid + "/" + rel }

func (v *vcenter) deleteDirectory(_ *call, req *types.DeleteDirectory) (*types.DeleteDirectoryResponse, error) {
	ds, rel, err := v.namespace(req.Datacenter, req.DatastorePath)
	if err != nil {
		return nil, err
	}
	if !ds.vsan() {
		return nil, fail(&types.FileFault{File: req.DatastorePath}, "not a namespace")
	}
	t := ds.at(rel)
	if fi, err := os.Lstat(t.local); err != nil || !fi.IsDir() || strings.Contains(rel, "/") || rel == "" {
		return nil, fileNotFound(req.DatastorePath)
	}
	if left, _ := os.ReadDir(t.local); len(left) > 0 {
		return nil, fail(&types.CannotDeleteFile{FileFault: types.FileFault{File: req.DatastorePath}}, "The namespace is not empty")
	}
	if name := ds.friendlyName(rel); name != "" {
		_ = os.Remove(filepath.Join(ds.dir, name))
	}
	return new(types.DeleteDirectoryResponse), v.remove(t)
}

func (v *vcenter) convertNamespacePath(_ *call, req *types.ConvertNamespacePathToUuidPath) (*types.ConvertNamespacePathToUuidPathResponse, error) {
	ds, rel, err := v.namespace(req.Datacenter, req.NamespaceUrl)
	if err != nil {
		return nil, err
	}
	if !ds.vsan() {
		return nil, fail(&types.InvalidDatastore{Datastore: &ds.ref, Name: ds.getName()}, "Invalid datastore")
	}
	top, rest, _ := strings.Cut(rel, "/")
	id, err := filepath.EvalSymlinks(filepath.Join(ds.dir, top))
	if err != nil {
		return nil, fileNotFound(req.NamespaceUrl)
	}
	out := "ds://" + ds.stablePath(filepath.Base(id))
	if rest != "" {
		out += "/" + rest
	}
	return &types.ConvertNamespacePathToUuidPathResponse{Returnval: out}, nil
}

// namespace takes a path below /vmfs/volumes apart; the volume may be given by
// its name or its id.
func (v *vcenter) namespace(dc *types.ManagedObjectReference, p string) (*datastore, string, error) {
	if dc == nil {
		return nil, "", invalidArgument("datacenter")
	}
	d := v.datacenter(*dc)
	if d == nil {
		return nil, "", notFoundObject(*dc)
	}
	rest, ok := strings.CutPrefix(strings.TrimPrefix(p, "ds://"), "/vmfs/volumes/")
	volume, rel, _ := strings.Cut(rest, "/")
	if ok && cleanPath(rel) {
		for _, ds := range d.stores {
			if volume == ds.uuid || volume == ds.getName() {
				return ds, strings.Trim(rel, "/"), nil
			}
		}
	}
	return nil, "", fail(&types.InvalidDatastorePath{DatastorePath: p}, "Invalid datastore path '%s'.", p)
}
