package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/vmware/govmomi/vim25/methods"
	"github.com/vmware/govmomi/vim25/types"
)

func (w *world) vdm() types.ManagedObjectReference { return *w.c.ServiceContent.VirtualDiskManager }

func (w *world) copyDisk(src, dst string) string {
	w.t.Helper()
	res, err := methods.CopyVirtualDisk_Task(w.ctx, w.c, &types.CopyVirtualDisk_Task{
		This: w.vdm(), SourceName: src, SourceDatacenter: &w.dc, DestName: dst, Force: types.NewBool(true),
	})
	w.must(err)
	return w.wait(res.Returnval)
}

func (w *world) createDisk(name string, kb int64) string {
	w.t.Helper()
	res, err := methods.CreateVirtualDisk_Task(w.ctx, w.c, &types.CreateVirtualDisk_Task{
		This: w.vdm(), Name: name, Datacenter: &w.dc,
		Spec: &types.FileBackedVirtualDiskSpec{
			VirtualDiskSpec: types.VirtualDiskSpec{DiskType: "thin", AdapterType: "lsiLogic"}, CapacityKb: kb,
		},
	})
	w.must(err)
	return w.wait(res.Returnval)
}

// rawImage is a guest's disk with data, zeros and an odd tail.
func rawImage(t *testing.T, size int) []byte {
	t.Helper()
	raw := make([]byte, size)
	for _, at := range []int{0, 300 << 10, size - 4096} {
		_, _ = rand.Read(raw[at : at+4096])
	}
	return raw
}

func qemuConvert(t *testing.T, raw []byte, subformat string) []byte {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("qemu-img is not installed")
	}
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.raw"), filepath.Join(dir, "out.vmdk")
	if err := os.WriteFile(in, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat="+subformat, in, out)
	if msg, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, msg)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestCopyOfSparseDiskHasItsContent(t *testing.T) {
	w := newWorld(t)
	raw := rawImage(t, 5<<20+1536)
	src := w.store("images").at("img/a.vmdk")
	w.write(src, qemuConvert(t, raw, "monolithicSparse"))
	w.mkdir("[work] new")
	if f := w.copyDisk("[images] img/a.vmdk", "[work] new/b.vmdk"); f != "" {
		t.Fatal(f)
	}
	got, err := os.ReadFile(w.store("work").at("new/b-flat.vmdk").local)
	w.must(err)
	if !bytes.Equal(got[:len(raw)], raw) || len(bytes.Trim(got[len(raw):], "\x00")) != 0 {
		t.Error("the copy differs from the source")
	}
	if f := w.copyDisk("[images] img/a.vmdk", "[work] new/b.vmdk"); f != "FileAlreadyExists" {
		t.Errorf("copy over an existing disk: %q", f)
	}
	if f := w.copyDisk("[images] img/a.vmdk", "[work] none/b.vmdk"); f != "FileNotFound" {
		t.Errorf("copy into a missing directory: %q", f)
	}
}

