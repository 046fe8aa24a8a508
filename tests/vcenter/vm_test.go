package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/mo"
	"github.com/vmware/govmomi/vim25/types"
)

// parts of the inventory that a machine needs.
func (w *world) place() (folder, pool types.ManagedObjectReference) {
	w.t.Helper()
	var dc mo.Datacenter
	pc := w.collector()
	w.must(pc.RetrieveOne(w.ctx, w.dc, []string{"vmFolder"}, &dc))
	var hs mo.HostSystem
	w.must(pc.RetrieveOne(w.ctx, w.v.hosts[0].ref, []string{"parent"}, &hs))
	var cr mo.ComputeResource
	w.must(pc.RetrieveOne(w.ctx, *hs.Parent, []string{"resourcePool"}, &cr))
	return dc.VmFolder, *cr.ResourcePool
}

func vmSpec(name string, devices ...types.BaseVirtualDeviceConfigSpec) types.VirtualMachineConfigSpec {
	return types.VirtualMachineConfigSpec{
		Name: name, GuestId: "otherGuest", NumCPUs: 1, MemoryMB: 64,
		Files: &types.VirtualMachineFileInfo{VmPathName: "[work]"},
		DeviceChange: append([]types.BaseVirtualDeviceConfigSpec{&types.VirtualDeviceConfigSpec{
			Operation: types.VirtualDeviceConfigSpecOperationAdd,
			Device: &types.VirtualLsiLogicController{VirtualSCSIController: types.VirtualSCSIController{
				SharedBus:         types.VirtualSCSISharingNoSharing,
				VirtualController: types.VirtualController{VirtualDevice: types.VirtualDevice{Key: -100}, BusNumber: 0},
			}},
		}}, devices...),
	}
}

func diskSpec(file, parent string, kb int64, create bool) *types.VirtualDeviceConfigSpec {
	b := &types.VirtualDiskFlatVer2BackingInfo{DiskMode: "persistent"}
	b.FileName = file
	if parent != "" {
		b.Parent = &types.VirtualDiskFlatVer2BackingInfo{DiskMode: "persistent"}
		b.Parent.FileName = parent
	}
	s := &types.VirtualDeviceConfigSpec{
		Operation: types.VirtualDeviceConfigSpecOperationAdd,
		Device: &types.VirtualDisk{
			VirtualDevice: types.VirtualDevice{Key: -101, ControllerKey: -100, UnitNumber: types.NewInt32(0), Backing: b},
			CapacityInKB:  kb,
		},
	}
	if create {
		s.FileOperation = types.VirtualDeviceConfigSpecFileOperationCreate
	}
	return s
}

func (w *world) createVM(spec types.VirtualMachineConfigSpec) types.ManagedObjectReference {
	w.t.Helper()
	folder, pool := w.place()
	res, err := methods.CreateVM_Task(w.ctx, w.c, &types.CreateVM_Task{This: folder, Config: spec, Pool: pool})
	w.must(err)
	if f := w.wait(res.Returnval); f != "" {
		w.t.Fatal(f)
	}
	return w.result(res.Returnval).(types.ManagedObjectReference)
}

func (w *world) result(task types.ManagedObjectReference) any {
	w.t.Helper()
	var t mo.Task
	w.must(w.collector().RetrieveOne(w.ctx, task, []string{"info"}, &t))
	return t.Info.Result
}

func (w *world) reconfig(vm types.ManagedObjectReference, ch ...types.BaseVirtualDeviceConfigSpec) string {
	w.t.Helper()
	for _, c := range ch {
		if d := c.GetVirtualDeviceConfigSpec().Device.GetVirtualDevice(); d.ControllerKey == -100 {
			d.ControllerKey = w.controller(vm)
		}
	}
	res, err := methods.ReconfigVM_Task(w.ctx, w.c, &types.ReconfigVM_Task{This: vm, Spec: types.VirtualMachineConfigSpec{DeviceChange: ch}})
	w.must(err)
	return w.wait(res.Returnval)
}

func (w *world) controller(vm types.ManagedObjectReference) int32 {
	m, err := w.v.machine(vm)
	w.must(err)
	for _, d := range m.Config.Hardware.Device {
		if c, ok := d.(*types.VirtualLsiLogicController); ok {
			return c.Key
		}
	}
	w.t.Fatal("no controller")
	return 0
}

