//go:build !linux

package ops

func kernelSynced() (synced, known bool) { return false, false }