func TestSourcesThatAreNoDisks(t *testing.T) {
	w := newWorld(t)
	raw := rawImage(t, 1<<20)
	images := w.store("images")
	w.write(images.at("s/garbage.vmdk"), []byte("no disk at all"))
	w.write(images.at("s/garbage-flat.vmdk"), raw)
	w.write(images.at("s/raw.vmdk"), raw)
	w.write(images.at("s/stream.vmdk"), qemuConvert(t, raw, "streamOptimized"))
	w.write(images.at("s/split.vmdk"), qemuConvert(t, raw, "twoGbMaxExtentSparse"))
	w.write(images.at("s/lonely.vmdk"), []byte("version=1\nCID=1\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 2048 VMFS \"lonely-flat.vmdk\"\n"))
	w.write(images.at("s/short.vmdk"), []byte("version=1\nCID=1\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 4096 VMFS \"raw.vmdk\"\n"))
	w.write(images.at("s/thief.vmdk"), []byte("version=1\nCID=1\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 2048 VMFS \"../../ca.pem\"\n"))
	w.write(images.at("s/two.vmdk"), []byte("version=1\nCID=1\nparentCID=ffffffff\ncreateType=\"vmfs\"\nRW 1 VMFS \"raw.vmdk\"\nRW 1 VMFS \"raw.vmdk\"\n"))
	w.write(images.at("s/plain.img"), raw)
	for name, want := range map[string]string{
		"garbage.vmdk": "InvalidDiskFormat", "raw.vmdk": "InvalidDiskFormat", "stream.vmdk": "InvalidDiskFormat",
		"split.vmdk": "InvalidDiskFormat", "lonely.vmdk": "FileNotFound", "short.vmdk": "InvalidDiskFormat",
		"thief.vmdk": "InvalidDiskFormat", "two.vmdk": "InvalidDiskFormat", "plain.img": "InvalidDiskFormat",
		"garbage-flat.vmdk": "InvalidDiskFormat", "missing.vmdk": "FileNotFound",
	} {
		if f := w.copyDisk("[images] s/"+name, "[images] s/copy.vmdk"); f != want {
			t.Errorf("%s: %q, want %q", name, f, want)
		}
	}
	if images.at("s/copy.vmdk").exists() || images.at("s/copy-flat.vmdk").exists() {
		t.Error("a refused copy left something")
	}
}

func TestHostedFlatIsCopied(t *testing.T) {
	w := newWorld(t)
	raw := rawImage(t, 1<<20)
	desc := "# Disk DescriptorFile\nversion=1\nCID=12345678\nparentCID=ffffffff\ncreateType=\"monolithicFlat\"\nRW 2048 FLAT \"h-flat.vmdk\" 0\nddb.adapterType = \"ide\"\n"
	w.write(w.store("images").at("h/h.vmdk"), []byte(desc))
	w.write(w.store("images").at("h/h-flat.vmdk"), raw)
	if f := w.copyDisk("[images] h/h.vmdk", "[images] h/c.vmdk"); f != "" {
		t.Fatal(f)
	}
	d, err := w.v.openDisk(w.store("images").at("h/c.vmdk"))
	w.must(err)
	if d.desc.CreateType != "vmfs" || d.desc.Extents[0].Name != "c-flat.vmdk" || d.desc.CID == 0x12345678 || d.desc.DDB["ddb.adapterType"] != "ide" {
		t.Errorf("%+v", d.desc)
	}
	got, err := os.ReadFile(d.flat.local)
	w.must(err)
	if !bytes.Equal(got, raw) {
		t.Error("the copy differs")
	}
}

func TestLargeSparseDiskIsCopiedFast(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] big")
	if f := w.createDisk("[images] big/a.vmdk", 5<<20); f != "" {
		t.Fatal(f)
	}
	begin := time.Now()
	if f := w.copyDisk("[images] big/a.vmdk", "[work] a.vmdk"); f != "" {
		t.Fatal(f)
	}
	if took := time.Since(begin); took > 5*time.Second {
		t.Errorf("5 GiB of holes took %s", took)
	}
	if n := allocated(w.store("work").at("a-flat.vmdk").local); n > 1<<20 {
		t.Errorf("the copy occupies %d bytes", n)
	}
}

