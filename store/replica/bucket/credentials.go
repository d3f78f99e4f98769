package bucket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/ec2rolecreds"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"
)

// source says who asks. Keys that expire are fetched anew in time.
type source = aws.CredentialsProvider

// errCredentials says that nobody knows who asks; trying again at once is no use.
var errCredentials = errors.New("no keys for the S3 service")

func given(id, secret string) source {
	return credentials.NewStaticCredentialsProvider(id, secret, "")
}

// machine is whoever the machine says it is, as Amazon's tools read it: the environment, then
// the file of shared credentials, then the role of the machine in Amazon's cloud.
func machine(client *http.Client) source {
	role := ec2rolecreds.New(func(o *ec2rolecreds.Options) {
		o.Client = imds.New(imds.Options{HTTPClient: client})
	})
	return aws.NewCredentialsCache(aws.CredentialsProviderFunc(func(ctx context.Context) (aws.Credentials, error) {
		keys := aws.Credentials{AccessKeyID: os.Getenv("AWS_ACCESS_KEY_ID"), SecretAccessKey: os.Getenv("AWS_SECRET_ACCESS_KEY"),
			SessionToken: os.Getenv("AWS_SESSION_TOKEN"), Source: "environment"}
		if keys.HasKeys() {
			return keys, nil
		}
		keys, err := shared()
		if err != nil || keys.HasKeys() {
			return keys, err
		}
		if strings.EqualFold(os.Getenv("AWS_EC2_METADATA_DISABLED"), "true") {
			return keys, errors.New("neither the configuration nor the environment nor a file names them")
		}
		keys, err = role.Retrieve(ctx)
		if err != nil {
			return keys, fmt.Errorf("neither the configuration nor the environment nor a file names them, and this machine has no role: %w", err)
		}
		return keys, nil
	}))
}

// shared reads the file of shared credentials, ~/.aws/credentials, and of it the profile
// that AWS_PROFILE names, else "default". No file is no error.
func shared() (keys aws.Credentials, err error) {
	path := os.Getenv("AWS_SHARED_CREDENTIALS_FILE")
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return keys, nil
		}
		path = filepath.Join(home, ".aws", "credentials")
	}
	f, err := os.Open(path)
	if err != nil {
		if os.IsNotExist(err) || os.IsPermission(err) {
			err = nil
		}
		return keys, err
	}
	defer f.Close()
	profile := os.Getenv("AWS_PROFILE")
	if profile == "" {
		profile = "default"
	}
	keys.Source = path
	inside := false
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		if strings.HasPrefix(text, "[") {
			inside = strings.TrimSpace(strings.Trim(text, "[]")) == profile
			continue
		}
		name, value, ok := strings.Cut(text, "=")
		if !inside || !ok || strings.HasPrefix(text, "#") || strings.HasPrefix(text, ";") {
			continue
		}
		value = strings.TrimSpace(value)
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "aws_access_key_id":
			keys.AccessKeyID = value
		case "aws_secret_access_key":
			keys.SecretAccessKey = value
		case "aws_session_token":
			keys.SessionToken = value
		}
	}
	if err := lines.Err(); err != nil {
		return aws.Credentials{}, fmt.Errorf("read %s: %w", path, err)
	}
	return keys, nil
}
