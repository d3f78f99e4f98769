package email

import (
	"strings"
	"testing"
)

func TestWebPSizes(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		chunks        string
		width, height int
	}{
		"lossy":    {"VP8 \x0a\x00\x00\x00\x10\x00\x00\x9d\x01\x2a\x40\x01\xc8\x00", 320, 200},
		"lossless": {"VP8L\x06\x00\x00\x00\x2f\x3f\xc1\x31\x00\x00", 320, 200},
		"extended": {"VP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xc7\x00\x00VP8L\x06\x00\x00\x00\x2f\x3f\xc1\x31\x00\x00", 320, 200},
	} {
		body := "WEBP" + c.chunks
		got, err := webpSize(strings.NewReader("RIFF" + string([]byte{byte(len(body)), 0, 0, 0}) + body))
		if err != nil || got.Width != c.width || got.Height != c.height {
			t.Errorf("%s: %d by %d, %v", name, got.Width, got.Height, err)
		}
	}
}

func FuzzWebP(f *testing.F) {
	f.Add("RIFF\x12\x00\x00\x00WEBPVP8L\x06\x00\x00\x00\x2f\x3f\xc1\x31\x00\x00")
	f.Add("RIFF\x16\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x00\x00\x00\x00\x3f\x01\x00\xc7\x00\x00")
	f.Fuzz(func(t *testing.T, body string) {
		size, err := webpSize(strings.NewReader(body))
		if err == nil && (size.Width < 1 || size.Height < 1 || size.Width > 1<<24 || size.Height > 1<<24) {
			t.Errorf("%d by %d", size.Width, size.Height)
		}
	})
}