func TestLinkedCloneAndFullCloneHaveTheContent(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[work] cache")
	if f := w.createDisk("[work] cache/base.vmdk", 2048); f != "" {
		t.Fatal(f)
	}
	raw := rawImage(t, 2<<20)
	w.must(os.WriteFile(w.store("work").at("cache/base-flat.vmdk").local, raw, 0o644))

	vm := w.createVM(vmSpec("guest"))
	if f := w.reconfig(vm, diskSpec("", "[work] cache/none.vmdk", 2048, true)); f != "FileNotFound" {
		t.Errorf("missing parent: %q", f)
	}
	if f := w.reconfig(vm, diskSpec("[work] cache/none.vmdk", "", 0, false)); f != "FileNotFound" {
		t.Errorf("missing disk: %q", f)
	}
	if f := w.reconfig(vm, diskSpec("", "[work] cache/base.vmdk", 2048, true)); f != "" {
		t.Fatalf("linked clone: %q", f)
	}
	res, err := methods.DeleteVirtualDisk_Task(w.ctx, w.c, &types.DeleteVirtualDisk_Task{This: w.vdm(), Name: "[work] cache/base.vmdk", Datacenter: &w.dc})
	w.must(err)
	if f := w.wait(res.Returnval); f != "CannotDeleteFile" {
		t.Errorf("deletion of a parent: %q", f)
	}

	folder, pool := w.place()
	clone, err := methods.CloneVM_Task(w.ctx, w.c, &types.CloneVM_Task{
		This: vm, Folder: folder, Name: "copy", Spec: types.VirtualMachineCloneSpec{Location: types.VirtualMachineRelocateSpec{Pool: &pool}},
	})
	w.must(err)
	if f := w.wait(clone.Returnval); f != "" {
		t.Fatalf("clone: %q", f)
	}
	got, err := os.ReadFile(w.store("work").at("copy/copy-flat.vmdk").local)
	w.must(err)
	if !bytes.Equal(got, raw) {
		t.Error("the clone's disk differs")
	}
	if _, err := w.v.openDisk(w.store("work").at("copy/copy.vmdk")); err != nil {
		t.Error(err)
	}
}

func TestDetachedDiskSurvivesDestroy(t *testing.T) {
	w := newWorld(t)
	vm := w.createVM(vmSpec("victim", diskSpec("", "", 1024, true)))
	flat := w.store("work").at("victim/victim-flat.vmdk")
	fi, err := os.Stat(flat.local)
	w.must(err)
	if fi.Size() != 1<<20 {
		t.Errorf("the extent has %d bytes", fi.Size())
	}
	m, err := w.v.machine(vm)
	w.must(err)
	d := disksOf(m)[0]
	if f := w.reconfig(vm, &types.VirtualDeviceConfigSpec{Operation: types.VirtualDeviceConfigSpecOperationRemove, Device: d}); f != "" {
		t.Fatal(f)
	}
	res, err := methods.Destroy_Task(w.ctx, w.c, &types.Destroy_Task{This: vm})
	w.must(err)
	if f := w.wait(res.Returnval); f != "" {
		t.Fatal(f)
	}
	if !flat.exists() {
		t.Error("the detached disk is gone")
	}
	if w.store("work").at("victim/victim.vmx").exists() {
		t.Error("the machine's own file is still there")
	}
}

func (w *world) lease(ref types.ManagedObjectReference) mo.HttpNfcLease {
	w.t.Helper()
	for range 500 {
		var l mo.HttpNfcLease
		w.must(w.collector().RetrieveOne(w.ctx, ref, []string{"state", "info", "error"}, &l))
		if l.State != types.HttpNfcLeaseStateInitializing {
			return l
		}
		time.Sleep(5 * time.Millisecond)
	}
	w.t.Fatal("the lease does not get ready")
	return mo.HttpNfcLease{}
}

func (w *world) importVM(name string) mo.HttpNfcLease {
	w.t.Helper()
	folder, pool := w.place()
	res, err := methods.ImportVApp(w.ctx, w.c, &types.ImportVApp{
		This: pool, Folder: &folder,
		Spec: &types.VirtualMachineImportSpec{ConfigSpec: vmSpec(name, diskSpec("[work]", "", 4096, true))},
	})
	w.must(err)
	l := w.lease(res.Returnval)
	l.Self = res.Returnval
	if l.State != types.HttpNfcLeaseStateReady {
		w.t.Fatalf("lease: %s %v", l.State, l.Error)
	}
	return l
}

