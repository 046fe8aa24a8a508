package vmdk

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
)

// Sparse is a hosted monolithic sparse disk: one file with its descriptor inside.
type Sparse struct {
	Header     *Header
	Descriptor *Descriptor
	r          io.ReaderAt
	size       int64
	directory  []uint32
}

// OpenSparse reads header, descriptor and grain directory of a sparse file.
func OpenSparse(r io.ReaderAt, size int64) (*Sparse, error) {
	sector := make([]byte, SectorSize)
	if _, err := r.ReadAt(sector, 0); err != nil {
		return nil, fmt.Errorf("%w: no header", ErrFormat)
	}
	h, err := ParseHeader(sector)
	if err != nil {
		return nil, err
	}
	if h.Compressed() || h.CompressAlgorithm != 0 {
		return nil, fmt.Errorf("%w: compressed grains", ErrFormat)
	}
	s := &Sparse{Header: h, r: r, size: size}
	if err := s.readDescriptor(); err != nil {
		return nil, err
	}
	raw, err := s.table(h.GDOffset, h.tables())
	if err != nil {
		return nil, fmt.Errorf("grain directory: %w", err)
	}
	s.directory = raw
	return s, nil
}

// readDescriptor insists on an embedded descriptor of a complete disk.
func (s *Sparse) readDescriptor() error {
	h := s.Header
	if h.DescriptorOffset == 0 || h.DescriptorSize == 0 || h.DescriptorSize > MaxDescriptor/SectorSize {
		return fmt.Errorf("%w: no embedded descriptor", ErrFormat)
	}
	text := make([]byte, h.DescriptorSize*SectorSize)
	if !s.inside(h.DescriptorOffset, int64(len(text))) {
		return fmt.Errorf("%w: descriptor outside of the file", ErrFormat)
	}
	if _, err := s.r.ReadAt(text, int64(h.DescriptorOffset*SectorSize)); err != nil {
		return err
	}
	d, err := ParseDescriptor(text)
	switch {
	case err != nil:
		return err
	case d.CreateType != "monolithicSparse":
		return fmt.Errorf("%w: createType %s", ErrFormat, d.CreateType)
	case d.ParentCID != NoParent || len(d.Extents) != 1:
		return fmt.Errorf("%w: not a disk of one extent without parent", ErrFormat)
	}
	s.Descriptor = d
	return nil
}

// Capacity of the disk in bytes.
func (s *Sparse) Capacity() int64 { return int64(s.Header.Capacity) * SectorSize }

func (s *Sparse) inside(sector uint64, length int64) bool {
	return sector <= math.MaxInt64/SectorSize && int64(sector)*SectorSize <= s.size-length
}

func (s *Sparse) table(sector, entries uint64) ([]uint32, error) {
	raw := make([]byte, entries*4)
	if !s.inside(sector, int64(len(raw))) {
		return nil, fmt.Errorf("%w: table outside of the file", ErrFormat)
	}
	if _, err := s.r.ReadAt(raw, int64(sector)*SectorSize); err != nil {
		return nil, err
	}
	out := make([]uint32, entries)
	for i := range out {
		out[i] = binary.LittleEndian.Uint32(raw[i*4:])
	}
	return out, nil
}

// Grains calls fn for every grain that holds data, in the order of the disk.
// The data is only valid during the call and is cut at the capacity.
func (s *Sparse) Grains(fn func(offset int64, data []byte) error) error {
	h := s.Header
	grainBytes := int64(h.GrainSize) * SectorSize
	buf := make([]byte, grainBytes)
	for t, at := range s.directory {
		if at == 0 {
			continue
		}
		table, err := s.table(uint64(at), gtesPerGT)
		if err != nil {
			return fmt.Errorf("grain table %d: %w", t, err)
		}
		for i, sector := range table {
			if sector == 0 || sector == 1 && h.Flags&flagZeroGTE != 0 {
				continue
			}
			offset := (int64(t)*gtesPerGT + int64(i)) * grainBytes
			if offset >= s.Capacity() {
				continue
			}
			data := buf[:min(grainBytes, s.Capacity()-offset)]
			if !s.inside(uint64(sector), int64(len(data))) {
				return fmt.Errorf("%w: grain outside of the file", ErrFormat)
			}
			if _, err := s.r.ReadAt(data, int64(sector)*SectorSize); err != nil {
				return err
			}
			if err := fn(offset, data); err != nil {
				return err
			}
		}
	}
	return nil
}
