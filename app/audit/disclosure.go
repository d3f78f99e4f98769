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

// disclose turns personal data into salted disclosures and puts their digests
// into the body. The actor's and another subject's data are kept apart, because
// they are erased apart.
func disclose(b *body, actor Ref, ofActor map[string]string, subject Ref, ofSubject map[string]string) []disclosure {
	if subject == actor {
		all := maps.Clone(ofActor)
		maps.Copy(all, ofSubject)
		ofActor, ofSubject = all, nil
	}
	var groups []disclosure
	for _, g := range []struct {
		who  Ref
		data map[string]string
	}{{actor, ofActor}, {subject, ofSubject}} {
		if len(g.data) == 0 {
			continue
		}
		d := disclosure{subject: g.who}
		for _, name := range slices.Sorted(maps.Keys(g.data)) {
			item := newItem(name, g.data[name])
			d.items = append(d.items, item)
			b.Disclosed = append(b.Disclosed, Digest(item))
		}
		groups = append(groups, d)
	}
	slices.Sort(b.Disclosed) // their order must not tell which is which
	return groups
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