func TestImportAndExport(t *testing.T) {
	w := newWorld(t)
	raw := rawImage(t, 3<<20)
	l := w.importVM("imported")
	res, body := w.do("POST", l.Info.DeviceUrl[0].Url, "", bytes.NewReader(qemuConvert(t, raw, "streamOptimized")))
	if res == nil || res.StatusCode/100 != 2 {
		t.Fatalf("upload: %s", body)
	}
	_, err := methods.HttpNfcLeaseComplete(w.ctx, w.c, &types.HttpNfcLeaseComplete{This: l.Self})
	w.must(err)
	got, err := os.ReadFile(w.store("work").at("imported/imported-flat.vmdk").local)
	w.must(err)
	if !bytes.Equal(got, raw) {
		t.Error("the imported disk differs")
	}
	if _, err := w.v.openDisk(w.store("work").at("imported/imported.vmdk")); err != nil {
		t.Error(err)
	}

	exp, err := methods.ExportVm(w.ctx, w.c, &types.ExportVm{This: l.Info.Entity})
	w.must(err)
	out := w.lease(exp.Returnval)
	res, stream := w.do("GET", out.Info.DeviceUrl[0].Url, "", nil)
	if res == nil || res.StatusCode != 200 {
		t.Fatalf("download: %s", stream)
	}
	file := filepath.Join(t.TempDir(), "out.vmdk")
	w.must(os.WriteFile(file, stream, 0o644))
	msg, err := exec.Command("qemu-img", "convert", "-f", "vmdk", "-O", "raw", file, file+".raw").CombinedOutput()
	if err != nil {
		t.Fatalf("qemu-img does not read the export: %s", msg)
	}
	back, err := os.ReadFile(file + ".raw")
	w.must(err)
	if !bytes.Equal(back, raw) {
		t.Error("the exported disk differs")
	}
	_, err = methods.HttpNfcLeaseAbort(w.ctx, w.c, &types.HttpNfcLeaseAbort{This: exp.Returnval})
	w.must(err)
}

func TestImportRefusesWhatIsNoStream(t *testing.T) {
	w := newWorld(t)
	good := qemuConvert(t, rawImage(t, 1<<20), "streamOptimized")
	old := bytes.Clone(good)
	old[4] = 1
	for name, data := range map[string][]byte{
		"garbage": []byte(strings.Repeat("x", 5000)),
		"version": old,
		"short":   good[:66<<10],
		"hosted":  qemuConvert(t, rawImage(t, 1<<20), "monolithicSparse"),
	} {
		l := w.importVM(name)
		w.do("PUT", l.Info.DeviceUrl[0].Url, "", bytes.NewReader(data))
		_, err := methods.HttpNfcLeaseComplete(w.ctx, w.c, &types.HttpNfcLeaseComplete{This: l.Self})
		if err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestLeaseExpiresAndAborts(t *testing.T) {
	w := newWorld(t)
	w.post("/settings", fields{"lease_seconds": 3})
	l := w.importVM("expired")
	w.post("/settings", fields{"lease_seconds": 300})
	w.eventually("the lease expires", func() bool {
		return w.lease(l.Self).State == types.HttpNfcLeaseStateError
	})
	if res, _ := w.do("PUT", l.Info.DeviceUrl[0].Url, "", strings.NewReader("x")); res != nil && res.StatusCode != 404 {
		t.Errorf("upload after the end: %d", res.StatusCode)
	}

	l = w.importVM("aborted")
	_, err := methods.HttpNfcLeaseAbort(w.ctx, w.c, &types.HttpNfcLeaseAbort{This: l.Self})
	w.must(err)
	if w.store("work").at("aborted").exists() {
		t.Error("the aborted import left its directory")
	}
}

func TestUploadIsAwaitedByComplete(t *testing.T) {
	w := newWorld(t)
	l := w.importVM("early")
	data := qemuConvert(t, rawImage(t, 1<<20), "streamOptimized")
	r, pw := io.Pipe()
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.do("POST", l.Info.DeviceUrl[0].Url, "", r)
	}()
	_, err := pw.Write(data[:4096])
	w.must(err)
	go func() {
		time.Sleep(200 * time.Millisecond)
		_, _ = pw.Write(data[4096:])
		_ = pw.Close()
	}()
	_, err = methods.HttpNfcLeaseComplete(w.ctx, w.c, &types.HttpNfcLeaseComplete{This: l.Self})
	w.must(err)
	if d, err := w.v.openDisk(w.store("work").at("early/early.vmdk")); err != nil || d.capacity() != 1<<20 {
		t.Errorf("%v", err)
	}
	<-done
}
