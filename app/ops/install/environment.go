package install

import (
	"errors"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// environment writes the settings that were given to the environment file, each in its own
// line. All other lines stay as they are, comments too.
func (w *work) environment() {
	path := w.i.envFile()
	have, err := os.ReadFile(w.i.at(path))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		w.fail(err)
		return
	}
	text := string(have)
	if err != nil {
		text = "# What Seaworthy is started with; 'seaworthy serve --help' lists every variable.\n# After a change: systemctl restart " + w.i.Name + "\n"
	}
	for _, s := range w.i.Settings {
		text = withSetting(text, s)
	}
	w.renewed = w.file(path, []byte(text), 0o600) || w.renewed
}

// withSetting sets a variable where it is set, or at the end. Of several lines the last counts
// for systemd, so it is that one which changes.
func withSetting(text string, s Setting) string {
	line := s.Name + "=" + quoted(s.Value)
	lines := strings.SplitAfter(text, "\n")
	for n, l := range slices.Backward(lines) {
		if name, _, ok := strings.Cut(strings.TrimSpace(l), "="); ok && name == s.Name {
			lines[n] = line + "\n"
			return strings.Join(lines, "")
		}
	}
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text + line + "\n"
}

// quoted is a value as EnvironmentFile= of systemd.exec(5) reads it.
func quoted(value string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "`", "\\`", "$", `\$`).Replace(value) + `"`
}

// Current are the settings that the environment file has with those that are given, by name.
func (i *Installation) Current() (map[string]string, error) {
	vars := map[string]string{}
	text, err := os.ReadFile(i.at(i.envFile()))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		name, value, ok := strings.Cut(line, "=")
		if ok && settingName.MatchString(name) {
			vars[name] = unquoted(value)
		}
	}
	for _, s := range i.Settings {
		vars[s.Name] = s.Value
	}
	return vars, nil
}

// unquoted is a value without the quotes around it, and what is escaped between double ones.
func unquoted(value string) string {
	if len(value) < 2 || value[0] != value[len(value)-1] || value[0] != '"' && value[0] != '\'' {
		return value
	}
	inner := value[1 : len(value)-1]
	if value[0] == '\'' {
		return inner
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`, "\\`", "`", `\$`, `$`).Replace(inner)
}
