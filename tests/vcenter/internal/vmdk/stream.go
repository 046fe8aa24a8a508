package vmdk

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

const (
	markerEOS = iota
	markerGT
	markerGD
	markerFooter
)

// DecodeStream reads a streamOptimized disk and calls fn for every grain. The
// header is passed to accept first, so that a target of the right size exists
// before data arrives. What follows the end-of-stream marker is drained.
func DecodeStream(r io.Reader, accept func(*Header) error, fn func(offset int64, data []byte) error) error {
	br := bufio.NewReaderSize(r, 256<<10)
	sector := make([]byte, SectorSize)
	if _, err := io.ReadFull(br, sector); err != nil {
		return fmt.Errorf("%w: no header", ErrFormat)
	}
	h, err := ParseHeader(sector)
	if err != nil {
		return err
	}
	switch {
	case h.Version != 3:
		return fmt.Errorf("%w: sparse VMDK version %d is too old, it must be 3", ErrFormat, h.Version)
	case h.Flags&flagCompr == 0 || h.Flags&flagMarkers == 0 || h.CompressAlgorithm != deflateGrain:
		return fmt.Errorf("%w: not streamOptimized", ErrFormat)
	case h.OverHead < 1 || h.OverHead > (64<<20)/SectorSize:
		return fmt.Errorf("%w: overhead of %d sectors", ErrFormat, h.OverHead)
	}
	if err := accept(h); err != nil {
		return err
	}
	if _, err := io.CopyN(io.Discard, br, int64(h.OverHead-1)*SectorSize); err != nil {
		return err
	}
	d := decoder{r: br, h: h, fn: fn, grain: make([]byte, h.GrainSize*SectorSize)}
	for {
		end, err := d.next(sector)
		if err != nil {
			return err
		}
		if end {
			_, err = io.Copy(io.Discard, br)
			return err
		}
	}
}

type decoder struct {
	r     io.Reader
	h     *Header
	fn    func(int64, []byte) error
	grain []byte
}

// next reads one marker with what belongs to it.
func (d *decoder) next(sector []byte) (end bool, err error) {
	if _, err := io.ReadFull(d.r, sector); err != nil {
		return false, fmt.Errorf("stream ends before its end marker: %w", err)
	}
	val := binary.LittleEndian.Uint64(sector)
	size := binary.LittleEndian.Uint32(sector[8:])
	if size > 0 {
		return false, d.data(val, int64(size), sector[12:])
	}
	switch kind := binary.LittleEndian.Uint32(sector[12:]); kind {
	case markerEOS:
		return true, nil
	case markerGT, markerGD, markerFooter:
		if val > (64<<20)/SectorSize {
			return false, fmt.Errorf("%w: metadata of %d sectors", ErrFormat, val)
		}
		_, err = io.CopyN(io.Discard, d.r, int64(val)*SectorSize)
		return false, err
	default:
		return false, fmt.Errorf("%w: marker of type %d", ErrFormat, kind)
	}
}

func (d *decoder) data(lba uint64, size int64, head []byte) error {
	if lba >= d.h.Capacity || lba%d.h.GrainSize != 0 || size > int64(len(d.grain))+64<<10 {
		return fmt.Errorf("%w: grain at sector %d of %d bytes", ErrFormat, lba, size)
	}
	packed := make([]byte, size)
	n := copy(packed, head)
	if rest := packed[n:]; len(rest) > 0 {
		if _, err := io.ReadFull(d.r, rest); err != nil {
			return err
		}
		pad := (SectorSize - (12+size)%SectorSize) % SectorSize
		if _, err := io.CopyN(io.Discard, d.r, pad); err != nil {
			return err
		}
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return fmt.Errorf("%w: grain at sector %d: %v", ErrFormat, lba, err)
	}
	got, err := io.ReadFull(z, d.grain)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: grain at sector %d: %v", ErrFormat, lba, err)
	}
	offset := int64(lba) * SectorSize
	left := int64(d.h.Capacity)*SectorSize - offset
	if int64(got) < min(int64(len(d.grain)), left) {
		return fmt.Errorf("%w: grain at sector %d is short", ErrFormat, lba)
	}
	return d.fn(offset, d.grain[:min(int64(got), left)])
}

