package email

import (
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// few is a list that is short in every request that is not refused. The body of a
// request may have megabytes, for its files: as a list of nothings, three bytes each,
// it would be a hundred times as large in memory.
type few[T any] []T

// maxRead is how much of a list is kept: more than any may have, so that whoever counts
// sees that there are too many.
const maxRead = maxSendTo + 1

// UnmarshalJSONFrom reads a list as any other, and passes over what is too much.
func (l *few[T]) UnmarshalJSONFrom(d *jsontext.Decoder) error {
	return readFew(d, (*[]T)(l), func(d *jsontext.Decoder, v *T) error { return json.UnmarshalDecode(d, v) })
}

func readFew[T any](d *jsontext.Decoder, into *[]T, read func(*jsontext.Decoder, *T) error) error {
	if d.PeekKind() != '[' {
		return json.UnmarshalDecode(d, into) // null, or what the error is about
	}
	if _, err := d.ReadToken(); err != nil {
		return err
	}
	for d.PeekKind() != ']' {
		if len(*into) == maxRead {
			if err := d.SkipValue(); err != nil {
				return err
			}
			continue
		}
		var one T
		if err := read(d, &one); err != nil {
			return err
		}
		*into = append(*into, one)
	}
	_, err := d.ReadToken()
	return err
}
