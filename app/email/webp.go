package email

import (
	"encoding/binary"
	"errors"
	"image"
	"io"
)

// errWebP is a file that no browser would show.
var errWebP = errors.New("not a whole WebP image")

// webpSize reads the size of a WebP image (RFC 9649), and sees to it that its chunks fill
// the file to its end. It decodes nothing: what is in them is the browser's to read.
func webpSize(r io.Reader) (image.Config, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxLogo+1))
	if err != nil {
		return image.Config{}, err
	}
	if len(b) < 20 || string(b[:4]) != "RIFF" || string(b[8:12]) != "WEBP" || int64(binary.LittleEndian.Uint32(b[4:]))+8 != int64(len(b)) {
		return image.Config{}, errWebP
	}
	var size image.Config
	pixels := false
	for rest := b[12:]; len(rest) > 0; {
		if len(rest) < 8 {
			return size, errWebP
		}
		kind, n := string(rest[:4]), int64(binary.LittleEndian.Uint32(rest[4:]))
		padded := n + n&1
		if padded > int64(len(rest)-8) {
			return size, errWebP
		}
		chunk := rest[8 : 8+n]
		rest = rest[8+padded:]
		found, ok := webpChunk(kind, chunk)
		if !ok {
			return size, errWebP
		}
		if size.Width == 0 {
			size = found
		}
		pixels = pixels || kind == "VP8 " || kind == "VP8L" || kind == "ANMF"
	}
	if !pixels || size.Width == 0 {
		return size, errWebP
	}
	return size, nil
}

// webpChunk is the size that a chunk tells; none for those that tell none.
func webpChunk(kind string, c []byte) (size image.Config, ok bool) {
	switch kind {
	case "VP8X": // section 2.7.1: canvas width and height less one, 24 bits each
		if len(c) < 10 {
			return size, false
		}
		size.Width = 1 + int(c[4]) + int(c[5])<<8 + int(c[6])<<16
		size.Height = 1 + int(c[7]) + int(c[8])<<8 + int(c[9])<<16
	case "VP8 ": // RFC 6386 section 9.1: a key frame, its start code, 14 bits each
		if len(c) < 10 || c[0]&1 != 0 || c[3] != 0x9d || c[4] != 0x01 || c[5] != 0x2a {
			return size, false
		}
		size.Width, size.Height = int(binary.LittleEndian.Uint16(c[6:])&0x3fff), int(binary.LittleEndian.Uint16(c[8:])&0x3fff)
	case "VP8L": // section 3.4: the signature, then 14 bits each less one
		if len(c) < 5 || c[0] != 0x2f {
			return size, false
		}
		bits := binary.LittleEndian.Uint32(c[1:])
		size.Width, size.Height = 1+int(bits&0x3fff), 1+int(bits>>14&0x3fff)
	}
	return size, true
}
