package replica

import (
	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/benbjohnson/litestream/sftp"
)

// newClient is Litestream's client for one epoch, set up as the stock command
// does from the same keys (cmd/litestream/main.go).
func newClient(rep Replica, epoch string) litestream.ReplicaClient {
	switch rep.Type {
	case "s3":
		return newS3Client(rep, epoch)
	case "sftp":
		c := sftp.NewReplicaClient()
		c.Host, c.Path = rep.Host, rep.at(epoch)
		c.User, c.Password, c.KeyPath, c.HostKey = rep.User, rep.Password, rep.KeyPath, rep.HostKey
		return c
	}
	return file.NewReplicaClient(rep.at(epoch))
}
