package handover

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// oldSuffix is what the binary before is kept under, beside the one in use.
const oldSuffix = ".old"

// Self is the file that runs, also after another was put in its place.
const Self = "/proc/self/exe"

// Old is where the binary before the one at path is kept.
func Old(path string) string { return path + oldSuffix }

// Binary is the path that this process was started by, which an upgrade puts another
// file at. A process that runs the old binary answers with the path of the new one.
func Binary() (string, error) {
	self, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("which file is this program: %w", err)
	}
	self = strings.TrimSuffix(self, oldSuffix)
	// The name it was called by may be a link that an upgrade changes.
	called, err := exec.LookPath(os.Args[0])
	if err != nil {
		return self, nil
	}
	if called, err = filepath.Abs(called); err != nil {
		return self, nil
	}
	if to, err := filepath.EvalSymlinks(called); err != nil || to != self {
		return self, nil
	}
	return called, nil
}
