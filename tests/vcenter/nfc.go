package main

import (
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/vmware/govmomi/simulator"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// lease is an NFC lease: an import that is filled or an export that is read.
type lease struct {
	mo.HttpNfcLease // holds Self only

	v      *vcenter
	export bool
	token  string

	mu       sync.Mutex
	state    types.HttpNfcLeaseState
	info     *types.HttpNfcLeaseInfo
	err      *types.LocalizedMethodFault
	progress int32
	renewed  time.Time
	timeout  time.Duration
	files    map[string]*leaseFile
	busy     map[*transfer]bool
	idle     *sync.Cond
}

// leaseFile is one disk of a lease.
type leaseFile struct {
	disk *disk
	key  string
	sum  string
	size int64
	done bool
	err  error
}

type leaseTable struct {
	mu  sync.Mutex
	all map[string]*lease // by the token of the URL, which is the credential
}

func newLeaseTable() *leaseTable { return &leaseTable{all: make(map[string]*lease)} }

func (t *leaseTable) find(token string) *lease {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.all[token]
}

func (l *lease) snapshot() mo.Reference {
	l.mu.Lock()
	defer l.mu.Unlock()
	out := &mo.HttpNfcLease{
		Self: l.Self, TransferProgress: l.progress, State: l.state, Error: l.err,
		Capabilities: types.HttpNfcLeaseCapabilities{PullModeSupported: false, CorsSupported: false},
	}
	if l.state == types.HttpNfcLeaseStateReady || l.state == types.HttpNfcLeaseStateDone {
		info := *l.info
		out.Info = &info
	}
	return out
}

func (c *call) newLease(export bool) *lease {
	l := &lease{
		v: c.v, export: export, token: randomHex(16), state: types.HttpNfcLeaseStateInitializing,
		files: make(map[string]*leaseFile), busy: make(map[*transfer]bool), renewed: time.Now(),
		timeout: time.Duration(c.v.settings.get().LeaseSeconds) * time.Second,
	}
	l.idle = sync.NewCond(&l.mu)
	l.Self = sessionRef(c, "HttpNfcLease")
	c.v.reg.Put(l)
	c.v.leases.mu.Lock()
	c.v.leases.all[l.token] = l
	c.v.leases.mu.Unlock()
	return l
}

// importVApp makes the machine of the spec with empty disks, in the background.
func (v *vcenter) importVApp(c *call, req *types.ImportVApp) (*types.ImportVAppResponse, error) {
	spec, ok := req.Spec.(*types.VirtualMachineImportSpec)
	if !ok {
		return nil, invalidArgument("spec")
	}
	dc := v.datacenterOf(req.This)
	if dc == nil {
		return nil, notFoundObject(req.This)
	}
	folder := v.reg.Get(dc.ref).(*simulator.Datacenter).VmFolder
	if req.Folder != nil {
		folder = *req.Folder
	}
	if _, ok := v.reg.Get(folder).(*simulator.Folder); !ok {
		return nil, notFoundObject(folder)
	}
	if err := v.checkVM(dc, &spec.ConfigSpec, req.This, req.Host); err != nil {
		return nil, err
	}
	l := c.newLease(false)
	create := &types.CreateVM_Task{This: folder, Config: spec.ConfigSpec, Pool: req.This, Host: req.Host}
	l.prepare(c, "ImportVApp", func(p *progress) (types.ManagedObjectReference, error) {
		return v.buildVM(p, dc, create)
	})
	return &types.ImportVAppResponse{Returnval: l.Self}, nil
}

func (v *vcenter) exportVM(c *call, req *types.ExportVm) (*types.ExportVmResponse, error) {
	vm, err := v.machine(req.This)
	if err != nil {
		return nil, err
	}
	if vm.Runtime.PowerState == types.VirtualMachinePowerStatePoweredOn {
		return nil, fail(&types.InvalidPowerState{ExistingState: vm.Runtime.PowerState}, "The machine is powered on")
	}
	l := c.newLease(true)
	l.prepare(c, "ExportVm", func(*progress) (types.ManagedObjectReference, error) { return req.This, nil })
	return &types.ExportVmResponse{Returnval: l.Self}, nil
}

// prepare turns a lease ready, or into an error, as a task of its own.
func (l *lease) prepare(c *call, name string, machine func(*progress) (types.ManagedObjectReference, error)) {
	c.run(name, c.this, false, func(p *progress) (any, error) {
		ref, err := machine(p)
		if err == nil {
			err = p.rule.taskFaultAtEnd(p.name())
		}
		if err == nil {
			err = l.ready(ref)
		}
		if err != nil {
			l.fail(err)
			return nil, err
		}
		go l.watch()
		return nil, nil
	})
}

func (l *lease) fail(err error) {
	l.mu.Lock()
	l.state, l.err = types.HttpNfcLeaseStateError, localized(err)
	l.mu.Unlock()
	l.v.tasks.wake()
}

// ready publishes one URL for every disk of the machine.
func (l *lease) ready(ref types.ManagedObjectReference) error {
	vm, err := l.v.machine(ref)
	if err != nil {
		return err
	}
	dc := l.v.datacenterOf(ref)
	info := &types.HttpNfcLeaseInfo{Lease: l.Self, Entity: ref, LeaseTimeout: int32(l.timeout.Seconds())}
	files := make(map[string]*leaseFile)
	for i, d := range disksOf(vm) {
		opened, err := l.v.openBacking(dc, fileOf(d))
		if err != nil {
			return err
		}
		name := fmt.Sprintf("disk-%d.vmdk", i)
		u := types.HttpNfcLeaseDeviceUrl{
			Key:       fmt.Sprintf("/%s/VirtualLsiLogicController0:%d", ref.Value, i),
			ImportKey: fmt.Sprintf("/%s/VirtualLsiLogicController0:%d", vm.Name, i),
			Url:       fmt.Sprintf("https://%s/nfc/%s/%s", l.v.leaseHost(vm), l.token, name),
			Disk:      types.NewBool(true), TargetId: name, SslThumbprint: l.v.leaseThumbprint(),
			DatastoreKey: opened.at.ds.url(),
		}
		files[name] = &leaseFile{disk: opened, key: u.Key}
		info.DeviceUrl = append(info.DeviceUrl, u)
		info.TotalDiskCapacityInKB += opened.capacity() / 1024
	}
	l.mu.Lock()
	l.info, l.files, l.state, l.renewed = info, files, types.HttpNfcLeaseStateReady, time.Now()
	l.mu.Unlock()
	l.v.tasks.wake()
	return nil
}

// leaseHost is the server part of a lease's URLs: normally that of the host on
// which the machine is, whose certificate only the thumbprint vouches for.
func (v *vcenter) leaseHost(vm *mo.VirtualMachine) string {
	switch v.settings.get().NFCHost {
	case "vcenter":
		return v.addr.String()
	case "*":
		return fmt.Sprintf("*:%d", v.addr.Port)
	}
	for _, h := range v.hosts {
		if vm.Runtime.Host != nil && h.ref == *vm.Runtime.Host {
			return fmt.Sprintf("%s:%d", h.name, v.esxPort)
		}
	}
	return v.addr.String()
}

func (v *vcenter) leaseThumbprint() string {
	if v.settings.get().NFCHost == "esx" {
		return v.certs.esxSHA1
	}
	return v.certs.vcenterSHA1
}

// watch ends a lease whose client reports no progress.
func (l *lease) watch() {
	for {
		select {
		case <-l.v.base.Done():
			return
		case <-time.After(50 * time.Millisecond):
		}
		l.mu.Lock()
		over := time.Since(l.renewed) > l.timeout
		live := l.state == types.HttpNfcLeaseStateReady
		l.mu.Unlock()
		switch {
		case !live:
			return
		case over:
			l.fail(fail(&types.Timedout{}, "Operation timed out."))
			l.revoke()
			l.discard()
			return
		}
	}
}

// revoke makes the URLs of the lease invalid.
func (l *lease) revoke() {
	l.v.leases.mu.Lock()
	defer l.v.leases.mu.Unlock()
	delete(l.v.leases.all, l.token)
}

// discard removes the half-made machine of an import.
func (l *lease) discard() {
	if l.export || l.info == nil {
		return
	}
	l.mu.Lock()
	for t := range l.busy {
		_ = http.NewResponseController(t.w).SetReadDeadline(time.Now()) // cuts an upload that goes on
	}
	for len(l.busy) > 0 {
		l.idle.Wait()
	}
	l.mu.Unlock()
	p := &progress{ctx: l.v.base, v: l.v, t: new(task)}
	_ = l.v.destroy(p, l.info.Entity)
}

func (c *call) lease(ref types.ManagedObjectReference) (*lease, error) {
	l, ok := c.v.reg.Get(ref).(*lease)
	if !ok {
		return nil, notFoundObject(ref)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.state != types.HttpNfcLeaseStateReady {
		return nil, fail(&types.InvalidState{}, "The lease is not ready but %s", l.state)
	}
	return l, nil
}

func (v *vcenter) leaseProgress(c *call, req *types.HttpNfcLeaseProgress) (*types.HttpNfcLeaseProgressResponse, error) {
	l, err := c.lease(req.This)
	if err != nil {
		return nil, err
	}
	if req.Percent < 0 || req.Percent > 100 {
		return nil, invalidArgument("percent")
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.progress, l.renewed = req.Percent, time.Now()
	return new(types.HttpNfcLeaseProgressResponse), nil
}

// uploadGrace is how long Complete waits for an upload that has not begun: the
// drivers send it and complete the lease without waiting for the answer.
const uploadGrace = 5 * time.Second

func (v *vcenter) leaseComplete(c *call, req *types.HttpNfcLeaseComplete) (*types.HttpNfcLeaseCompleteResponse, error) {
	l, err := c.lease(req.This)
	if err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(uploadGrace); !l.export && !l.touched() && time.Now().Before(deadline); {
		time.Sleep(10 * time.Millisecond)
	}
	l.mu.Lock()
	for len(l.busy) > 0 {
		l.idle.Wait()
	}
	for _, f := range l.files {
		if f.err != nil && err == nil {
			err = f.err
		}
	}
	l.state = types.HttpNfcLeaseStateDone
	l.mu.Unlock()
	l.revoke()
	v.reg.Remove(v.simContext(), l.Self)
	v.tasks.wake()
	return new(types.HttpNfcLeaseCompleteResponse), err
}

// touched tells whether an upload for every disk has begun.
func (l *lease) touched() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, f := range l.files {
		if !f.done && len(l.busy) == 0 {
			return false
		}
	}
	return true
}

func (v *vcenter) leaseAbort(c *call, req *types.HttpNfcLeaseAbort) (*types.HttpNfcLeaseAbortResponse, error) {
	l, ok := v.reg.Get(req.This).(*lease)
	if !ok {
		return nil, notFoundObject(req.This)
	}
	l.mu.Lock()
	ready := l.state == types.HttpNfcLeaseStateReady
	l.state = types.HttpNfcLeaseStateError
	l.mu.Unlock()
	l.revoke()
	if ready {
		l.discard()
	}
	v.reg.Remove(v.simContext(), l.Self)
	v.tasks.wake()
	return new(types.HttpNfcLeaseAbortResponse), nil
}

func (v *vcenter) leaseManifest(c *call, req *types.HttpNfcLeaseGetManifest) (*types.HttpNfcLeaseGetManifestResponse, error) {
	l, err := c.lease(req.This)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	res := new(types.HttpNfcLeaseGetManifestResponse)
	for _, f := range l.files {
		if !f.done {
			continue
		}
		res.Returnval = append(res.Returnval, types.HttpNfcLeaseManifestEntry{
			Key: f.key, Sha1: f.sum, Checksum: f.sum, ChecksumType: "sha1", Size: f.size,
			Disk: true, Capacity: f.disk.capacity(), PopulatedSize: allocated(f.disk.flat.local),
		})
	}
	return res, nil
}
