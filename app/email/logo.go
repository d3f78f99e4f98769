package email

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"mime"
	"net/http"
	"strings"

	"seaworthy/app/web"
	"seaworthy/store"
)

// logo is an image that pages and mails show.
type logo struct {
	hash, kind    string
	width, height int
	body          []byte
}

// A logo is shown 48 pixels high: what is larger than this only slows mails down.
const (
	maxLogo  = 256 << 10 // bytes
	maxSide  = 2000      // pixels
	logoBase = "/-/brand/logo/"
)

// logoKinds are the images that are taken, and how each is read. Not all mail programs show
// WebP: mails have the name in words then.
var logoKinds = map[string]struct {
	suffix string
	mailed bool // mail programs show it
	size   func(io.Reader) (image.Config, error)
	whole  func(io.Reader) (image.Image, error) // nil: size looks at all of it
}{
	"image/png":  {".png", true, png.DecodeConfig, png.Decode},
	"image/jpeg": {".jpg", true, jpeg.DecodeConfig, jpeg.Decode},
	"image/gif":  {".gif", true, gif.DecodeConfig, gif.Decode},
	"image/webp": {".webp", false, webpSize, nil},
}

func logoPath(hash, kind string) string { return logoBase + hash + logoKinds[kind].suffix }

func badLogo(code, message string) error {
	return web.Invalid(web.Field{Field: "logo", Code: code, Message: message})
}

// readLogo takes an image only for what its bytes say it is, whatever it is called,
// and only if all of it can be read.
func readLogo(body []byte) (l logo, err error) {
	switch {
	case len(body) == 0:
		return l, badLogo("required", "Choose an image.")
	case len(body) > maxLogo:
		return l, badLogo("too_large", "At most 256 KB.")
	}
	kind := http.DetectContentType(body)
	how, ok := logoKinds[kind]
	if !ok {
		if strings.Contains(strings.ToLower(string(body[:min(512, len(body))])), "<svg") {
			return l, badLogo("kind", "SVG is not shown by Gmail and Outlook, and can hold scripts. Export it as PNG, about 96 pixels high.")
		}
		return l, badLogo("kind", "A PNG, JPEG, GIF or WebP. Mail programs do not show other images.")
	}
	size, err := how.size(bytes.NewReader(body))
	if err != nil {
		return l, badLogo("broken", "This image cannot be read. Export it anew.")
	}
	if size.Width < 1 || size.Height < 1 || size.Width > maxSide || size.Height > maxSide {
		return l, badLogo("size", fmt.Sprintf("At most %d by %d pixels; this is %d by %d.", maxSide, maxSide, size.Width, size.Height))
	}
	if how.whole != nil {
		if _, err := how.whole(bytes.NewReader(body)); err != nil {
			return l, badLogo("broken", "This image cannot be read to its end. Export it anew.")
		}
	}
	sum := sha256.Sum256(body)
	return logo{hash: hex.EncodeToString(sum[:]), kind: kind, width: size.Width, height: size.Height, body: body}, nil
}

// setLogo puts an image in the place of the one in use.
func (s *System) setLogo(ctx context.Context, version int64, body []byte) error {
	l, err := readLogo(body)
	if err != nil {
		return err
	}
	return s.changeBrand(ctx, version, func(tx *store.Tx, b *brandRow) error {
		b.logo, b.kind, b.width, b.height = l.hash, l.kind, l.width, l.height
		return saveLogo(tx, l)
	})
}

// dropLogo goes back to the name in words. Mails that were sent keep their image.
func (s *System) dropLogo(ctx context.Context, version int64) error {
	return s.changeBrand(ctx, version, func(_ *store.Tx, b *brandRow) error {
		b.logo, b.kind, b.width, b.height = "", "", 0, 0
		return nil
	})
}

// serveLogo answers GET /-/brand/logo/{file}, for mail programs and everybody else.
// The name has the content's hash in it, so that it never changes.
func (s *System) serveLogo(w http.ResponseWriter, r *http.Request) error {
	hash, suffix, _ := strings.Cut(r.PathValue("file"), ".")
	if len(hash) != 2*sha256.Size {
		return web.ErrNotFound
	}
	l, err := store.Read(r.Context(), s.DB, func(tx *store.Tx) (logo, error) { return logoBody(tx, hash) })
	if err != nil {
		return err
	}
	if logoKinds[l.kind].suffix != "."+suffix {
		return web.ErrNotFound
	}
	h := w.Header()
	h.Set("Content-Type", l.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin") // mail programs in a browser are elsewhere
	_, err = w.Write(l.body)
	return err
}

// uploaded reads the file of the field logo, and the fields beside it, of a form
// with a file (RFC 7578). The route bounds the body.
func uploaded(r *http.Request) (body []byte, fields map[string]string, err error) {
	kind, params, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/form-data" || params["boundary"] == "" {
		return nil, nil, &web.Error{Status: http.StatusUnsupportedMediaType, Code: "unsupported_media_type", Public: "Send the form as multipart/form-data."}
	}
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, web.BadRequest("malformed_form", "The form could not be read.")
	}
	fields = map[string]string{}
	for range 10 {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return body, fields, nil
		}
		var content []byte
		if err == nil {
			content, err = io.ReadAll(io.LimitReader(part, maxLogo+1))
		}
		var large *http.MaxBytesError
		switch {
		case errors.As(err, &large):
			return nil, nil, badLogo("too_large", "At most 256 KB.")
		case err != nil:
			return nil, nil, web.BadRequest("malformed_form", "The form could not be read.")
		case part.FormName() == "logo":
			body = content
		default:
			fields[part.FormName()] = string(content)
		}
	}
	return nil, nil, web.BadRequest("malformed_form", "The form has too many fields.")
}
