package vmdk

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

const (
	magic       = 0x564d444b
	gdAtEnd     = ^uint64(0)
	flagNewline = 1 << 0
	flagRGD     = 1 << 1
	flagZeroGTE = 1 << 2
	flagCompr   = 1 << 16
	flagMarkers = 1 << 17

	gtesPerGT    = 512
	maxGrain     = (1 << 20) / SectorSize
	maxCapacity  = (62 << 40) / SectorSize
	deflateGrain = 1
)

// Header is the first sector of a hosted sparse file.
type Header struct {
	Magic, Version, Flags               uint32
	Capacity, GrainSize                 uint64
	DescriptorOffset, DescriptorSize    uint64
	NumGTEsPerGT                        uint32
	RGDOffset, GDOffset, OverHead       uint64
	UncleanShutdown                     uint8
	Newline, Space, Return, SecondBreak byte
	CompressAlgorithm                   uint16
	_                                   [433]byte
}

// ParseHeader reads and checks a header.
func ParseHeader(sector []byte) (*Header, error) {
	h := new(Header)
	if err := binary.Read(bytes.NewReader(sector), binary.LittleEndian, h); err != nil {
		return nil, fmt.Errorf("%w: short header", ErrFormat)
	}
	switch {
	case h.Magic != magic:
		return nil, fmt.Errorf("%w: wrong magic", ErrFormat)
	case h.Version < 1 || h.Version > 3:
		return nil, fmt.Errorf("%w: sparse version %d", ErrFormat, h.Version)
	case h.Flags&flagNewline != 0 && string([]byte{h.Newline, h.Space, h.Return, h.SecondBreak}) != "\n \r\n":
		return nil, fmt.Errorf("%w: damaged by a text-mode transfer", ErrFormat)
	case h.Capacity == 0 || h.Capacity > maxCapacity:
		return nil, fmt.Errorf("%w: capacity of %d sectors", ErrFormat, h.Capacity)
	case h.GrainSize <= 8 || h.GrainSize > maxGrain || h.GrainSize&(h.GrainSize-1) != 0:
		return nil, fmt.Errorf("%w: grain of %d sectors", ErrFormat, h.GrainSize)
	case h.NumGTEsPerGT != gtesPerGT:
		return nil, fmt.Errorf("%w: grain tables of %d entries", ErrFormat, h.NumGTEsPerGT)
	}
	return h, nil
}

// Compressed tells a stream from a file that can be read at random.
func (h *Header) Compressed() bool { return h.Flags&(flagCompr|flagMarkers) != 0 }

func (h *Header) grains() uint64 { return (h.Capacity + h.GrainSize - 1) / h.GrainSize }

func (h *Header) tables() uint64 { return (h.grains() + gtesPerGT - 1) / gtesPerGT }

func (h *Header) bytes() []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, h)
	return b.Bytes()
}
