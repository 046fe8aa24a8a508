package vmdk

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func image(size int) []byte {
	raw := make([]byte, size)
	for at := 0; at+70000 < size; at += 400000 {
		_, _ = rand.Read(raw[at : at+70000])
	}
	return raw
}

func convert(t *testing.T, raw []byte, subformat string) []byte {
	t.Helper()
	if _, err := exec.LookPath("qemu-img"); err != nil {
		t.Skip("qemu-img is not installed")
	}
	in := filepath.Join(t.TempDir(), "in")
	if err := os.WriteFile(in, raw, 0o644); err != nil {
		t.Fatal(err)
	}
	msg, err := exec.Command("qemu-img", "convert", "-f", "raw", "-O", "vmdk", "-o", "subformat="+subformat, in, in+".vmdk").CombinedOutput()
	if err != nil {
		t.Fatalf("%s", msg)
	}
	data, err := os.ReadFile(in + ".vmdk")
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readSparse(data []byte) ([]byte, error) {
	s, err := OpenSparse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, err
	}
	out := make([]byte, s.Capacity())
	return out, s.Grains(func(at int64, b []byte) error {
		copy(out[at:], b)
		return nil
	})
}

func TestSparseOfQemu(t *testing.T) {
	raw := image(40<<20 + 512) // more than one grain table, and an odd end
	got, err := readSparse(convert(t, raw, "monolithicSparse"))
	if err != nil {
		t.Fatal(err)
	}
	if len(got) < len(raw) || !bytes.Equal(got[:len(raw)], raw) {
		t.Error("the content differs")
	}
}

func TestZeroGrainsAreNotRead(t *testing.T) {
	data := convert(t, image(1<<20), "monolithicSparse")
	s, err := OpenSparse(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	binary.LittleEndian.PutUint32(data[8:], s.Header.Flags|flagZeroGTE)
	binary.LittleEndian.PutUint32(data[int64(s.directory[0])*SectorSize:], 1)
	got, err := readSparse(data)
	if err != nil || len(bytes.Trim(got[:64<<10], "\x00")) != 0 {
		t.Errorf("a zero grain has data: %v", err)
	}
}

func TestDamagedSparseFiles(t *testing.T) {
	good := convert(t, image(1<<20), "monolithicSparse")
	put := func(at int, v uint32) []byte {
		b := bytes.Clone(good)
		binary.LittleEndian.PutUint32(b[at:], v)
		return b
	}
	for name, data := range map[string][]byte{
		"magic": put(0, 1), "version": put(4, 9), "compressed": put(8, 1<<16|1), "capacity": put(12, 0),
		"huge": put(16, 0x7fffffff), "grain": put(20, 100), "no descriptor": put(28, 0), "gtes": put(44, 7),
		"directory": put(56, 0x7fffffff), "newline": put(73, 0), "empty": nil, "header": good[:100], "cut": good[:len(good)/2],
		"stream": convert(t, image(1<<20), "streamOptimized"),
	} {
		if _, err := readSparse(data); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestStreamThereAndBack(t *testing.T) {
	raw := image(40 << 20)
	var stream bytes.Buffer
	err := EncodeStream(&stream, int64(len(raw)), func(at int64, buf []byte) (bool, error) {
		copy(buf, raw[at:])
		return true, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{"ours": stream.Bytes(), "qemu": convert(t, raw, "streamOptimized")} {
		got := make([]byte, len(raw))
		err := DecodeStream(bytes.NewReader(data), func(h *Header) error {
			if int64(h.Capacity)*SectorSize != int64(len(raw)) {
				t.Errorf("%s: capacity of %d sectors", name, h.Capacity)
			}
			return nil
		}, func(at int64, b []byte) error {
			copy(got[at:], b)
			return nil
		})
		if err != nil || !bytes.Equal(got, raw) {
			t.Errorf("%s: content differs: %v", name, err)
		}
	}
	cut := stream.Bytes()[:stream.Len()-SectorSize]
	err = DecodeStream(bytes.NewReader(cut), func(*Header) error { return nil }, func(int64, []byte) error { return nil })
	if !errors.Is(err, io.EOF) {
		t.Errorf("stream without end: %v", err)
	}
}

func TestDescriptor(t *testing.T) {
	d := NewDescriptor("VMFS", `a-flat.vmdk`, 3<<30, "lsilogic", true)
	back, err := ParseDescriptor(append(d.Bytes(), 0, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	if back.CID != d.CID || back.Extents[0] != d.Extents[0] || back.Capacity() != 3<<30 || back.DDB["ddb.thinProvisioned"] != "1" {
		t.Errorf("%+v", back)
	}
	if !ValidUUID(d.DDB["ddb.uuid"]) || d.DDB["ddb.uuid"][:10] != "60 00 C2 9" {
		t.Errorf("uuid %q", d.DDB["ddb.uuid"])
	}
	// What qemu-img leaves when CID=0012ab34 becomes CID=ab34.
	text := d.Bytes()
	remnant := append([]byte{0}, text[len(text)-4:]...)
	if _, err := ParseDescriptor(append(text, remnant...)); err != nil {
		t.Errorf("a remnant of the text: %v", err)
	}
	if _, err := ParseDescriptor(append(d.Bytes(), "\x00other\"\n\x00\x00"...)); !errors.Is(err, ErrFormat) {
		t.Errorf("a remnant of other text: %v", err)
	}
	for _, text := range []string{"", "garbage", "version=1\n", "version=1\ncreateType=\"vmfs\"\n", "\x00\x01\x02", "version=x\n"} {
		if _, err := ParseDescriptor([]byte(text)); !errors.Is(err, ErrFormat) {
			t.Errorf("%q: %v", text, err)
		}
	}
}
