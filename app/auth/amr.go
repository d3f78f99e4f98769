package auth

import (
	"slices"
	"strings"
)

// amr are the RFC 8176 values that a factor adds.
func (k factorKind) amr() string {
	switch k {
	case totpFactor:
		return "otp mfa"
	case smsFactor:
		return "sms mfa"
	}
	return "mfa"
}

// joinAMR adds values to others, each once.
func joinAMR(have, more string) string {
	all := strings.Fields(have)
	for _, v := range strings.Fields(more) {
		if !slices.Contains(all, v) {
			all = append(all, v)
		}
	}
	return strings.Join(all, " ")
}

// multi reports whether values say that two factors were shown.
func multi(amr string) bool { return slices.Contains(strings.Fields(amr), "mfa") }