func TestDiskManagement(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] m")
	if f := w.createDisk("[images] none/a.vmdk", 1024); f != "FileNotFound" {
		t.Errorf("missing directory: %q", f)
	}
	if f := w.createDisk("[images] m/a.vmdk", 1024); f != "" {
		t.Fatal(f)
	}
	uuid := func(name string) string {
		res, err := methods.QueryVirtualDiskUuid(w.ctx, w.c, &types.QueryVirtualDiskUuid{This: w.vdm(), Name: name, Datacenter: &w.dc})
		w.must(err)
		return res.Returnval
	}
	first := uuid("[images] m/a.vmdk")
	move := func(src, dst string) string {
		res, err := methods.MoveVirtualDisk_Task(w.ctx, w.c, &types.MoveVirtualDisk_Task{
			This: w.vdm(), SourceName: src, SourceDatacenter: &w.dc, DestName: dst, DestDatacenter: &w.dc,
		})
		w.must(err)
		return w.wait(res.Returnval)
	}
	if f := move("[images] m/a.vmdk", "[images] m/b.vmdk"); f != "" {
		t.Fatal(f)
	}
	if uuid("[images] m/b.vmdk") != first {
		t.Error("a rename changes the uuid")
	}
	if f := move("[images] m/b.vmdk", "[work] b.vmdk"); f != "" {
		t.Fatal(f)
	}
	if w.store("images").at("m/b-flat.vmdk").exists() {
		t.Error("a move across datastores leaves the source")
	}
	extend := func(kb int64) string {
		res, err := methods.ExtendVirtualDisk_Task(w.ctx, w.c, &types.ExtendVirtualDisk_Task{This: w.vdm(), Name: "[work] b.vmdk", Datacenter: &w.dc, NewCapacityKb: kb})
		w.must(err)
		return w.wait(res.Returnval)
	}
	if extend(512) != "InvalidArgument" || extend(1024) != "" || extend(2048) != "" {
		t.Error("extend")
	}
	d, err := w.v.openDisk(w.store("work").at("b.vmdk"))
	w.must(err)
	if fi, _ := os.Stat(d.flat.local); d.capacity() != 2<<20 || fi.Size() != 2<<20 {
		t.Errorf("capacity %d, extent %d", d.capacity(), fi.Size())
	}
	res, err := methods.CopyVirtualDisk_Task(w.ctx, w.c, &types.CopyVirtualDisk_Task{
		This: w.vdm(), SourceName: "[work] b.vmdk", SourceDatacenter: &w.dc, DestName: "[images] c.vmdk", DestDatacenter: &w.dc1,
	})
	w.must(err)
	if f := w.wait(res.Returnval); f != "" || !w.v.dcs[1].store("images").at("c-flat.vmdk").exists() {
		t.Errorf("copy to another datacenter: %q", f)
	}
	_, err = methods.CopyVirtualDisk_Task(w.ctx, w.c, &types.CopyVirtualDisk_Task{
		This: w.vdm(), SourceName: "[work] b.vmdk", SourceDatacenter: &w.dc, DestName: "[work] d.vmdk",
		DestSpec: &types.VirtualDiskSpec{DiskType: "thin", AdapterType: "ide"},
	})
	w.want(err, "NotImplemented")
}

