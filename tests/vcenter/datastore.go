package main

import (
	"context"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

type datacenter struct {
	name, path string
	ref        types.ManagedObjectReference
	stores     []*datastore
}

type host struct {
	name string
	ref  types.ManagedObjectReference
	dc   *datacenter
}

// datastore is a directory of this machine with the rules of a datastore.
type datastore struct {
	dc   *datacenter
	ref  types.ManagedObjectReference
	kind string // VMFS, NFS, vsan
	dir  string
	uuid string

	mu       sync.Mutex
	name     string
	capacity int64
	free     int64
}

func (ds *datastore) getName() string {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.name
}

func (ds *datastore) vsan() bool { return ds.kind == "vsan" }

// url is the address that the API shows; no client learns the real directory.
func (ds *datastore) url() string { return "ds:///vmfs/volumes/" + ds.uuid + "/" }

func (ds *datastore) space() (capacity, free int64) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	return ds.capacity, ds.free
}

// take uses up space, and fails when there is not that much.
func (ds *datastore) take(n int64) bool {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	if n > ds.free {
		return false
	}
	ds.free -= n
	return true
}

func (ds *datastore) give(n int64) {
	ds.mu.Lock()
	defer ds.mu.Unlock()
	ds.free = min(ds.free+n, ds.capacity)
}

// allocated is what a file or a tree occupies.
func allocated(p string) int64 {
	var n int64
	_ = filepath.Walk(p, func(_ string, fi os.FileInfo, err error) error {
		if err != nil {
			return nil
		}
		if st, ok := fi.Sys().(*syscall.Stat_t); ok && fi.Mode().IsRegular() {
			n += st.Blocks * 512
		}
		return nil
	})
	return n
}

// target is a resolved datastore path.
type target struct {
	ds    *datastore
	rel   string // below the datastore, without slashes at the ends
	local string
}

func (t target) String() string {
	if t.rel == "" {
		return "[" + t.ds.getName() + "]"
	}
	return "[" + t.ds.getName() + "] " + t.rel
}

func (t target) sibling(name string) target {
	return t.ds.at(path.Join(path.Dir(t.rel), name))
}

func (t target) parentExists() bool {
	fi, err := os.Stat(filepath.Dir(t.local))
	return err == nil && fi.IsDir()
}

func (t target) exists() bool {
	_, err := os.Stat(t.local)
	return err == nil
}

// hidden is the directory where a vsan datastore keeps its objects.
const hidden = ".objects"

func (ds *datastore) at(rel string) target {
	rel = strings.Trim(path.Clean("/"+rel), "/")
	return target{ds: ds, rel: rel, local: filepath.Join(ds.dir, filepath.FromSlash(rel))}
}

var datastorePath = regexp.MustCompile(`^\[([^\]]+)\](?: (.*))?$`)

// locate resolves "[name] path" in a datacenter, or a full URL.
func (v *vcenter) locate(name string, dc *types.ManagedObjectReference) (target, error) {
	if strings.HasPrefix(name, "https://") || strings.HasPrefix(name, "http://") {
		return v.locateURL(name)
	}
	m := datastorePath.FindStringSubmatch(name)
	if m == nil || !cleanPath(m[2]) {
		return target{}, fail(&types.InvalidDatastorePath{DatastorePath: name}, "Invalid datastore path '%s'.", name)
	}
	if dc == nil {
		return target{}, invalidArgument("datacenter")
	}
	d := v.datacenter(*dc)
	if d == nil {
		return target{}, notFoundObject(*dc)
	}
	ds := d.store(m[1])
	if ds == nil {
		return target{}, fail(&types.InvalidDatastore{Name: m[1]}, "Invalid datastore '%s'.", m[1])
	}
	return ds.at(m[2]), nil
}

// cleanPath refuses what leads out of the datastore or into hidden places.
func cleanPath(p string) bool {
	if strings.HasPrefix(p, "/") || strings.HasPrefix(p, " ") || strings.ContainsRune(p, 0) {
		return false
	}
	for part := range strings.SplitSeq(p, "/") {
		if part == ".." || part == hidden {
			return false
		}
	}
	return true
}

func (v *vcenter) locateURL(name string) (target, error) {
	bad := fail(&types.InvalidDatastorePath{DatastorePath: name}, "Invalid datastore path '%s'.", name)
	u, err := url.Parse(name)
	if err != nil || !strings.HasPrefix(u.Path, "/folder/") || !cleanPath(u.Path[len("/folder/"):]) {
		return target{}, bad
	}
	ds := v.findStore(u.Query().Get("dcPath"), u.Query().Get("dsName"))
	if ds == nil {
		return target{}, bad
	}
	return ds.at(u.Path[len("/folder/"):]), nil
}

