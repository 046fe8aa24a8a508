package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/uuid"

	"github.com/vmware/govmomi/object"
	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/simulator/vpx"
	"github.com/vmware/govmomi/vim25"
	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

// inventorySpec is what -inventory reads.
type inventorySpec struct {
	Datacenters []dcSpec `json:"datacenters"`
}

type dcSpec struct {
	Name         string   `json:"name"`
	Folder       string   `json:"folder"`
	ClusterHosts int      `json:"cluster_hosts"`
	Hosts        int      `json:"hosts"`
	Datastores   []dsSpec `json:"datastores"`
}

type dsSpec struct {
	Name     string `json:"name"`
	Type     string `json:"type"`
	Capacity int64  `json:"capacity"`
	Free     int64  `json:"free"`
}

const defaultCapacity = 1 << 40

func defaultInventory() inventorySpec {
	return inventorySpec{Datacenters: []dcSpec{
		{Name: "DC0", ClusterHosts: 3, Hosts: 1, Datastores: []dsSpec{
			{Name: "images", Type: "VMFS"},
			{Name: "work", Type: "VMFS"},
			{Name: "nfs1", Type: "NFS"},
			{Name: "vsan1", Type: "vsan"},
			{Name: "ds with space+%&ü", Type: "VMFS"},
		}},
		{Name: "DC1", Folder: "F0", Hosts: 1, Datastores: []dsSpec{{Name: "images", Type: "VMFS"}}},
	}}
}

func readInventory(file string) (inventorySpec, error) {
	if file == "" {
		return defaultInventory(), nil
	}
	var spec inventorySpec
	data, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(data, &spec)
	}
	if err == nil && len(spec.Datacenters) == 0 {
		err = fmt.Errorf("%s: no datacenters", file)
	}
	return spec, err
}

// builder fills the simulator through its own API.
type builder struct {
	v      *vcenter
	ctx    context.Context
	client *vim25.Client
	root   *object.Folder
	hosts  int
}

func (v *vcenter) createInventory() error {
	spec, err := readInventory(v.opt.inventory)
	if err != nil {
		return err
	}
	content := vpx.ServiceContent
	content.About.Version, content.About.ApiVersion, content.About.Build = "8.0.3", "8.0.3.0", "24022515"
	content.About.InstanceUuid = uuid.NewString()
	ctx, instance := simulator.NewServiceInstance(simulator.NewContext(), content, vpx.RootFolder)
	v.svc = simulator.New(ctx, instance)
	v.reg = ctx.Map
	v.svc.RegisterSDK(v.reg)
	client, err := vim25.NewClient(v.base, v.svc)
	if err != nil {
		return err
	}
	b := &builder{v: v, ctx: v.base, client: client, root: object.NewRootFolder(client)}
	for _, dc := range spec.Datacenters {
		if err := b.datacenter(dc); err != nil {
			return fmt.Errorf("datacenter %s: %w", dc.Name, err)
		}
	}
	for _, key := range []string{"org.openstack.compute", "org.openstack.storage"} {
		m := v.reg.ExtensionManager()
		m.ExtensionList = append(m.ExtensionList, types.Extension{
			Key: key, Version: "1.0", Company: "OpenStack",
			Description: &types.Description{Label: key, Summary: key},
		})
	}
	v.reg.Handler = v.watchSessions
	return nil
}

func (b *builder) datacenter(spec dcSpec) error {
	parent, path := b.root, spec.Name
	if spec.Folder != "" {
		f, err := b.root.CreateFolder(b.ctx, spec.Folder)
		if err != nil {
			return err
		}
		parent, path = f, spec.Folder+"/"+spec.Name
	}
	dc, err := parent.CreateDatacenter(b.ctx, spec.Name)
	if err != nil {
		return err
	}
	d := &datacenter{name: spec.Name, path: path, ref: dc.Reference()}
	b.v.dcs = append(b.v.dcs, d)
	folders, err := dc.Folders(b.ctx)
	if err != nil {
		return err
	}
	if err := b.addHosts(d, spec, folders.HostFolder); err != nil {
		return err
	}
	for _, s := range spec.Datastores {
		if err := b.datastore(d, s); err != nil {
			return fmt.Errorf("datastore %s: %w", s.Name, err)
		}
	}
	return nil
}

