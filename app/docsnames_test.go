package app_test

import (
	"html"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"seaworthy/app/command"
	"seaworthy/app/config"
	"seaworthy/app/docs"
	"seaworthy/assets"
)

// writing is a text that makes claims: a page of the guide, or the README.
type writing struct {
	name, text string
	code       []string // what stands as code in it
}

var (
	codeSpan  = regexp.MustCompile(`(?s)<code[^>]*>(.*?)</code>`)
	tickSpan  = regexp.MustCompile("`([^`\n]+)`")
	anyTag    = regexp.MustCompile(`<[^>]*>`)
	codeBlock = regexp.MustCompile(`(?s)<pre><code class="language-([a-z]+)">(.*?)</code></pre>`)
)

// writings are all that is written by hand.
func writings(t *testing.T) (all []writing) {
	t.Helper()
	files, err := fs.Glob(assets.FS, "guide/*.html")
	if err != nil || len(files) < 30 {
		t.Fatal(len(files), err)
	}
	for _, f := range files {
		raw, err := fs.ReadFile(assets.FS, f)
		if err != nil {
			t.Fatal(err)
		}
		w := writing{name: f, text: html.UnescapeString(anyTag.ReplaceAllString(string(raw), " "))}
		for _, m := range codeSpan.FindAllStringSubmatch(string(raw), -1) {
			w.code = append(w.code, html.UnescapeString(m[1]))
		}
		all = append(all, w)
	}
	raw, err := os.ReadFile(filepath.Join(root(t), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	readme := writing{name: "README.md", text: string(raw)}
	for _, m := range tickSpan.FindAllStringSubmatch(readme.text, -1) {
		readme.code = append(readme.code, m[1])
	}
	block := ""
	for line := range strings.Lines(readme.text + "\n\n.") {
		if strings.HasPrefix(line, "    ") {
			block += strings.TrimSpace(line) + "\n"
			continue
		}
		readme.code, block = append(readme.code, block), ""
	}
	return append(all, readme)
}

var addressForm = regexp.MustCompile(`/-/[A-Za-z0-9_.{}$<>…/-]*`)

// notOurs are addresses that are written about and are not ours.
var notOurs = []string{"/-/tunnel"} // of a project; a POST

// Every address that the documentation and the README name is served.
func TestDocsNameAddressesThatAreServed(t *testing.T) {
	t.Parallel()
	a := documented(t)
	checked := 0
	for _, w := range writings(t) {
		for _, address := range addressForm.FindAllString(w.text, -1) {
			address = strings.TrimRight(address, ".>…")
			if address == "/-/" || strings.HasPrefix(address, "/-/docs") || slices.Contains(notOurs, address) {
				continue
			}
			checked++
			if !served(a, "", address) {
				t.Errorf("%s: nobody serves %s", w.name, address)
			}
		}
	}
	if checked < 100 {
		t.Errorf("only %d addresses were found", checked)
	}
}

var variableForm = regexp.MustCompile(`\b(?:SEAWORTHY|STRIPE|POSTMARK|SENDGRID|AWS|OTEL|SENTRY)_[A-Z0-9_]+[A-Z0-9]\b`)

// ofOthers are variables of programs that are written about.
var ofOthers = map[string]string{
	"SEAWORTHY_KEY":            "of the recipes' own apps",
	"SEAWORTHY_EPOCH":          "set by us for litestream.yml",
	"SEAWORTHY_KIT_PASSPHRASE": "read by keys check and import",
	"SEAWORTHY_UPGRADE_KEY":    "read by upgrade",
}

// Every variable that is named is an option, or one that a command reads.
func TestDocsNameVariablesThatAreRead(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, o := range config.Options() {
		known[o.Var], known[o.Var+"_FILE"] = true, true
	}
	for _, c := range command.Commands("seaworthy") {
		for _, f := range c.Flags {
			known[f.Var] = true
		}
	}
	for _, w := range writings(t) {
		for _, name := range variableForm.FindAllString(w.text, -1) {
			if !known[name] && ofOthers[name] == "" {
				t.Errorf("%s: nothing reads %s", w.name, name)
			}
		}
	}
}

var commandForm = regexp.MustCompile(`(?m)(?:^|[ (/])seaworthy ([a-z][^\n|>;)]*)`)

// Every command and flag that is named exists.
func TestDocsNameCommandsThatExist(t *testing.T) {
	t.Parallel()
	byPath := map[string]docs.Command{}
	for _, c := range command.Commands("seaworthy") {
		byPath[c.Path] = c
	}
	options := map[string]bool{"help": true}
	for _, o := range config.Options() {
		options[o.Flag] = true
	}
	checked := 0
	for _, w := range writings(t) {
		for _, code := range w.code {
			if strings.Contains(code, "scp ") || strings.HasPrefix(code, "[Unit]") || strings.Contains(code, "install -d") {
				continue // seaworthy is a user and a path there
			}
			for _, m := range commandForm.FindAllStringSubmatch(code, -1) {
				words := strings.Fields(m[1])
				path, rest := "seaworthy "+words[0], words[1:]
				for _, ok := byPath[path]; !ok && len(rest) > 0; _, ok = byPath[path] {
					path, rest = path+" "+rest[0], rest[1:]
				}
				c, ok := byPath[path]
				if !ok {
					t.Errorf("%s: there is no command %q", w.name, m[1])
					continue
				}
				checked++
				for _, word := range rest {
					flag, isFlag := strings.CutPrefix(word, "--")
					flag, _, _ = strings.Cut(strings.Trim(flag, "`'\""), "=")
					if isFlag && !slices.ContainsFunc(c.Flags, func(f docs.Flag) bool { return f.Name == flag }) && !(c.Configured && options[flag]) && flag != "help" {
						t.Errorf("%s: %s has no --%s", w.name, path, flag)
					}
				}
			}
		}
	}
	if checked < 60 {
		t.Errorf("only %d commands were found", checked)
	}
}

var (
	permissionForm = regexp.MustCompile(`\b([a-z]+):([a-z]+|\*)(?:[\s'",.;)]|$)`)
	actionForm     = regexp.MustCompile(`^[a-z_]+\.[a-z_]+$`)
)

// Every permission of ours that is named exists, and every action.
func TestDocsNamePermissionsAndActionsThatExist(t *testing.T) {
	t.Parallel()
	a := documented(t)
	permissions, areas, own := map[string]bool{}, map[string]bool{}, []string{"projects", "guestbook"}
	for n := range nodes(parsed(t, a.Browser().Get("/-/docs/permissions").Want(200).Body), "code") {
		area, act, ok := strings.Cut(n.FirstChild.Data, ":")
		if ok && act != "*" {
			permissions[area+":"+act], permissions[area+":*"], areas[area] = true, true, true
		}
	}
	actions, nouns := map[string]bool{}, map[string]bool{}
	for _, k := range a.Audit.Actions() {
		noun, _, _ := strings.Cut(string(k.Action), ".")
		actions[string(k.Action)], nouns[noun] = true, true
	}
	checked := 0
	for _, w := range writings(t) {
		for _, code := range w.code {
			for _, m := range permissionForm.FindAllStringSubmatch(code, -1) {
				if name := m[1] + ":" + m[2]; areas[m[1]] && !permissions[name] {
					t.Errorf("%s: there is no permission %s", w.name, name)
				} else if areas[m[1]] || slices.Contains(own, m[1]) {
					checked++
				}
			}
			if noun, _, _ := strings.Cut(code, "."); actionForm.MatchString(code) && nouns[noun] && !actions[code] && !strings.HasSuffix(code, ".key") && !strings.HasSuffix(code, ".txt") {
				t.Errorf("%s: there is no action %s", w.name, code)
			}
		}
	}
	if checked < 25 || len(actions) < 150 {
		t.Errorf("only %d permissions were found, and %d actions", checked, len(actions))
	}
}

// Every code of an error that the page of errors lists is one that the program answers.
func TestDocsNameErrorsThatAreAnswered(t *testing.T) {
	t.Parallel()
	all := ""
	for _, file := range sources(t) {
		if text, err := os.ReadFile(file); err == nil && !strings.HasSuffix(file, "_test.go") {
			all += string(text)
		}
	}
	raw, err := fs.ReadFile(assets.FS, "guide/errors.html")
	if err != nil {
		t.Fatal(err)
	}
	found := 0
	for _, m := range regexp.MustCompile(`<code>(?:50[0-9] )?([a-z]+(?:_[a-z]+)+)</code>`).FindAllStringSubmatch(string(raw), -1) {
		if code := m[1]; !strings.Contains(all, `"`+code+`"`) {
			t.Errorf("nothing answers with the code %s", code)
		}
		found++
	}
	if found < 25 {
		t.Errorf("only %d codes were found", found)
	}
}
