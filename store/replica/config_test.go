package replica

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestDefaultIsTheShippedFile(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("..", "..", "litestream.yml"))
	if err != nil {
		t.Fatal(err)
	}
	if string(text) != DefaultYAML {
		t.Error("litestream.yml and store/replica/litestream.yml differ: copy one over the other")
	}
	cfg, err := Load(filepath.Join("..", "..", "litestream.yml"), env("/srv/data"))
	if err != nil {
		t.Fatal(err)
	}
	if cfg.DBPath != "/srv/data/seaworthy.db" || cfg.Replica.Type != "file" || cfg.Replica.Path != "/srv/data/replica" {
		t.Errorf("default = %+v", cfg)
	}
	if cfg.Replica.SyncInterval != time.Second || cfg.SnapshotRetention != 30*day || cfg.ShutdownSyncTimeout != 10*time.Second {
		t.Errorf("default = %+v", cfg)
	}
}

func TestDefaultS3Block(t *testing.T) {
	t.Parallel()
	// The block to uncomment must work when a person does as it says.
	text := strings.ReplaceAll(DefaultYAML, "      # type: s3", "      type: s3")
	text = strings.Replace(text, "      type: file\n      path: ${SEAWORTHY_DATA}/replica/${SEAWORTHY_EPOCH}\n", "", 1)
	for _, key := range []string{"bucket", "path", "region", "access-key-id", "secret-access-key", "endpoint", "force-path-style", "sse-customer-key"} {
		text = strings.Replace(text, "      # "+key+":", "      "+key+":", 1)
	}
	values := map[string]string{EnvData: "/d", "AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "p$s#w: \"x",
		"SEAWORTHY_SSE_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="}
	cfg, err := Parse([]byte(text), func(name string) string { return values[name] })
	if err != nil {
		t.Fatal(err)
	}
	r := cfg.Replica
	if r.Type != "s3" || r.Bucket != "my-backups" || r.Path != "seaworthy" || r.SecretAccessKey != values["AWS_SECRET_ACCESS_KEY"] || !r.ForcePathStyle {
		t.Errorf("replica = %+v", r)
	}
	if where := r.Location(); strings.Contains(where, r.SecretAccessKey) || where != "s3://my-backups/seaworthy at https://s3.example.com" {
		t.Errorf("Location = %q", where)
	}
}

// yamlOf puts a replica's keys, and what else, into a whole file.
func yamlOf(replica string, more ...string) string {
	return "dbs:\n  - path: /d/seaworthy.db\n    replica: {" + replica + "}\n" + strings.Join(more, "\n")
}

