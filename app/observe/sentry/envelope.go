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
	Others  []Item         // of kinds that are not, where they were asked for; the large ones are left out
	Skipped map[string]int // how many items there were of kinds that are not
}

// Header is the first line of an envelope.
type Header struct {
	ID     Text   `json:"event_id"`
	DSN    Text   `json:"dsn"`
	SentAt Stamp  `json:"sent_at"`
	Raw    []byte `json:"-"` // the line
}

// Item is a part of an envelope.
type Item struct {
	Type    string
	Head    []byte // its line in front of the payload; nil for one that was made here
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
	h.Raw = line
	return h, unmarshal(line, &h)
}

// ReadItems reads the rest of an envelope. Items of kinds that are not kept are skipped
// without being held in memory, unless others is true and they are no larger than those that are.
func ReadItems(r *bufio.Reader, h Header, others bool) (*Envelope, error) {
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
		item := Item{Type: string(head.Type), Head: line}
		if item.Type == "" || head.Length != nil && *head.Length < 0 {
			return nil, fmt.Errorf("%w: an item has no type or a negative length", ErrMalformed)
		}
		keep := kept[item.Type]
		other := others && !keep && (head.Length == nil || *head.Length <= min(MaxEvent, int64(maxKept-total)))
		var err error
		if other && head.Length == nil { // it may be longer than what is kept, and is left out then
			item.Payload, err = untilNewline(r, min(MaxEvent, maxKept-total), true, true)
		} else {
			item.Payload, err = readPayload(r, head.Length, keep || other)
		}
		if err != nil {
			return nil, err
		}
		switch {
		case keep:
			e.Items = append(e.Items, item)
		case other && item.Payload != nil:
			e.Others = append(e.Others, item)
			fallthrough
		default:
			e.Skipped[clipName(item.Type)]++
		}
		if keep || item.Payload != nil {
			total += len(item.Head) + len(item.Payload)
		}
		if total > maxKept {
			return nil, ErrTooLarge
		}
	}
}

func clipName(s string) string { return s[:min(len(s), 40)] }

// readPayload reads what an item holds: so many bytes and a newline, or up to the newline.
func readPayload(r *bufio.Reader, length *int64, keep bool) (payload []byte, err error) {
	if length == nil {
		return untilNewline(r, MaxEvent, keep, false)
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

// untilNewline reads a line, and keeps it if that is wanted. One that is too long is an error, or, if it
// need not be there, nil.
func untilNewline(r *bufio.Reader, most int, keep, optional bool) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		if keep {
			line = append(line, part...)
		}
		if len(line) > most+1 {
			if !optional {
				return nil, ErrTooLarge
			}
			keep, line = false, nil
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
