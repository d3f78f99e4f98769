package replica

import (
	_ "embed"
	"fmt"
	"os"
	"path/filepath"
	"time"
)

// DefaultYAML is the litestream.yml that the repository ships: a file replica
// under the data folder, with the block for S3 to uncomment.
//
//go:embed litestream.yml
var DefaultYAML string

// The variables of litestream.yml that Seaworthy itself supplies.
const (
	EnvData  = "SEAWORTHY_DATA"  // the data folder, absolute
	EnvEpoch = "SEAWORTHY_EPOCH" // the epoch's folder below the replica's root
)

// Config is what litestream.yml says. The keys, their spelling and their
// defaults are Litestream's (cmd/litestream/main.go), so that the stock command
// accepts the same file.
type Config struct {
	DBPath  string  // dbs[0].path
	Replica Replica // dbs[0].replica

	Levels                   []time.Duration // intervals of compaction levels 1, 2, ...
	SnapshotInterval         time.Duration
	SnapshotRetention        time.Duration // how far back a restore can go
	L0Retention              time.Duration // how long single commits stay apart
	L0RetentionCheckInterval time.Duration
	ShutdownSyncTimeout      time.Duration // how long Close tries to get the last commits out
	HeartbeatURL             string        // GET while all is replicated; "" for none
	HeartbeatInterval        time.Duration
}

// Replica is where the copy goes. Path is the root that holds the epochs.
type Replica struct {
	Type         string // file, s3 or sftp
	Path         string
	SyncInterval time.Duration // how long commits gather before they are sent

	Bucket, Region, Endpoint     string // s3
	AccessKeyID, SecretAccessKey string // s3; the AWS SDK's usual sources if empty
	SSECustomerKey               string // s3; base64 of 32 bytes
	ForcePathStyle               bool   // s3

	Host, User, Password, KeyPath, HostKey string // sftp
}

// Location names the replica for people: never with a secret.
func (r Replica) Location() string {
	switch r.Type {
	case "s3":
		where := "s3://" + r.Bucket + "/" + r.Path
		if r.Endpoint != "" {
			where += " at " + r.Endpoint
		}
		return where
	case "sftp":
		return "sftp://" + r.User + "@" + r.Host + "/" + r.Path
	}
	return r.Path
}

// under tells whether the replica is a folder below dir: then it is lost
// together with the database and its absence proves nothing is missing.
func (r Replica) under(dir string) bool {
	if r.Type != "file" {
		return false
	}
	rel, err := filepath.Rel(dir, r.Path)
	return err == nil && filepath.IsLocal(rel)
}

// Under tells whether losing the folder dir loses the replica as well.
func (r Replica) Under(dir string) bool { return r.under(dir) }

// at is the path of an epoch below the root.
func (r Replica) at(epoch string) string {
	if r.Path == "" {
		return epoch
	}
	return r.Path + "/" + epoch
}

// Load reads and checks a litestream.yml. env supplies the values of its
// variables: SEAWORTHY_DATA must be among them, SEAWORTHY_EPOCH need not.
func Load(path string, env func(string) string) (Config, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return Config{}, fmt.Errorf("read the replica's configuration: %w", err)
	}
	cfg, err := Parse(text, env)
	if err != nil {
		return Config{}, fmt.Errorf("%s: %w", path, err)
	}
	return cfg, nil
}

// ConfigError says what is wrong with which key.
type ConfigError struct {
	Line int    // 1 is the first; 0 when the key is missing
	Key  string // dotted, as in dbs[0].replica.bucket
	Why  string
}

func (e *ConfigError) Error() string {
	if e.Line == 0 {
		return e.Key + ": " + e.Why
	}
	return fmt.Sprintf("line %d: %s: %s", e.Line, e.Key, e.Why)
}
