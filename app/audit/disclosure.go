package audit

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"slices"
)

// disclosure is the personal data of one subject in one event, in the form of
// RFC 9901 section 4.2: each item is the base64url of the JSON array
// [salt, name, value]; the event's body holds the digests of these. Deleting the
// row erases the data and leaves every proof intact.
type disclosure struct {
	subject Ref
	items   []string
}

// personal is the data of one subject before it is salted.
type personal struct {
	who  Ref
	data map[string]string
}

// disclose turns personal data into salted disclosures and puts their digests
// into the body. What belongs to different subjects is kept apart, because it is
// erased apart.
func disclose(b *body, all ...personal) []disclosure {
	var groups []disclosure
	for _, p := range joined(all) {
		d := disclosure{subject: p.who}
		for _, name := range slices.Sorted(maps.Keys(p.data)) {
			item := newItem(name, p.data[name])
			d.items = append(d.items, item)
			b.Disclosed = append(b.Disclosed, Digest(item))
		}
		groups = append(groups, d)
	}
	slices.Sort(b.Disclosed) // their order must not tell which is which
	return groups
}

// joined has each subject once; subjects without data are left out.
func joined(all []personal) []personal {
	var out []personal
	for _, p := range all {
		if len(p.data) == 0 {
			continue
		}
		i := slices.IndexFunc(out, func(o personal) bool { return o.who == p.who })
		if i < 0 {
			out = append(out, personal{p.who, maps.Clone(p.data)})
			continue
		}
		maps.Copy(out[i].data, p.data)
	}
	return out
}

func newItem(name, value string) string {
	text, _ := json.Marshal([3]string{nonce(), name, value})
	return base64.RawURLEncoding.EncodeToString(text)
}

// Digest is what the body holds of a disclosure (RFC 9901 section 4.2.3).
func Digest(item string) string {
	sum := sha256.Sum256([]byte(item))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// openItem reads a disclosure back.
func openItem(item string) (name, value string, ok bool) {
	raw, err := base64.RawURLEncoding.DecodeString(item)
	if err != nil {
		return "", "", false
	}
	var parts [3]string
	if json.Unmarshal(raw, &parts) != nil {
		return "", "", false
	}
	return parts[1], parts[2], true
}
