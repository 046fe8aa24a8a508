// Package vmdk reads and writes the virtual disk formats that a vSphere
// datastore meets: descriptor files, hosted sparse files and the stream format.
package vmdk

import (
	"bytes"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// SectorSize is the unit of every size in a VMDK.
const SectorSize = 512

// MaxDescriptor bounds what is read as descriptor text.
const MaxDescriptor = 64 << 10

// ErrFormat says that a file is not a disk of a kind that can be used here.
var ErrFormat = errors.New("not a supported disk format")

// Extent is one extent line of a descriptor.
type Extent struct {
	Access  string
	Sectors int64
	Type    string
	Name    string
	Offset  int64
}

// Descriptor is the text part of a virtual disk.
type Descriptor struct {
	Version    int
	CID        uint32
	ParentCID  uint32
	CreateType string
	ParentHint string
	Extents    []Extent
	DDB        map[string]string
}

// NoParent is the parentCID of a disk that is complete in itself.
const NoParent = 0xffffffff

var extentLine = regexp.MustCompile(`^(RW|RDONLY|NOACCESS)\s+(\d+)\s+([A-Z0-9]+)(?:\s+"([^"]*)"(?:\s+(\d+))?)?\s*$`)

// ParseDescriptor reads descriptor text; padding after it is ignored. qemu-img leaves the last bytes
// of the text in the padding a second time when it replaces the CID by one with fewer digits.
func ParseDescriptor(data []byte) (*Descriptor, error) {
	data, padding, _ := bytes.Cut(data, []byte{0})
	if remnant := bytes.Trim(padding, "\x00 \r\n"); !bytes.HasSuffix(bytes.TrimRight(data, "\r\n"), remnant) {
		return nil, fmt.Errorf("%w: binary data in the descriptor", ErrFormat)
	}
	d := &Descriptor{ParentCID: NoParent, DDB: make(map[string]string)}
	for line := range strings.Lines(string(data)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if m := extentLine.FindStringSubmatch(line); m != nil {
			e := Extent{Access: m[1], Type: m[3], Name: m[4]}
			e.Sectors, _ = strconv.ParseInt(m[2], 10, 64)
			e.Offset, _ = strconv.ParseInt(m[5], 10, 64)
			d.Extents = append(d.Extents, e)
			continue
		}
		key, value, ok := strings.Cut(line, "=")
		if !ok {
			return nil, fmt.Errorf("%w: line %q", ErrFormat, line)
		}
		if err := d.set(strings.TrimSpace(key), strings.Trim(strings.TrimSpace(value), `"`)); err != nil {
			return nil, err
		}
	}
	if d.Version == 0 || d.CreateType == "" || len(d.Extents) == 0 {
		return nil, fmt.Errorf("%w: no version, createType or extent", ErrFormat)
	}
	return d, nil
}

func (d *Descriptor) set(key, value string) error {
	var err error
	switch {
	case key == "version":
		d.Version, err = strconv.Atoi(value)
	case key == "CID":
		d.CID, err = parseCID(value)
	case key == "parentCID":
		d.ParentCID, err = parseCID(value)
	case key == "createType":
		d.CreateType = value
	case key == "parentFileNameHint":
		d.ParentHint = value
	case strings.HasPrefix(key, "ddb."):
		d.DDB[key] = value
	}
	if err != nil {
		return fmt.Errorf("%w: %s=%s", ErrFormat, key, value)
	}
	return nil
}

func parseCID(s string) (uint32, error) {
	v, err := strconv.ParseUint(s, 16, 32)
	return uint32(v), err
}

// Capacity of the disk in bytes.
func (d *Descriptor) Capacity() int64 {
	var n int64
	for _, e := range d.Extents {
		n += e.Sectors * SectorSize
	}
	return n
}

// Bytes formats the descriptor.
func (d *Descriptor) Bytes() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Disk DescriptorFile\nversion=%d\nencoding=\"UTF-8\"\nCID=%08x\nparentCID=%08x\ncreateType=%q\n",
		d.Version, d.CID, d.ParentCID, d.CreateType)
	if d.ParentHint != "" {
		fmt.Fprintf(&b, "parentFileNameHint=\"%s\"\n", d.ParentHint)
	}
	b.WriteString("\n# Extent description\n")
	for _, e := range d.Extents {
		fmt.Fprintf(&b, "%s %d %s \"%s\"", e.Access, e.Sectors, e.Type, e.Name)
		if e.Type == "FLAT" {
			fmt.Fprintf(&b, " %d", e.Offset)
		}
		b.WriteByte('\n')
	}
	b.WriteString("\n# The Disk Data Base\n#DDB\n\n")
	keys := make([]string, 0, len(d.DDB))
	for k := range d.DDB {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		fmt.Fprintf(&b, "%s = %q\n", k, d.DDB[k])
	}
	return b.Bytes()
}

