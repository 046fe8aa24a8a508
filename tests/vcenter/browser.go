package main

import (
	"os"
	"path"
	"strings"

	"github.com/vmware/govmomi/vim25/types"
)

// search is one search of a datastore browser.
type search struct {
	v    *vcenter
	spec types.HostDatastoreBrowserSearchSpec
	out  []types.HostDatastoreBrowserSearchResults
}

func (v *vcenter) searchDatastore(c *call, req *types.SearchDatastore_Task) (*types.SearchDatastore_TaskResponse, error) {
	s, t, err := v.newSearch(req.This, req.DatastorePath, req.SearchSpec)
	if err != nil {
		return nil, err
	}
	ref := c.run("SearchDatastore_Task", t.ds.ref, false, func(*progress) (any, error) {
		if err := s.folder(t, false); err != nil {
			return nil, err
		}
		return s.out[0], nil
	})
	return &types.SearchDatastore_TaskResponse{Returnval: ref}, nil
}

func (v *vcenter) searchSubFolders(c *call, req *types.SearchDatastoreSubFolders_Task) (*types.SearchDatastoreSubFolders_TaskResponse, error) {
	s, t, err := v.newSearch(req.This, req.DatastorePath, req.SearchSpec)
	if err != nil {
		return nil, err
	}
	ref := c.run("SearchDatastoreSubFolders_Task", t.ds.ref, false, func(*progress) (any, error) {
		if err := s.folder(t, true); err != nil {
			return nil, err
		}
		return types.ArrayOfHostDatastoreBrowserSearchResults{HostDatastoreBrowserSearchResults: s.out}, nil
	})
	return &types.SearchDatastoreSubFolders_TaskResponse{Returnval: ref}, nil
}

func (v *vcenter) newSearch(browser types.ManagedObjectReference, name string, spec *types.HostDatastoreBrowserSearchSpec) (*search, target, error) {
	s := &search{v: v}
	if spec != nil {
		s.spec = *spec
	}
	ds := v.browsers[browser]
	if ds == nil {
		return nil, target{}, notFoundObject(browser)
	}
	t, err := v.locate(name, &ds.dc.ref)
	return s, t, err
}

func (s *search) folder(t target, recurse bool) error {
	fi, err := os.Stat(t.local)
	if err != nil || !fi.IsDir() {
		return fileNotFound(t.String())
	}
	entries, err := os.ReadDir(t.local)
	if err != nil {
		return localFault(err, t.String())
	}
	at := len(s.out)
	s.out = append(s.out, types.HostDatastoreBrowserSearchResults{Datastore: &t.ds.ref, FolderPath: folderPath(t)})
	for _, e := range entries {
		if t.rel == "" && e.Name() == hidden || e.Type()&os.ModeSymlink != 0 {
			continue
		}
		fi, err := e.Info()
		if err != nil {
			continue // deleted meanwhile
		}
		file := t.ds.at(path.Join(t.rel, e.Name()))
		if info := s.file(file, fi); info != nil {
			s.out[at].File = append(s.out[at].File, info)
		}
		if recurse && fi.IsDir() {
			if err := s.folder(file, true); err != nil {
				return err
			}
		}
	}
	return nil
}

// folderPath is written as vCenter does: with a slash after a directory.
func folderPath(t target) string {
	if t.rel == "" {
		return t.String()
	}
	return t.String() + "/"
}

func (s *search) file(t target, fi os.FileInfo) types.BaseFileInfo {
	if !s.named(fi.Name()) {
		return nil
	}
	d := s.spec.Details
	if d == nil {
		d = new(types.FileQueryFlags)
	}
	info := types.FileInfo{Path: fi.Name()}
	if fi.IsDir() && t.ds.vsan() && !strings.Contains(t.rel, "/") {
		info.FriendlyName = t.ds.friendlyName(fi.Name())
	}
	if d.FileSize {
		info.FileSize = fi.Size()
	}
	if d.Modification {
		m := fi.ModTime().UTC()
		info.Modification = &m
	}
	if d.FileOwner {
		info.Owner = "root"
	}
	if len(s.spec.Query) == 0 {
		return plainInfo(info, fi, d.FileType)
	}
	for _, q := range s.spec.Query {
		if found := s.query(q, t, fi, info); found != nil {
			return found
		}
	}
	return nil
}

