package replica

import (
	"encoding/base64"
	"net/url"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/benbjohnson/litestream"

	"seaworthy/store/replica/bucket"
)

const day = 24 * time.Hour

// Parse is Load for text at hand.
func Parse(text []byte, env func(string) string) (Config, error) {
	r := &reader{env: env}
	top := r.document(text)
	if r.err != nil {
		return Config{}, r.err
	}
	cfg := Config{
		L0Retention:              top.duration("l0-retention", 5*time.Minute, 0, 30*day),
		L0RetentionCheckInterval: top.duration("l0-retention-check-interval", 5*time.Minute, time.Second, day),
		ShutdownSyncTimeout:      top.duration("shutdown-sync-timeout", 10*time.Second, time.Second, 5*time.Minute),
		HeartbeatInterval:        top.duration("heartbeat-interval", 5*time.Minute, litestream.MinHeartbeatInterval, day),
	}
	cfg.heartbeat(&top)
	cfg.levels(&top)
	cfg.snapshot(&top)
	cfg.database(&top)
	top.end()
	if r.err != nil {
		return Config{}, r.err
	}
	return cfg, nil
}

func (cfg *Config) heartbeat(top *mapping) {
	line := lineOf(top, "heartbeat-url")
	cfg.HeartbeatURL = top.text("heartbeat-url")
	if cfg.HeartbeatURL == "" {
		return
	}
	u, err := url.Parse(cfg.HeartbeatURL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		top.r.fail(line, "heartbeat-url", "must be an http or https URL")
	}
}

func (cfg *Config) levels(top *mapping) {
	line := lineOf(top, "levels")
	cfg.Levels = nil
	for _, level := range top.list("levels") {
		if lineOf(&level, "interval") == 0 {
			top.r.fail(level.line, level.name+"interval", "missing")
		}
		cfg.Levels = append(cfg.Levels, level.duration("interval", 0, time.Second, 30*day))
		level.end()
	}
	if cfg.Levels == nil {
		cfg.Levels = []time.Duration{30 * time.Second, 5 * time.Minute, time.Hour}
	}
	if len(cfg.Levels) > litestream.SnapshotLevel-1 {
		top.r.fail(line, "levels", "at most %d", litestream.SnapshotLevel-1)
	}
	for i := 1; i < len(cfg.Levels); i++ {
		if cfg.Levels[i] <= cfg.Levels[i-1] {
			top.r.fail(line, "levels", "each interval must be longer than the one before")
		}
	}
}

func (cfg *Config) snapshot(top *mapping) {
	m := top.sub("snapshot")
	cfg.SnapshotInterval = m.duration("interval", day, time.Minute, 30*day)
	cfg.SnapshotRetention = m.duration("retention", 30*day, time.Minute, 3650*day)
	if cfg.SnapshotRetention < cfg.SnapshotInterval {
		m.r.fail(m.line, "snapshot.retention", "%v is shorter than snapshot.interval, %v", cfg.SnapshotRetention, cfg.SnapshotInterval)
	}
	m.end()
}

func (cfg *Config) database(top *mapping) {
	line := lineOf(top, "dbs")
	all := top.list("dbs")
	if len(all) != 1 {
		top.r.fail(line, "dbs", "must name exactly one database, not %d", len(all))
		return
	}
	db := all[0]
	cfg.DBPath = db.absolute("path", db.text("path"))
	if cfg.DBPath == "" {
		db.r.fail(db.line, db.name+"path", "missing")
	}
	if lineOf(&db, "replica") == 0 {
		db.r.fail(db.line, db.name+"replica", "missing")
		return
	}
	m := db.sub("replica")
	cfg.Replica = m.replica()
	m.end()
	db.end()
}

// replica reads a replica's settings, whether given one by one or as a URL.
func (m *mapping) replica() Replica {
	rep := Replica{
		Type: m.text("type"), Path: m.text("path"),
		SyncInterval: m.duration("sync-interval", time.Second, 10*time.Millisecond, time.Hour),
		Bucket:       m.text("bucket"), Region: m.text("region"), Endpoint: m.text("endpoint"),
		AccessKeyID: m.text("access-key-id"), SecretAccessKey: m.text("secret-access-key"),
		Host: m.text("host"), User: m.text("user"), Password: m.text("password"),
		KeyPath: m.text("key-path"), HostKey: m.text("host-key"),
	}
	keyLine := lineOf(m, "sse-customer-key")
	rep.SSECustomerKey = m.text("sse-customer-key")
	if raw, err := base64.StdEncoding.DecodeString(rep.SSECustomerKey); err != nil || (len(raw) != 32 && len(raw) != 0) {
		m.r.fail(keyLine, m.name+"sse-customer-key", "must be the base64 form of 32 bytes")
	}
	urlLine := lineOf(m, "url")
	if raw := m.text("url"); raw != "" {
		m.fromURL(&rep, raw, urlLine)
	}
	rep.ForcePathStyle = m.flag("force-path-style", rep.ForcePathStyle || rep.Endpoint != "")
	m.check(&rep)
	return rep
}

