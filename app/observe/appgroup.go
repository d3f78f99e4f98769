package observe

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"seaworthy/app/observe/sentry"
)

// appGrouping is the version of the rules for events that were received: an issue keeps the
// rules that made it.
const appGrouping = "app1"

// groupOf says which issue an event belongs to: by what its sender says; by its exceptions
// and the calls of the app; by its message without the values.
func groupOf(project int64, e *sentry.Event) string {
	parts := []string{appGrouping, strconv.FormatInt(project, 10)}
	if len(e.Fingerprint) == 0 {
		parts = append(parts, defaultGroup(e)...)
	}
	for _, f := range e.Fingerprint {
		if text := strings.ReplaceAll(string(f), " ", ""); text == "{{default}}" {
			parts = append(parts, defaultGroup(e)...)
		} else {
			parts = append(parts, "said:"+string(f))
		}
	}
	sum := sha256.Sum256([]byte(strings.Join(parts, "\n")))
	return hex.EncodeToString(sum[:16])
}

func defaultGroup(e *sentry.Event) (parts []string) {
	for i := range e.Exceptions {
		x := &e.Exceptions[i]
		if x.Mechanism.Synthetic || x.Type == "" { // made to carry a stack: its type means nothing
			continue
		}
		parts = append(parts, string(x.Type))
		calls := callsOf(x.Stack.Frames)
		if len(calls) == 0 {
			calls = []string{template(clip(string(x.Value), maxMessage))}
		}
		parts = append(parts, calls...)
	}
	if len(parts) > 0 {
		return parts
	}
	for _, m := range []sentry.Message{e.Message, e.LogEntry} {
		if m.Template != "" {
			return []string{"message", template(clip(m.Template, maxMessage))}
		}
		if m.Text != "" {
			return []string{"message", template(clip(m.Text, maxMessage))}
		}
	}
	if n := len(e.Exceptions); n > 0 {
		return []string{"message", template(clip(string(e.Exceptions[n-1].Value), maxMessage))}
	}
	return []string{"message", string(e.Transaction)}
}

// callsOf are the calls of the app, else all, recursion collapsed, without line numbers.
func callsOf(frames []sentry.Frame) []string {
	var own, all []string
	add := func(to []string, name string) []string {
		if len(to) > 0 && to[len(to)-1] == name {
			return to
		}
		return append(to, name)
	}
	for i := range frames {
		name := groupName(&frames[i])
		all = add(all, name)
		if inApp(&frames[i]) {
			own = add(own, name)
		}
	}
	if len(own) > 0 {
		return own
	}
	return all
}

// hashed is the part of a file's name that a bundler makes of its content.
var hashed = regexp.MustCompile(`[.-][0-9A-Za-z_]{8,}(\.(?:m|c)?js)$`)

// groupName names a call across releases. A minified function's name means little: the
// column, in steps, tells it from its neighbours.
func groupName(f *sentry.Frame) string {
	file := string(f.File)
	if i := strings.IndexAny(file, "?#"); i >= 0 {
		file = file[:i]
	}
	if minified(f, file) {
		file = file[strings.LastIndexByte(file, '/')+1:]
		return fmt.Sprintf("%s|%s|%d", hashed.ReplaceAllString(file, "$1"), f.Function, f.Column/500)
	}
	if f.Module != "" {
		return string(f.Module) + "|" + string(f.Function)
	}
	return file + "|" + string(f.Function)
}

func minified(f *sentry.Frame, file string) bool {
	return (strings.HasSuffix(file, ".js") || strings.HasSuffix(file, ".mjs")) && f.Column > 500 || len(f.Function) > 0 && len(f.Function) <= 2 && hashed.MatchString(file)
}

// foreign are parts of paths where libraries are.
var foreign = []string{"node_modules/", "site-packages/", "dist-packages/", "/gems/", "/vendor/", "node:", "/usr/lib/", "/usr/local/go/", "/go/pkg/mod/"}

// inApp is what the SDK says of a call; where it says nothing, whether it looks like the app's.
func inApp(f *sentry.Frame) bool {
	if f.InApp != nil {
		return *f.InApp
	}
	path := string(f.Path)
	if path == "" {
		path = string(f.File)
	}
	for _, part := range foreign {
		if strings.Contains(path, part) {
			return false
		}
	}
	return path != ""
}

// frameName is a call as people read it.
func frameName(f *sentry.Frame) string {
	name := string(f.Function)
	if name == "" {
		name = "(anonymous)"
	}
	if f.Module != "" {
		return string(f.Module) + "." + name
	}
	if f.File != "" {
		return name + " (" + string(f.File[strings.LastIndexByte(string(f.File), '/')+1:]) + ")"
	}
	return name
}