func (s *search) named(name string) bool {
	if len(s.spec.MatchPattern) == 0 {
		return true
	}
	for _, m := range s.spec.MatchPattern {
		if isTrue(s.spec.SearchCaseInsensitive) {
			m, name = strings.ToLower(m), strings.ToLower(name)
		}
		if ok, _ := path.Match(m, name); ok {
			return true
		}
	}
	return false
}

func plainInfo(info types.FileInfo, fi os.FileInfo, typed bool) types.BaseFileInfo {
	switch {
	case fi.IsDir():
		return &types.FolderFileInfo{FileInfo: info}
	case !typed:
		return &info
	}
	switch path.Ext(info.Path) {
	case ".iso":
		return &types.IsoImageFileInfo{FileInfo: info}
	case ".log":
		return &types.VmLogFileInfo{FileInfo: info}
	case ".nvram":
		return &types.VmNvramFileInfo{FileInfo: info}
	case ".vmdk":
		if !strings.HasSuffix(info.Path, "-flat.vmdk") {
			return &types.VmDiskFileInfo{FileInfo: info}
		}
	case ".vmx":
		return &types.VmConfigFileInfo{FileInfo: info}
	}
	return &info
}

// query returns the info of a file that matches one file query.
func (s *search) query(q types.BaseFileQuery, t target, fi os.FileInfo, info types.FileInfo) types.BaseFileInfo {
	ext := path.Ext(info.Path)
	switch q := q.(type) {
	case *types.FileQuery:
		return plainInfo(info, fi, true)
	case *types.FolderFileQuery:
		if fi.IsDir() {
			return &types.FolderFileInfo{FileInfo: info}
		}
	case *types.VmDiskFileQuery:
		if !fi.IsDir() {
			return s.disk(q, t, info)
		}
	case *types.IsoImageFileQuery:
		if ext == ".iso" {
			return &types.IsoImageFileInfo{FileInfo: info}
		}
	case *types.VmConfigFileQuery:
		if ext == ".vmx" {
			return &types.VmConfigFileInfo{FileInfo: info}
		}
	case *types.VmLogFileQuery:
		if ext == ".log" {
			return &types.VmLogFileInfo{FileInfo: info}
		}
	case *types.VmNvramFileQuery:
		if ext == ".nvram" {
			return &types.VmNvramFileInfo{FileInfo: info}
		}
	}
	return nil
}

// disk lists descriptors only, and opens them for the details.
func (s *search) disk(q *types.VmDiskFileQuery, t target, info types.FileInfo) types.BaseFileInfo {
	if !strings.HasSuffix(info.Path, ".vmdk") || strings.HasSuffix(info.Path, "-flat.vmdk") {
		return nil
	}
	out := &types.VmDiskFileInfo{FileInfo: info}
	want := q.Details
	if want == nil {
		return out
	}
	d, err := s.v.openDisk(t)
	if err != nil {
		return out // listed, but without details: nobody could open it
	}
	if want.DiskType {
		out.DiskType = "VirtualDiskFlatVer2BackingInfo"
		if d.sparse {
			out.DiskType = "VirtualDiskSparseVer2BackingInfo"
		}
	}
	if want.CapacityKb {
		out.CapacityKb = d.capacity() / 1024
	}
	if want.HardwareVersion {
		out.HardwareVersion = 14
	}
	if isTrue(want.DiskExtents) && !d.sparse {
		out.DiskExtents = []string{d.flat.String()}
	}
	if isTrue(want.Thin) {
		thin := d.desc.DDB["ddb.thinProvisioned"] == "1"
		out.Thin = &thin
	}
	if d.flat.local != "" && info.FileSize > 0 {
		out.FileSize = allocated(d.flat.local) // of a disk, the space it takes
	}
	return out
}