func (v *vcenter) datacenter(ref types.ManagedObjectReference) *datacenter {
	for _, d := range v.dcs {
		if d.ref == ref {
			return d
		}
	}
	return nil
}

func (d *datacenter) store(name string) *datastore {
	for _, ds := range d.stores {
		if ds.getName() == name {
			return ds
		}
	}
	return nil
}

// findStore resolves the query of a /folder URL.
func (v *vcenter) findStore(dcPath, dsName string) *datastore {
	for _, d := range v.dcs {
		if dcPath != "" && strings.Trim(dcPath, "/") == d.path {
			return d.store(dsName)
		}
	}
	return nil
}

func (v *vcenter) storeByRef(ref types.ManagedObjectReference) *datastore {
	for _, ds := range v.stores {
		if ds.ref == ref {
			return ds
		}
	}
	return nil
}

// present replaces what the simulator believes of a datastore by what clients see.
func (v *vcenter) present(m *mo.Datastore) {
	ds := v.storeByRef(m.Self)
	if ds == nil {
		return
	}
	m.Name, m.Summary.Name = ds.getName(), ds.getName()
	m.Summary.Type, m.Summary.Url = ds.kind, ds.url()
	m.Summary.Capacity, m.Summary.FreeSpace = ds.space()
	m.Summary.MultipleHostAccess = types.NewBool(len(m.Host) > 1)
	m.Summary.Uncommitted = 0
	info := types.DatastoreInfo{
		Name: m.Name, Url: ds.url(), FreeSpace: m.Summary.FreeSpace,
		MaxFileSize: 62 << 40, MaxVirtualDiskCapacity: 62 << 40, Timestamp: m.Info.GetDatastoreInfo().Timestamp,
	}
	volume := types.HostFileSystemVolume{Type: ds.kind, Name: m.Name, Capacity: m.Summary.Capacity}
	switch ds.kind {
	case "NFS", "NFS41":
		m.Info = &types.NasDatastoreInfo{DatastoreInfo: info, Nas: &types.HostNasVolume{
			HostFileSystemVolume: volume, RemoteHost: "nas.test", RemotePath: "/" + ds.uuid,
		}}
	case "vsan":
		m.Info = &types.VsanDatastoreInfo{DatastoreInfo: info, MembershipUuid: ds.uuid}
	default:
		m.Info = &types.VmfsDatastoreInfo{DatastoreInfo: info, Vmfs: &types.HostVmfsVolume{
			HostFileSystemVolume: volume, BlockSizeMb: 1, BlockSize: 1024, MajorVersion: 6, Version: "6.82", Uuid: ds.uuid,
			Extent: []types.HostScsiDiskPartition{{DiskName: "naa." + ds.uuid, Partition: 1}},
		}}
	}
	m.Capability.DirectoryHierarchySupported = true
	m.Capability.PerFileThinProvisioningSupported = true
	m.Capability.VmfsSparseSupported = types.NewBool(!ds.vsan())
	m.Capability.TopLevelDirectoryCreateSupported = types.NewBool(!ds.vsan())
}

func (v *vcenter) refreshDatastore(_ *call, _ *types.RefreshDatastore) (*types.RefreshDatastoreResponse, error) {
	return new(types.RefreshDatastoreResponse), nil
}

func (v *vcenter) simContext() *simulator.Context {
	return &simulator.Context{Context: context.Background(), Map: v.reg}
}

// lockTable knows which files are in use.
type lockTable struct {
	mu   sync.Mutex
	held map[string]int // readers; -1 is a writer
}

func newLockTable() *lockTable { return &lockTable{held: make(map[string]int)} }

// acquire locks a file for reading or writing. It fails instead of waiting.
func (l *lockTable) acquire(t target, write bool) (release func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.held[t.local]
	if n < 0 || write && n > 0 {
		return nil, fileLocked(t.String())
	}
	if write {
		l.held[t.local] = -1
	} else {
		l.held[t.local] = n + 1
	}
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.held[t.local] > 1 {
			l.held[t.local]--
		} else {
			delete(l.held, t.local)
		}
	}, nil
}

// busy names a locked file at or below a path.
func (l *lockTable) busy(local string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for p := range l.held {
		if p == local || strings.HasPrefix(p, local+string(filepath.Separator)) {
			return true
		}
	}
	return false
}