const streamGrain = 128

// EncodeStream writes a disk as streamOptimized. The content is asked for grain
// by grain; a grain without data or of zeros only is left out.
func EncodeStream(w io.Writer, capacity int64, grain func(offset int64, buf []byte) (bool, error)) error {
	e := encoder{w: w}
	h := &Header{
		Magic: magic, Version: 3, Flags: flagNewline | flagCompr | flagMarkers,
		Capacity: uint64((capacity + SectorSize - 1) / SectorSize), GrainSize: streamGrain,
		DescriptorOffset: 1, DescriptorSize: 20, NumGTEsPerGT: gtesPerGT,
		GDOffset: gdAtEnd, OverHead: 128, CompressAlgorithm: deflateGrain,
		Newline: '\n', Space: ' ', Return: '\r', SecondBreak: '\n',
	}
	d := NewDescriptor("SPARSE", "generated-stream.vmdk", int64(h.Capacity)*SectorSize, "lsilogic", false)
	d.CreateType = "streamOptimized"
	head := make([]byte, h.OverHead*SectorSize)
	copy(head, h.bytes())
	copy(head[SectorSize:], d.Bytes())
	e.write(head)

	directory := make([]uint32, h.tables())
	buf := make([]byte, streamGrain*SectorSize)
	zero := make([]byte, len(buf))
	for t := range directory {
		table, used := make([]uint32, gtesPerGT), false
		for i := range table {
			offset := (int64(t)*gtesPerGT + int64(i)) * int64(len(buf))
			if offset >= capacity || e.err != nil {
				break
			}
			clear(buf)
			hasData, err := grain(offset, buf[:min(int64(len(buf)), capacity-offset)])
			if err != nil {
				return err
			}
			if hasData && !bytes.Equal(buf, zero) {
				table[i], used = uint32(e.sector), true
				e.grain(uint64(offset/SectorSize), buf)
			}
		}
		if used {
			directory[t] = e.table(markerGT, table)
		}
	}
	h.GDOffset = uint64(e.table(markerGD, directory))
	e.marker(markerFooter, 1)
	e.write(h.bytes())
	e.marker(markerEOS, 0)
	return e.err
}

type encoder struct {
	w      io.Writer
	sector int64
	err    error
}

// write pads to whole sectors, because every item of a stream starts on one.
func (e *encoder) write(b []byte) {
	if pad := len(b) % SectorSize; pad != 0 {
		b = append(b, make([]byte, SectorSize-pad)...)
	}
	if e.err == nil {
		_, e.err = e.w.Write(b)
	}
	e.sector += int64(len(b)) / SectorSize
}

func (e *encoder) marker(kind uint32, sectors uint64) {
	m := binary.LittleEndian.AppendUint64(nil, sectors)
	m = binary.LittleEndian.AppendUint32(m, 0)
	e.write(binary.LittleEndian.AppendUint32(m, kind))
}

func (e *encoder) grain(lba uint64, data []byte) {
	var packed bytes.Buffer
	z := zlib.NewWriter(&packed)
	_, _ = z.Write(data)
	_ = z.Close()
	m := binary.LittleEndian.AppendUint64(nil, lba)
	m = binary.LittleEndian.AppendUint32(m, uint32(packed.Len()))
	e.write(append(m, packed.Bytes()...))
}

func (e *encoder) table(kind uint32, entries []uint32) uint32 {
	raw := make([]byte, 0, len(entries)*4)
	for _, v := range entries {
		raw = binary.LittleEndian.AppendUint32(raw, v)
	}
	e.marker(kind, uint64(len(raw)+SectorSize-1)/SectorSize)
	at := uint32(e.sector)
	e.write(raw)
	return at
}