func TestVSAN(t *testing.T) {
	w := newWorld(t)
	_, err := methods.MakeDirectory(w.ctx, w.c, &types.MakeDirectory{This: *w.c.ServiceContent.FileManager, Name: "[vsan1] top", Datacenter: &w.dc})
	w.want(err, "CannotCreateFile")
	ns := *w.c.ServiceContent.DatastoreNamespaceManager
	_, err = methods.CreateDirectory(w.ctx, w.c, &types.CreateDirectory{This: ns, Datastore: w.store("images").ref, DisplayName: "top"})
	w.want(err, "CannotCreateFile")
	made, err := methods.CreateDirectory(w.ctx, w.c, &types.CreateDirectory{This: ns, Datastore: w.store("vsan1").ref, DisplayName: "top"})
	w.must(err)
	_, err = methods.MakeDirectory(w.ctx, w.c, &types.MakeDirectory{This: *w.c.ServiceContent.FileManager, Name: "[vsan1] top", Datacenter: &w.dc})
	w.want(err, "FileAlreadyExists")
	w.mkdir("[vsan1] top/sub")
	if f := w.createDisk("[vsan1] top/a.vmdk", 1024); f != "" {
		t.Fatal(f)
	}
	if w.store("vsan1").at("top/a-flat.vmdk").exists() {
		t.Error("a flat file on vsan")
	}
	if f := w.copyDisk("[vsan1] top/a.vmdk", "[vsan1] top/b.vmdk"); f != "" {
		t.Errorf("copy: %q", f)
	}
	w.mkdir("[images] s")
	w.write(w.store("images").at("s/a.vmdk"), qemuConvert(t, rawImage(t, 1<<20), "monolithicSparse"))
	if f := w.copyDisk("[images] s/a.vmdk", "[vsan1] top/c.vmdk"); f != "InvalidDiskFormat" {
		t.Errorf("hosted disk to vsan: %q", f)
	}
	// A descriptor is text: its copy names the same object, and who deletes either disk deletes both.
	copied, err := methods.CopyDatastoreFile_Task(w.ctx, w.c, &types.CopyDatastoreFile_Task{
		This: *w.c.ServiceContent.FileManager, SourceName: "[vsan1] top/b.vmdk", SourceDatacenter: &w.dc,
		DestinationName: "[vsan1] top/same.vmdk", DestinationDatacenter: &w.dc,
	})
	w.must(err)
	if f := w.wait(copied.Returnval); f != "" {
		t.Errorf("copy of a descriptor: %q", f)
	}
	deleted, err := methods.DeleteVirtualDisk_Task(w.ctx, w.c, &types.DeleteVirtualDisk_Task{
		This: w.vdm(), Name: "[vsan1] top/same.vmdk", Datacenter: &w.dc,
	})
	w.must(err)
	if f := w.wait(deleted.Returnval); f != "" {
		t.Errorf("delete: %q", f)
	}
	if f := w.copyDisk("[vsan1] top/b.vmdk", "[vsan1] top/d.vmdk"); f != "FileNotFound" {
		t.Errorf("a disk without its object: %q", f)
	}
	conv, err := methods.ConvertNamespacePathToUuidPath(w.ctx, w.c, &types.ConvertNamespacePathToUuidPath{
		This: ns, Datacenter: &w.dc, NamespaceUrl: "ds:///vmfs/volumes/vsan1/top/sub",
	})
	w.must(err)
	if conv.Returnval != "ds://"+made.Returnval+"/sub" {
		t.Errorf("%s, %s", conv.Returnval, made.Returnval)
	}
	_, err = methods.DeleteDirectory(w.ctx, w.c, &types.DeleteDirectory{This: ns, Datacenter: &w.dc, DatastorePath: made.Returnval})
	w.want(err, "CannotDeleteFile")
	res, _ := w.do("PUT", w.folderURL("file", "DC0", "vsan1"), w.cookie(), strings.NewReader("x"))
	if s := status(res); s != 500 && s != 0 {
		t.Errorf("PUT to the root of vsan: %d", s)
	}
}

func TestOnlyAHostTakesTheTypeOfACopy(t *testing.T) {
	w := newWorld(t)
	w.mkdir("[images] spec")
	if f := w.createDisk("[images] spec/a.vmdk", 1024); f != "" {
		t.Fatal(f)
	}
	copyAs := func(kind, name string) (string, error) {
		res, err := methods.CopyVirtualDisk_Task(w.ctx, w.c, &types.CopyVirtualDisk_Task{
			This:       *w.c.ServiceContent.VirtualDiskManager,
			SourceName: "[images] spec/a.vmdk", SourceDatacenter: &w.dc, DestName: name, DestDatacenter: &w.dc,
			DestSpec: &types.VirtualDiskSpec{DiskType: kind, AdapterType: "lsiLogic"},
		})
		if err != nil {
			return "", err
		}
		return w.wait(res.Returnval), nil
	}
	_, err := copyAs("thin", "[images] spec/b.vmdk")
	w.want(err, "NotImplemented")
	w.post("/settings", fields{"api_type": "HostAgent"})
	content, err := methods.GetServiceContent(w.ctx, w.c)
	w.must(err)
	if content.About.ApiType != "HostAgent" {
		t.Error(content.About.ApiType)
	}
	for kind, thin := range map[string]bool{"thin": true, "preallocated": false} {
		name := "spec/" + kind + ".vmdk"
		if f, err := copyAs(kind, "[images] "+name); f != "" || err != nil {
			t.Fatal(f, err)
		}
		text, err := os.ReadFile(w.store("images").at(name).local)
		w.must(err)
		if strings.Contains(string(text), "thinProvisioned") != thin {
			t.Errorf("%s\n%s", kind, text)
		}
	}
	_, err = copyAs("round", "[images] spec/c.vmdk")
	w.want(err, "InvalidArgument")
}
