package sentry

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Envelope is what one request brings.
type Envelope struct {
	Header
	Items   []Item         // of kinds that are kept
	Skipped map[string]int // how many items there were of kinds that are not
}

// Header is the first line of an envelope.
type Header struct {
	ID     Text  `json:"event_id"`
	DSN    Text  `json:"dsn"`
	SentAt Stamp `json:"sent_at"`
}

// Item is a part of an envelope.
type Item struct {
	Type    string
	Payload []byte
}

// kept are the kinds that are decoded.
var kept = map[string]bool{"event": true, "transaction": true, "span": true, "log": true, "check_in": true, "session": true, "sessions": true,
	"client_report": true, "feedback": true}

// lenient reads JSON as SDKs write it: names may come twice, and some they have are not known.
var lenient = json.JoinOptions(jsontext.AllowDuplicateNames(true))

func unmarshal(raw []byte, v any) error {
	if err := json.Unmarshal(raw, v, lenient); err != nil {
		return fmt.Errorf("%w: %w", ErrMalformed, err)
	}
	return nil
}

// ReadHeader reads the first line of an envelope and leaves r at its items.
func ReadHeader(r *bufio.Reader) (h Header, err error) {
	line, err := readLine(r)
	if err != nil && err != io.EOF {
		return h, err
	}
	return h, unmarshal(line, &h)
}

// ReadItems reads the rest of an envelope. Items of kinds that are not kept are skipped
// without being held in memory.
func ReadItems(r *bufio.Reader, h Header) (*Envelope, error) {
	e := &Envelope{Header: h, Skipped: map[string]int{}}
	for total, n := 0, 0; ; n++ {
		line, end := readLine(r)
		if end != nil && end != io.EOF {
			return nil, end
		}
		if len(line) == 0 {
			if end == io.EOF {
				return e, nil
			}
			continue // a newline between items is allowed
		}
		if n >= maxItems {
			return nil, ErrTooLarge
		}
		var head struct {
			Type   Text   `json:"type"`
			Length *int64 `json:"length"`
		}
		if err := unmarshal(line, &head); err != nil {
			return nil, err
		}
		item := Item{Type: string(head.Type)}
		if item.Type == "" || head.Length != nil && *head.Length < 0 {
			return nil, fmt.Errorf("%w: an item has no type or a negative length", ErrMalformed)
		}
		keep := kept[item.Type]
		var err error
		if item.Payload, err = readPayload(r, head.Length, keep); err != nil {
			return nil, err
		}
		if !keep {
			e.Skipped[clipName(item.Type)]++
			continue
		}
		if total += len(item.Payload); total > maxKept {
			return nil, ErrTooLarge
		}
		e.Items = append(e.Items, item)
	}
}

func clipName(s string) string { return s[:min(len(s), 40)] }

// readPayload reads what an item holds: so many bytes and a newline, or up to the newline.
func readPayload(r *bufio.Reader, length *int64, keep bool) (payload []byte, err error) {
	if length == nil {
		return untilNewline(r, MaxEvent, keep)
	}
	switch {
	case !keep:
		n, err := io.CopyN(io.Discard, r, *length)
		if err != nil || n < *length {
			return nil, short(err)
		}
	case *length > MaxEvent:
		return nil, ErrTooLarge
	default:
		payload = make([]byte, *length)
		if _, err := io.ReadFull(r, payload); err != nil {
			return nil, short(err)
		}
	}
	next, err := r.ReadByte()
	if err == nil && next != '\n' {
		return nil, fmt.Errorf("%w: an item is longer than it says", ErrMalformed)
	}
	if err == io.EOF {
		err = nil
	}
	return payload, err
}

// short is an item that ends before it should.
func short(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%w: an item is shorter than it says", ErrMalformed)
	}
	return err
}

// readLine returns the next line without its newline, with io.EOF if it is the last.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > maxHeader {
			return nil, fmt.Errorf("%w: a header is too long", ErrMalformed)
		}
		if err == nil {
			return line[:len(line)-1], nil
		}
		if err != bufio.ErrBufferFull {
			return line, err
		}
	}
}

func untilNewline(r *bufio.Reader, most int, keep bool) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if keep {
			line = append(line, part...)
		}
		if len(line) > most+1 {
			return nil, ErrTooLarge
		}
		switch err {
		case nil:
			if keep {
				line = line[:len(line)-1]
			}
			return line, nil
		case io.EOF:
			return line, nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
}