// NewDescriptor describes a disk of one extent, as ESXi writes it.
func NewDescriptor(extentType, extentName string, capacity int64, adapter string, thin bool) *Descriptor {
	d := &Descriptor{
		Version:    1,
		ParentCID:  NoParent,
		CreateType: "vmfs",
		Extents:    []Extent{{Access: "RW", Sectors: capacity / SectorSize, Type: extentType, Name: extentName}},
		DDB: map[string]string{
			"ddb.adapterType":      adapter,
			"ddb.virtualHWVersion": "14",
			"ddb.uuid":             NewUUID(),
		},
	}
	if thin {
		d.DDB["ddb.thinProvisioned"] = "1"
	}
	d.setGeometry(adapter)
	d.NewContentID()
	return d
}

// NewContentID is due whenever the content may have changed.
func (d *Descriptor) NewContentID() {
	var id [16]byte
	_, _ = rand.Read(id[:])
	id[12] &= 0x7f // never the value that means "no parent"
	d.CID = binary.BigEndian.Uint32(id[12:])
	d.DDB["ddb.longContentID"] = hex.EncodeToString(id[:])
}

// SetCapacity changes the size of a disk of one extent.
func (d *Descriptor) SetCapacity(capacity int64) {
	d.Extents[0].Sectors = capacity / SectorSize
	d.setGeometry(d.DDB["ddb.adapterType"])
}

func (d *Descriptor) setGeometry(adapter string) {
	total := d.Capacity() / SectorSize
	heads, sectors := int64(255), int64(63)
	switch {
	case adapter == "ide":
		heads = 16
	case total < 1<<21: // 1 GiB
		heads, sectors = 64, 32
	case total <= 1<<22:
		heads, sectors = 128, 32
	}
	cylinders := total / (heads * sectors)
	if adapter == "ide" {
		cylinders = min(cylinders, 16383)
	}
	d.DDB["ddb.geometry.cylinders"] = strconv.FormatInt(cylinders, 10)
	d.DDB["ddb.geometry.heads"] = strconv.FormatInt(heads, 10)
	d.DDB["ddb.geometry.sectors"] = strconv.FormatInt(sectors, 10)
}

// NewUUID makes a disk id in the notation of the disk data base.
func NewUUID() string {
	id := make([]byte, 16)
	_, _ = rand.Read(id)
	copy(id, []byte{0x60, 0x00, 0xc2, 0x90 | id[3]&0x0f})
	return FormatUUID(id)
}

// FormatUUID writes 16 bytes as "60 00 C2 9x .. ..-.. ..".
func FormatUUID(id []byte) string {
	var parts []string
	for _, b := range id {
		parts = append(parts, fmt.Sprintf("%02X", b))
	}
	return strings.Join(parts[:8], " ") + "-" + strings.Join(parts[8:], " ")
}

var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{2}( [0-9a-fA-F]{2}){7}-[0-9a-fA-F]{2}( [0-9a-fA-F]{2}){7}$`)

// ValidUUID checks that notation.
func ValidUUID(s string) bool { return uuidForm.MatchString(s) }
