package ops

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"filippo.io/age"
	"filippo.io/age/armor"

	"seaworthy/app/seal"
)

// A recovery kit is the folder keys of the data, encrypted by age (https://age-encryption.org/v1):
// what no backup of the database has, and without which a restored one cannot read what it sealed.

// kit is what is inside of one.
type kit struct {
	Version int               `json:"version"`
	Made    time.Time         `json:"made"`
	Files   map[string][]byte `json:"files"` // by name in the folder
}

// kitNote is beside the keys and says that a kit was made of them.
type kitNote struct {
	Made        time.Time `json:"made"`
	Fingerprint string    `json:"fingerprint"`
}

const kitNoteName = "kit.json"

// mostKit is how large a kit may be, in bytes.
const mostKit = 1 << 20

// ErrKeysDiffer says that other keys are there already.
var ErrKeysDiffer = errors.New("other keys are there already")

// gatherKeys reads the folder of keys, and those that came as credentials in its place.
func gatherKeys(folder string) (map[string][]byte, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("read the keys: %w", err)
	}
	files := map[string][]byte{}
	for _, e := range entries {
		if !e.Type().IsRegular() || e.Name() == kitNoteName || strings.HasSuffix(e.Name(), ".tmp") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(folder, e.Name()))
		if err != nil {
			return nil, fmt.Errorf("read the keys: %w", err)
		}
		files[e.Name()] = data
	}
	for _, name := range []string{"master.key", "audit.key"} {
		if path := seal.Path(folder, name); filepath.Dir(path) != filepath.Clean(folder) {
			if files[name], err = os.ReadFile(path); err != nil {
				return nil, fmt.Errorf("read the keys: %w", err)
			}
		}
	}
	if files["master.key"] == nil {
		return nil, fmt.Errorf("there is no master key in %s", folder)
	}
	return files, nil
}

// fingerprint is the same for the same keys, and tells nothing about them.
func fingerprint(files map[string][]byte) string {
	sum := sha256.New()
	names := make([]string, 0, len(files))
	for name := range files {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		one := sha256.Sum256(files[name])
		fmt.Fprintf(sum, "%q %x\n", name, one)
	}
	return hex.EncodeToString(sum.Sum(nil)[:8])
}

// ExportKeys writes a kit for the recipients, or for a new passphrase, which it returns, if
// there are none.
func ExportKeys(data string, recipients []string, now time.Time, out io.Writer) (passphrase string, err error) {
	folder := filepath.Join(data, "keys")
	files, err := gatherKeys(folder)
	if err != nil {
		return "", err
	}
	to, err := parseRecipients(recipients)
	if err != nil {
		return "", err
	}
	if len(to) == 0 {
		passphrase = newPassphrase()
		one, err := age.NewScryptRecipient(passphrase)
		if err != nil {
			return "", fmt.Errorf("make the passphrase: %w", err)
		}
		to = []age.Recipient{one}
	}
	inside, err := json.Marshal(kit{Version: 1, Made: now.UTC(), Files: files})
	if err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	text := armor.NewWriter(out)
	sealed, err := age.Encrypt(text, to...)
	if err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	_, err = sealed.Write(inside)
	if err := errors.Join(err, sealed.Close(), text.Close()); err != nil {
		return "", fmt.Errorf("write the kit: %w", err)
	}
	note, err := json.Marshal(kitNote{Made: now.UTC(), Fingerprint: fingerprint(files)})
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil { // all of them may be credentials
		return "", fmt.Errorf("note the kit: %w", err)
	}
	return passphrase, os.WriteFile(filepath.Join(folder, kitNoteName), append(note, '\n'), 0o600)
}

// newPassphrase has 125 bits in groups that can be typed from paper.
func newPassphrase() string {
	raw := make([]byte, 16)
	rand.Read(raw)
	text := strings.ToLower(base32.StdEncoding.EncodeToString(raw))[:25]
	var groups []string
	for i := 0; i < len(text); i += 5 {
		groups = append(groups, text[i:i+5])
	}
	return strings.Join(groups, "-")
}

// Identity opens a kit: a passphrase, or the text of age's identity file.
type Identity struct{ Passphrase, File string }

func (i Identity) parse() ([]age.Identity, error) {
	if i.File != "" {
		all, err := age.ParseIdentities(strings.NewReader(i.File))
		if err != nil {
			return nil, fmt.Errorf("the identity file: %w", err)
		}
		return all, nil
	}
	one, err := age.NewScryptIdentity(strings.TrimSpace(i.Passphrase))
	if err != nil {
		return nil, fmt.Errorf("the passphrase: %w", err)
	}
	return []age.Identity{one}, nil
}

// openKit decrypts and checks a kit.
func openKit(in io.Reader, with Identity) (k kit, err error) {
	who, err := with.parse()
	if err != nil {
		return k, err
	}
	inside, err := age.Decrypt(armor.NewReader(io.LimitReader(in, 2*mostKit)), who...)
	if err != nil {
		return k, fmt.Errorf("open the kit: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(inside, mostKit+1))
	if err != nil {
		return k, fmt.Errorf("open the kit: %w", err)
	}
	if len(data) > mostKit || json.Unmarshal(data, &k) != nil || k.Version != 1 || k.Files["master.key"] == nil {
		return k, errors.New("open the kit: what is inside is no kit of this program's")
	}
	for name := range k.Files {
		if name != filepath.Base(name) || strings.HasPrefix(name, ".") {
			return k, fmt.Errorf("open the kit: %q is no name of a key", name)
		}
	}
	return k, nil
}

// CheckKit opens a kit and says whether it has the keys of the folder.
func CheckKit(data string, in io.Reader, with Identity) error {
	k, err := openKit(in, with)
	if err != nil {
		return err
	}
	files, err := gatherKeys(filepath.Join(data, "keys"))
	if err != nil {
		return err
	}
	if fingerprint(files) != fingerprint(k.Files) {
		return fmt.Errorf("the kit of %s does not have the keys that are in use now: make a new one", k.Made.Format("2 Jan 2006"))
	}
	return nil
}

// ImportKeys puts the keys of a kit into the data folder. What is there and differs is
// never replaced.
func ImportKeys(data string, in io.Reader, with Identity) (names []string, err error) {
	k, err := openKit(in, with)
	if err != nil {
		return nil, err
	}
	folder := filepath.Join(data, "keys")
	for name, want := range k.Files {
		have, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // one that cannot be read may be another
			return nil, fmt.Errorf("what is there already: %w", err)
		}
		if err == nil && !bytes.Equal(have, want) {
			return nil, fmt.Errorf("%w: %s differs from that in the kit; move the folder %s aside if the kit's are the right ones", ErrKeysDiffer, name, folder)
		}
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("folder of the keys: %w", err)
	}
	for name, data := range k.Files {
		if err := writeKey(filepath.Join(folder, name), data); err != nil {
			return nil, fmt.Errorf("write %s: %w", name, err)
		}
		names = append(names, name)
	}
	slices.Sort(names)
	return names, nil
}

func writeKey(path string, data []byte) error {
	f, err := os.OpenFile(path+".tmp", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".tmp", path)
}
