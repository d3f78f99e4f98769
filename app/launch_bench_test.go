package app_test

import (
	"testing"

	"seaworthy/app/apptest"
)

// BenchmarkLaunchPage is the launch checklist as an operator opens it: every check is asked.
func BenchmarkLaunchPage(b *testing.B) {
	a := apptest.New(b, apptest.WithoutLimits)
	ada := a.Operator("ada@example.com")
	a.RunJobs()
	b.ReportAllocs()
	for b.Loop() {
		ada.Get("/-/admin/launch").Want(200)
	}
}
