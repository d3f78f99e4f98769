package replica

import (
	"github.com/benbjohnson/litestream"
	"github.com/benbjohnson/litestream/file"
	"github.com/benbjohnson/litestream/s3"
	"github.com/benbjohnson/litestream/sftp"
)

// newClient is Litestream's client for one epoch, set up as the stock command
// does from the same keys (cmd/litestream/main.go).
func newClient(rep Replica, epoch string) litestream.ReplicaClient {
	switch rep.Type {
	case "s3":
		c := s3.NewReplicaClient()
		c.Bucket, c.Path, c.Region, c.Endpoint = rep.Bucket, rep.at(epoch), rep.Region, rep.Endpoint
		c.AccessKeyID, c.SecretAccessKey = rep.AccessKeyID, rep.SecretAccessKey
		c.ForcePathStyle, c.SSECustomerKey = rep.ForcePathStyle, rep.SSECustomerKey
		if litestream.IsCloudflareR2Endpoint(rep.Endpoint) {
			c.Concurrency = s3.DefaultR2Concurrency
		}
		if litestream.IsTigrisEndpoint(rep.Endpoint) {
			c.RequireContentMD5 = false
			c.Concurrency, c.PartSize = s3.DefaultTigrisConcurrency, s3.DefaultTigrisPartSize
		}
		return c
	case "sftp":
		c := sftp.NewReplicaClient()
		c.Host, c.Path = rep.Host, rep.at(epoch)
		c.User, c.Password, c.KeyPath, c.HostKey = rep.User, rep.Password, rep.KeyPath, rep.HostKey
		return c
	}
	return file.NewReplicaClient(rep.at(epoch))
}