func (b *builder) addHosts(d *datacenter, spec dcSpec, folder *object.Folder) error {
	if spec.ClusterHosts > 0 {
		cluster, err := folder.CreateCluster(b.ctx, spec.Name+"_C0", types.ClusterConfigSpecEx{})
		if err != nil {
			return err
		}
		for range spec.ClusterHosts {
			if err := b.host(d, func(s types.HostConnectSpec) (*object.Task, error) {
				return cluster.AddHost(b.ctx, s, true, nil, nil)
			}); err != nil {
				return err
			}
		}
	}
	for range spec.Hosts {
		if err := b.host(d, func(s types.HostConnectSpec) (*object.Task, error) {
			return folder.AddStandaloneHost(b.ctx, s, true, nil, nil)
		}); err != nil {
			return err
		}
	}
	return nil
}

// host gets an address of its own for a name, so that it can be reached by it.
func (b *builder) host(d *datacenter, add func(types.HostConnectSpec) (*object.Task, error)) error {
	b.hosts++
	name := fmt.Sprintf("127.0.0.%d", b.hosts+1)
	task, err := add(types.HostConnectSpec{HostName: name})
	if err != nil {
		return err
	}
	info, err := task.WaitForResult(b.ctx)
	if err != nil {
		return err
	}
	ref := info.Result.(types.ManagedObjectReference)
	b.v.hosts = append(b.v.hosts, &host{name: name, ref: ref, dc: d})
	obj := b.v.reg.Get(ref).(*simulator.HostSystem)
	obj.Runtime.ConnectionState = types.HostSystemConnectionStateConnected
	obj.Summary.Runtime = &obj.Runtime
	manage(obj, name)
	return nil
}

// manage puts the address where clients look for the management network.
func manage(h *simulator.HostSystem, address string) {
	if h.Config == nil || h.Config.VirtualNicManagerInfo == nil {
		return
	}
	configs := h.Config.VirtualNicManagerInfo.NetConfig
	for i := range configs {
		for j := range configs[i].CandidateVnic {
			nic := &configs[i].CandidateVnic[j]
			ip := *nic.Spec.Ip
			ip.IpAddress = address
			nic.Spec.Ip = &ip
		}
	}
}

func (b *builder) datastore(d *datacenter, spec dsSpec) error {
	v := b.v
	if spec.Capacity == 0 {
		spec.Capacity = defaultCapacity
	}
	if spec.Free == 0 || spec.Free > spec.Capacity {
		spec.Free = spec.Capacity
	}
	ds := &datastore{
		dc: d, kind: spec.Type, name: spec.Name, capacity: spec.Capacity, free: spec.Free, uuid: uuid.NewString(),
		dir: filepath.Join(v.opt.state, "datastores", fmt.Sprintf("%s-%d-%s", d.name, len(d.stores), fileName(spec.Name))),
	}
	if err := os.MkdirAll(ds.dir, 0o755); err != nil {
		return err
	}
	for _, h := range v.hosts {
		if h.dc != d {
			continue
		}
		obj := v.reg.Get(h.ref).(*simulator.HostSystem)
		res, err := methods.CreateLocalDatastore(b.ctx, v.svc, &types.CreateLocalDatastore{
			This: *obj.ConfigManager.DatastoreSystem, Name: ds.name, Path: ds.dir,
		})
		if err != nil {
			return err
		}
		if ds.ref.Value == "" {
			ds.ref = res.Returnval
		}
	}
	if ds.ref = d.find(v, spec.Name); ds.ref.Value == "" {
		return fmt.Errorf("no host mounts it")
	}
	d.stores = append(d.stores, ds)
	v.stores = append(v.stores, ds)
	v.browsers[v.reg.Get(ds.ref).(*simulator.Datastore).Browser] = ds
	return nil
}

// find asks the simulator's datacenter for a datastore of that name.
func (d *datacenter) find(v *vcenter, name string) types.ManagedObjectReference {
	dc := v.reg.Get(d.ref).(*simulator.Datacenter)
	if e := v.reg.FindByName(name, dc.Datastore); e != nil {
		return e.Reference()
	}
	return types.ManagedObjectReference{}
}

// fileName makes a name that is harmless in any shell of a test.
func fileName(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-', r == '_':
			return r
		}
		return '_'
	}, s)
}
