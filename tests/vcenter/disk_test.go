package main

import (
	"bytes"
	"crypto/rand"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

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
