package bucket

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// The example of Amazon's documentation, "Authenticating Requests: Using the Authorization
// Header (AWS Signature Version 4)", GET Object.
func TestSignatureOfTheDocumentation(t *testing.T) {
	t.Parallel()
	b, err := Open(Options{Name: "examplebucket", Endpoint: "s3.amazonaws.com",
		AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"})
	if err != nil {
		t.Fatal(err)
	}
	b.now = func() time.Time { return time.Date(2013, 5, 24, 0, 0, 0, 0, time.UTC) }
	var got string
	b.http.Transport = roundTrip(func(r *http.Request) (*http.Response, error) {
		got = r.Header.Get("Authorization")
		return &http.Response{StatusCode: 206, Header: http.Header{}, Body: http.NoBody}, nil
	})
	if _, _, err := b.Get(t.Context(), "test.txt", 0, 10); err != nil {
		t.Fatal(err)
	}
	const want = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, " +
		"SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41"
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestAddresses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		o    Options
		want string
	}{
		{Options{Name: "b"}, "https://b.s3.us-east-1.amazonaws.com"},
		{Options{Name: "b", Region: "eu-central-1"}, "https://b.s3.eu-central-1.amazonaws.com"},
		{Options{Name: "b", Region: "cn-north-1"}, "https://b.s3.cn-north-1.amazonaws.com.cn"},
		{Options{Name: "b.example.com"}, "https://s3.us-east-1.amazonaws.com/b.example.com"},
		{Options{Name: "b", Endpoint: "fsn1.your-objectstorage.com"}, "https://b.fsn1.your-objectstorage.com"},
		{Options{Name: "b", Endpoint: "http://127.0.0.1:7070/", PathStyle: true}, "http://127.0.0.1:7070/b"},
		{Options{Name: "b", Endpoint: "http://127.0.0.1:7070", PathStyle: true, CustomerKey: strings.Repeat("A", 43) + "="}, "http://127.0.0.1:7070/b"},
		{Options{Name: "b", Endpoint: "http://s3.example.com", CustomerKey: strings.Repeat("A", 43) + "="}, ""},
		{Options{Name: "b", CustomerKey: "short"}, ""},
		{Options{Name: "b", Endpoint: "ftp://x"}, ""},
		{Options{Name: "b", Endpoint: "https://id:secret@s3.example.com"}, ""},
		{Options{Name: "arn:aws:s3:us-west-2:1:accesspoint/a"}, ""},
		{Options{}, ""},
	} {
		b, err := Open(c.o)
		if err != nil || c.want == "" {
			if (err == nil) != (c.want != "") {
				t.Errorf("%+v: %v", c.o, err)
			}
			continue
		}
		if got := b.base.String(); got != c.want {
			t.Errorf("%+v: %s, want %s", c.o, got, c.want)
		}
	}
}

func TestParseHost(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]string{
		"bucket":                                   "bucket|||false",
		"bucket.s3.amazonaws.com":                  "bucket|||false",
		"a.b.s3.eu-west-1.amazonaws.com":           "a.b|eu-west-1||false",
		"bucket.s3-eu-west-1.amazonaws.com":        "bucket|eu-west-1||false",
		"bucket.fra1.digitaloceanspaces.com":       "bucket|fra1|https://fra1.digitaloceanspaces.com|false",
		"bucket.s3.eu-central-003.backblazeb2.com": "bucket|eu-central-003|https://s3.eu-central-003.backblazeb2.com|true",
		"bucket.s3.filebase.com":                   "bucket||https://s3.filebase.com|false",
		"bucket.s3.fr-par.scw.cloud":               "bucket|fr-par|https://s3.fr-par.scw.cloud|false",
		"bucket.localhost:9000":                    "bucket|us-east-1|http://localhost:9000|true",
		"localhost:9000":                           "||http://localhost:9000|true",
	} {
		name, region, endpoint, style := ParseHost(host)
		got := strings.Join([]string{name, region, endpoint, map[bool]string{true: "true", false: "false"}[style]}, "|")
		if got != want {
			t.Errorf("%s: %s, want %s", host, got, want)
		}
	}
}

// Not parallel: it sets the environment.
func TestKeysOfTheMachine(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "credentials")
	text := "[other]\naws_access_key_id = no\n\n[ default ]\n# why\naws_access_key_id=file id\naws_secret_access_key = file secret\n"
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"} {
		t.Setenv(name, "")
	}
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	ask := func() (string, error) {
		keys, err := machine(http.DefaultClient).Retrieve(t.Context())
		return keys.AccessKeyID + "|" + keys.SecretAccessKey + "|" + keys.SessionToken, err
	}
	if got, err := ask(); err != nil || got != "file id|file secret|" {
		t.Errorf("file: %s, %v", got, err)
	}
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 1<<17)+"\n"+text), 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := ask(); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("a file that cannot be read: %s, %v", got, err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	t.Setenv("AWS_SESSION_TOKEN", "token")
	if got, err := ask(); err != nil || got != "id|secret|token" {
		t.Errorf("environment: %s, %v", got, err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(dir, "none"))
	if got, err := ask(); err == nil {
		t.Errorf("nowhere: %s", got)
	}
	b := open(t, Options{}, nil)
	b.credentials = machine(http.DefaultClient)
	if _, err := b.Head(t.Context(), "key"); err == nil || !strings.Contains(err.Error(), "no keys for the S3 service") {
		t.Errorf("%v", err)
	}
}