// fromURL fills in what a replica URL says, as the stock command reads it.
func (m *mapping) fromURL(rep *Replica, raw string, line int) {
	key := m.name + "url"
	if rep.Path != "" || rep.Bucket != "" || rep.Host != "" {
		m.r.fail(line, key, "give either a url or path, bucket and host")
	}
	// The mark has bytes a URL may not have.
	raw = strings.ReplaceAll(raw, epochMark, "EPOCH-MARK")
	scheme, host, dir, query, user, err := litestream.ParseReplicaURLWithQuery(raw)
	if err != nil {
		m.r.fail(line, key, "not a replica URL")
		return
	}
	if rep.Type != "" && rep.Type != scheme {
		m.r.fail(line, key, "is for %s, but type says %s", scheme, rep.Type)
	}
	rep.Type, rep.Path = scheme, strings.ReplaceAll(dir, "EPOCH-MARK", epochMark)
	switch scheme {
	case "s3":
		var region, endpoint string
		rep.Bucket, region, endpoint, rep.ForcePathStyle = bucket.ParseHost(host)
		for name := range query {
			if name != "endpoint" && name != "region" {
				m.r.fail(line, key, "unknown parameter %q: use the keys of the file", name)
			}
		}
		rep.Region = first(rep.Region, query.Get("region"), region)
		rep.Endpoint = first(rep.Endpoint, query.Get("endpoint"), endpoint)
	case "sftp":
		rep.Host = host
		if user != nil {
			rep.User = first(rep.User, user.Username())
			password, _ := user.Password()
			rep.Password = first(rep.Password, password)
		}
	}
}

// check refuses what cannot work, and splits the epoch off the path.
func (m *mapping) check(rep *Replica) {
	need := func(value, key, why string) {
		if value == "" {
			m.r.fail(m.line, m.name+key, "%s", why)
		}
	}
	switch rep.Type {
	case "file":
		need(rep.Path, "path", "missing")
	case "s3":
		need(rep.Bucket, "bucket", "missing")
		need(rep.Region+rep.Endpoint, "region", "missing: a bucket needs a region or an endpoint")
		if (rep.AccessKeyID == "") != (rep.SecretAccessKey == "") {
			m.r.fail(m.line, m.name+"secret-access-key", "access-key-id and secret-access-key go together")
		}
	case "sftp":
		need(rep.Host, "host", "missing")
		need(rep.User, "user", "missing")
		need(rep.Password+rep.KeyPath, "key-path", "missing: sftp needs a key-path or a password")
		need(rep.Path, "path", "missing")
	case "":
		m.r.fail(m.line, m.name+"type", "missing: file, s3 or sftp")
	default:
		m.r.fail(m.line, m.name+"type", "%q is not one of file, s3, sftp", rep.Type)
	}
	dir := strings.TrimSuffix(rep.Path, "/")
	if dir == epochMark {
		dir = ""
	}
	dir = strings.TrimSuffix(dir, "/"+epochMark)
	if strings.Contains(dir, epochMark) {
		m.r.fail(m.line, m.name+"path", "${%s} must be its last element", EnvEpoch)
	}
	if rep.Type == "file" {
		rep.Path = m.absolute("path", dir)
		return
	}
	if rep.Path = path.Clean(dir); rep.Path == "." {
		rep.Path = ""
	}
	if rep.Type == "s3" {
		rep.Path = strings.TrimPrefix(rep.Path, "/")
	}
}

// absolute makes a path of this machine independent of the working directory.
func (m *mapping) absolute(key, p string) string {
	if p == "" {
		return ""
	}
	p, err := filepath.Abs(p)
	if err != nil {
		m.r.fail(m.line, m.name+key, "%v", err)
	}
	return p
}

func lineOf(m *mapping, key string) int {
	for _, k := range m.keys {
		if k.Value == key {
			return k.Line
		}
	}
	return 0
}

func first(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
