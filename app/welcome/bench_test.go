package welcome_test

import (
	"testing"

	"seaworthy/app/apptest"
)

// The set-up is read for its own pages, and every 15 seconds for the navigation.
func BenchmarkSetup(b *testing.B) {
	a := apptest.New(b, apptest.WithoutLimits)
	op := a.Operator("grace@example.com")
	b.ResetTimer()
	for b.Loop() {
		op.Get("/-/api/v1/setup").Want(200)
	}
}
