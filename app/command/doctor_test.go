package command

import (
	"strings"
	"testing"
)

func TestDoctorExitCode(t *testing.T) {
	out, code := printed(t, "doctor", "--offline", "--data", t.TempDir())
	if code != 2 || !strings.Contains(out, "NOT FIT FOR PRODUCTION") {
		t.Errorf("exit code %d\n%s", code, out)
	}
	out, code = printed(t, "doctor", "--offline", "--json", "--data", t.TempDir())
	if code != 2 || !strings.HasPrefix(out, "{\n") || !strings.Contains(out, `"exit_code": 2`) {
		t.Errorf("exit code %d\n%s", code, out)
	}
}
