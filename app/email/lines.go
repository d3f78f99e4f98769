package email

import (
	"fmt"
	"net/http"
	"strings"

	"seaworthy/app/web"
)

// oneLine refuses a line break in whatever goes into the head of a mail: it would
// begin a header of the sender's choice there.
func (in *sendIn) oneLine() error {
	type part struct{ field, text string }
	parts := []part{{"subject", in.Subject}, {"from", in.From}, {"reply_to", in.ReplyTo}, {"template", in.Template}, {"category", in.Category}, {"user", in.User}, {"org", in.Org}}
	for i, r := range in.To {
		parts = append(parts, part{fmt.Sprintf("to.%d", i), r.Address})
	}
	for i, tag := range in.Tags {
		parts = append(parts, part{fmt.Sprintf("tags.%d", i), tag})
	}
	for name, value := range in.Metadata {
		parts = append(parts, part{"metadata", name + value})
	}
	for name, value := range in.Headers {
		parts = append(parts, part{"headers", name + value})
	}
	for i, f := range in.Attachments {
		parts = append(parts, part{fmt.Sprintf("attachments.%d", i), f.Name + f.Type + f.ContentID})
	}
	for _, p := range parts {
		if strings.ContainsAny(p.text, "\r\n\x00") {
			return &web.Error{Status: http.StatusBadRequest, Code: "bad_field", Public: "The body does not have the expected form.",
				Fields: []web.Field{{Field: p.field, Code: "line_break", Message: "This must be one line."}}}
		}
	}
	return nil
}
