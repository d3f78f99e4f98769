package app

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"regexp"
	"testing"

	"seaworthy/app/config"
)

func TestLinesForPeople(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := slog.New(newLines(&out, slog.LevelInfo))
	log.Debug("not this")
	log.Info("migrated", "from", 0, "to", 37)
	log.With("queue", "mail").WithGroup("job").Warn("it failed\n12:00:00 and lies", "err", errors.New("no\nroute"), "msg", "kept")
	const want = `^\d\d:\d\d:\d\d migrated from=0 to=37
\d\d:\d\d:\d\d WARN "it failed\\n12:00:00 and lies" queue=mail job\.err="no\\nroute" job\.msg=kept
$`
	if !regexp.MustCompile(want).Match(out.Bytes()) {
		t.Errorf("it wrote\n%s", out.String())
	}
}

func TestLogFormat(t *testing.T) {
	t.Parallel()
	for format, want := range map[string]bool{"text": true, "json": false, "auto": terminal(os.Stderr), "": terminal(os.Stderr)} {
		l, err := newLog(config.Config{LogLevel: "info", LogFormat: format})
		if err != nil {
			t.Fatal(err)
		}
		if _, got := l.Handler().(lines); got != want {
			t.Errorf("%q: lines for people: %v", format, got)
		}
	}
	if _, err := newLog(config.Config{LogLevel: "loud"}); err == nil {
		t.Error("a level that there is not")
	}
	f, err := os.Create(t.TempDir() + "/log")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if terminal(f) {
		t.Error("a file is no terminal")
	}
}
