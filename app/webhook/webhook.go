// Package webhook signs and verifies requests as Standard Webhooks 1.0.0 says
// (standardwebhooks.com), with symmetric keys: v1, HMAC-SHA256 over id, time and body.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// The headers of a signed request. The id is the same at every attempt, the time is
// the attempt's, in unix seconds.
const (
	HeaderID        = "Webhook-Id"
	HeaderTimestamp = "Webhook-Timestamp"
	HeaderSignature = "Webhook-Signature"
)

// Tolerance is how far the time of a request may be from the receiver's: an older
// one may be a copy that somebody kept.
const Tolerance = 5 * time.Minute

const prefix = "whsec_"

// A secret has from minKey to maxKey bytes; those made here have newKey.
const minKey, newKey, maxKey = 24, 32, 64

// Secret is the key that sender and receiver share.
type Secret []byte

// NewSecret is a random one.
func NewSecret() Secret {
	s := make(Secret, newKey)
	rand.Read(s)
	return s
}

// ErrSecret says what a secret looks like.
var ErrSecret = errors.New("want whsec_ and 24 to 64 bytes in base64")

// ParseSecret reads "whsec_" and base64 of 24 to 64 bytes.
func ParseSecret(text string) (Secret, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(text, prefix))
	if err != nil || len(key) < minKey || len(key) > maxKey {
		return nil, ErrSecret
	}
	return key, nil
}

// Reveal is the secret as people copy it. A secret has no String, so that none gets
// into a log by chance.
func (s Secret) Reveal() string { return prefix + base64.StdEncoding.EncodeToString(s) }

// Sign sets the three headers. During a rotation it is given both secrets, and the
// receiver may have either.
func Sign(h http.Header, id string, at time.Time, body []byte, secrets ...Secret) {
	unix := strconv.FormatInt(at.Unix(), 10)
	all := make([]string, len(secrets))
	for i, s := range secrets {
		all[i] = "v1," + base64.StdEncoding.EncodeToString(s.mac(id, unix, body))
	}
	h.Set(HeaderID, id)
	h.Set(HeaderTimestamp, unix)
	h.Set(HeaderSignature, strings.Join(all, " "))
}

func (s Secret) mac(id, unix string, body []byte) []byte {
	mac := hmac.New(sha256.New, s)
	mac.Write([]byte(id + "." + unix + "."))
	mac.Write(body)
	return mac.Sum(nil)
}

// Why a request is not taken.
var (
	ErrHeaders   = errors.New("webhook: a header is missing or malformed")
	ErrTime      = errors.New("webhook: the time is too far from now")
	ErrSignature = errors.New("webhook: no signature is right")
)

// maxSignatures bounds what is looked at of a header that anybody can send.
const maxSignatures = 16

// Verify returns the id of a request that was signed with one of the secrets, within
// Tolerance of now. Whoever calls it keeps the ids he has seen that long: within it a
// copy is as good as the original.
func Verify(h http.Header, body []byte, now time.Time, secrets ...Secret) (id string, err error) {
	id, unix := h.Get(HeaderID), h.Get(HeaderTimestamp)
	seconds, err := strconv.ParseInt(unix, 10, 64)
	// An id with a full stop could pass part of itself off as the time; so could a
	// time that is written in more than one way.
	if err != nil || id == "" || strings.Contains(id, ".") || strconv.FormatInt(seconds, 10) != unix {
		return "", ErrHeaders
	}
	if at := time.Unix(seconds, 0); at.Before(now.Add(-Tolerance)) || at.After(now.Add(Tolerance)) {
		return "", ErrTime
	}
	given := strings.SplitN(h.Get(HeaderSignature), " ", maxSignatures+1)
	for _, text := range given[:min(len(given), maxSignatures)] {
		encoded, v1 := strings.CutPrefix(text, "v1,")
		mac, err := base64.StdEncoding.Strict().DecodeString(encoded)
		if !v1 || err != nil {
			continue
		}
		for _, s := range secrets {
			if len(s) > 0 && hmac.Equal(mac, s.mac(id, unix, body)) {
				return id, nil
			}
		}
	}
	return "", ErrSignature
}