func TestParse(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, text string
		want       string // of the error; "" for a path instead
		path       string
	}{
		{"file", yamlOf("type: file, path: /r"), "", "/r"},
		{"epoch at the end", yamlOf("type: file, path: '/r/${SEAWORTHY_EPOCH}'"), "", "/r"},
		{"epoch and slash", yamlOf("type: s3, bucket: b, region: x, path: '/p/${SEAWORTHY_EPOCH}/'"), "", "p"},
		{"epoch alone", yamlOf("type: s3, bucket: b, region: x, path: '${SEAWORTHY_EPOCH}'"), "", ""},
		{"no epoch", yamlOf("type: s3, bucket: b, region: x, path: a/b"), "", "a/b"},
		{"s3 url", yamlOf("url: 's3://b/p/${SEAWORTHY_EPOCH}', region: x"), "", "p"},
		{"s3 url with endpoint", yamlOf("url: 's3://b/p?endpoint=http://127.0.0.1:1'"), "", "p"},
		{"sftp url", yamlOf("url: 'sftp://u:p@h:22/p/${SEAWORTHY_EPOCH}'"), "", "p"},
		{"sftp", yamlOf("type: sftp, host: h, user: u, key-path: /k, path: /p"), "", "/p"},

		{"empty", "", "dbs: must name exactly one database, not 0", ""},
		{"not yaml", "dbs: [", "line 1: did not find expected node content", ""},
		{"a list", "- a", "line 1: : must be a mapping of keys to values", ""},
		{"unknown at the top", yamlOf("type: file, path: /r", "addr: ':9090'"), "line 4: addr: unknown key", ""},
		{"unknown in the db", "dbs:\n  - path: /d/x\n    replica: {type: file, path: /r}\n    monitor-interval: 1s", "line 4: dbs[0].monitor-interval: unknown key", ""},
		{"unknown in the replica", yamlOf("type: file, path: /r, Path: /q"), "line 3: dbs[0].replica.Path: unknown key", ""},
		{"unknown in a level", yamlOf("type: file, path: /r", "levels: [{interval: 1m, every: 2}]"), "line 4: levels[0].every: unknown key", ""},
		{"twice", yamlOf("type: file, path: /r, path: /q"), "line 3: dbs[0].replica.path: given twice", ""},
		{"two databases", "dbs:\n  - path: /a\n    replica: {type: file, path: /r}\n  - path: /b\n    replica: {type: file, path: /r}", "line 1: dbs: must name exactly one database, not 2", ""},
		{"no path", "dbs:\n  - replica: {type: file, path: /r}", "line 2: dbs[0].path: missing", ""},
		{"no replica", "dbs:\n  - path: /a", "line 2: dbs[0].replica: missing", ""},
		{"bad duration", yamlOf("type: file, path: /r, sync-interval: often"), `line 3: dbs[0].replica.sync-interval: "often" is not a duration like 30s, 5m or 24h`, ""},
		{"bare number", yamlOf("type: file, path: /r", "l0-retention: 5"), `line 4: l0-retention: "5" is not a duration`, ""},
		{"negative duration", yamlOf("type: file, path: /r", "l0-retention: -5m"), "line 4: l0-retention: -5m0s is outside of", ""},
		{"retention below interval", yamlOf("type: file, path: /r", "snapshot: {interval: 24h, retention: 1h}"), "line 4: snapshot.retention: 1h0m0s is shorter", ""},
		{"levels that shrink", yamlOf("type: file, path: /r", "levels: [{interval: 5m}, {interval: 1m}]"), "line 4: levels: each interval must be longer", ""},
		{"a level without interval", yamlOf("type: file, path: /r", "levels: [{}]"), "line 4: levels[0].interval: missing", ""},
		{"no type", yamlOf("path: /r"), "line 3: dbs[0].replica.type: missing", ""},
		{"a type that is not linked", yamlOf("type: gs, bucket: b"), `dbs[0].replica.type: "gs" is not one of`, ""},
		{"missing variable", yamlOf("type: file, path: '${NOWHERE}/r'"), "line 3: dbs[0].replica.path: the environment variable NOWHERE is not set", ""},
		{"open brace", yamlOf("type: file, path: '${NOWHERE'"), "line 3: dbs[0].replica.path: ${ without a name", ""},
		{"epoch in the middle", yamlOf("type: file, path: '/r/${SEAWORTHY_EPOCH}/x'"), "must be its last element", ""},
		{"s3 without bucket", yamlOf("type: s3, region: x"), "dbs[0].replica.bucket: missing", ""},
		{"s3 without region", yamlOf("type: s3, bucket: x"), "a bucket needs a region or an endpoint", ""},
		{"half a key", yamlOf("type: s3, bucket: x, region: y, access-key-id: a"), "go together", ""},
		{"short sse key", yamlOf("type: s3, bucket: x, region: y, sse-customer-key: AAAA"), "base64 form of 32 bytes", ""},
		{"sftp without user", yamlOf("type: sftp, host: h, password: p, path: /p"), "dbs[0].replica.user: missing", ""},
		{"url and path", yamlOf("url: 's3://b/p', path: q, region: x"), "give either a url or path", ""},
		{"url of another type", yamlOf("url: 's3://b/p', type: file"), "is for s3, but type says file", ""},
		{"url with a stray parameter", yamlOf("url: 's3://b/p?partSize=1', region: x"), "unknown parameter", ""},
		{"heartbeat", yamlOf("type: file, path: /r", "heartbeat-url: ftp://x"), "line 4: heartbeat-url: must be an http or https URL", ""},
		{"flag", yamlOf("type: s3, bucket: b, region: x, force-path-style: maybe"), "must be true or false", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			cfg, err := Parse([]byte(tt.text), env("/d"))
			switch {
			case tt.want == "" && err != nil:
				t.Fatal(err)
			case tt.want == "" && cfg.Replica.Path != tt.path:
				t.Errorf("path = %q, want %q", cfg.Replica.Path, tt.path)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("error = %v, want it to contain %q", err, tt.want)
			}
		})
	}
	var bad *ConfigError
	if _, err := Parse([]byte("x: 1"), env("/d")); !errors.As(err, &bad) {
		t.Errorf("error is a %T", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add(DefaultYAML)
	f.Add(yamlOf("url: 's3://b/p/${SEAWORTHY_EPOCH}', region: x", "levels: [{interval: 5m}]"))
	f.Add(yamlOf("type: sftp, host: h, user: u, password: p, path: '${X}'"))
	f.Add("a: &a [*a]")
	f.Fuzz(func(t *testing.T, text string) {
		cfg, err := Parse([]byte(text), func(string) string { return "/x" })
		if err != nil {
			return
		}
		r := cfg.Replica
		if cfg.DBPath == "" || len(cfg.Levels) == 0 || r.SyncInterval <= 0 || cfg.SnapshotInterval <= 0 || cfg.ShutdownSyncTimeout <= 0 {
			t.Errorf("accepted without what it takes to run: %+v", cfg)
		}
		if strings.Contains(r.at("e0001-aaaaaaaa"), epochMark) || strings.Contains(cfg.DBPath, epochMark) {
			t.Errorf("the epoch's mark was left in a path: %+v", cfg)
		}
	})
}
