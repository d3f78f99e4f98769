package replica

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"seaworthy/store"
)

// litestreamCLI is the stock command: SEAWORTHY_LITESTREAM_CLI names it, and
// with CI=true it is built if that does not.
func litestreamCLI(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("SEAWORTHY_LITESTREAM_CLI"); path != "" {
		return path
	}
	if os.Getenv("CI") != "true" {
		t.Skip("NOT TESTED: the stock litestream command restores our replica. Set SEAWORTHY_LITESTREAM_CLI to its path, or CI=true to build it")
	}
	bin := t.TempDir()
	build := exec.Command("go", "install", "github.com/benbjohnson/litestream/cmd/litestream@v0.5.18")
	build.Env = append(os.Environ(), "GOBIN="+bin, "CGO_ENABLED=0", "GOFLAGS=")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the stock command: %v\n%s", err, out)
	}
	return filepath.Join(bin, "litestream")
}

// The way out: what a person types when Seaworthy does not start.
func TestStockCommandRestores(t *testing.T) {
	t.Parallel()
	cli := litestreamCLI(t)
	shipped, err := filepath.Abs(filepath.Join("..", "..", "litestream.yml"))
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "it's data")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(shipped, env(dir))
	if err != nil {
		t.Fatal(err)
	}
	checkStock(t, dir, cli, shipped, cfg)
	if text, err := os.ReadFile(shipped); err != nil || strings.Contains(string(text), "\t") {
		t.Errorf("litestream.yml must not contain tabs: %v", err)
	}
}

// The same out of a bucket, which our own client has filled.
func TestStockCommandRestoresFromS3(t *testing.T) {
	t.Parallel()
	cli := litestreamCLI(t)
	s3 := newFakeS3(t)
	dir := t.TempDir()
	file := filepath.Join(dir, "s3.yml")
	text := strings.ReplaceAll(`
dbs:
  - path: ${SEAWORTHY_DATA}/seaworthy.db
    replica:
      type: s3
      bucket: bucket
      path: app/${SEAWORTHY_EPOCH}
      endpoint: URL
      region: us-east-1
      access-key-id: id
      secret-access-key: secret
      force-path-style: true
      sync-interval: 20ms
`, "URL", s3.server.URL)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := Load(file, env(dir))
	if err != nil {
		t.Fatal(err)
	}
	checkStock(t, dir, cli, file, cfg)
}

// checkStock replicates by us and restores by the stock command.
func checkStock(t *testing.T, dir, cli, file string, cfg Config) {
	t.Helper()
	want := replicated(t, cfg)
	out := filepath.Join(dir, "out.db")
	script := `set -eu; set -a; . "$1/litestream.env"; set +a
		"$2" restore -config "$3" -o "$4" "$SEAWORTHY_DATA/seaworthy.db"`
	shell := exec.Command("sh", "-c", script, "sh", dir, cli, file, out)
	shell.Env = []string{"HOME=" + dir, "PATH=" + os.Getenv("PATH")}
	if text, err := shell.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	if err := store.CheckFile(t.Context(), out); err != nil {
		t.Fatal(err)
	}
	there := cfg
	there.DBPath = out
	if got := digest(t, openDB(t, there)); got != want {
		t.Errorf("the stock command restores other rows: %.40s, want %.40s", got, want)
	}
	if info, err := os.Stat(filepath.Join(dir, "litestream.env")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("litestream.env: %v, %v", info, err)
	}
}
