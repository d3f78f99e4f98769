package upgrade

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"runtime"
	"strings"
)

// machines are the processors that Linux is built for, by Go's names.
var machines = map[string]elf.Machine{
	"amd64": elf.EM_X86_64, "arm64": elf.EM_AARCH64, "arm": elf.EM_ARM, "386": elf.EM_386, "riscv64": elf.EM_RISCV,
	"ppc64le": elf.EM_PPC64, "s390x": elf.EM_S390, "loong64": elf.EM_LOONGARCH,
}

// isForHere refuses a file that this machine could not run.
func isForHere(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		return fmt.Errorf("it is no program for Linux (%w)", err)
	}
	defer f.Close()
	if f.Type != elf.ET_EXEC && f.Type != elf.ET_DYN {
		return fmt.Errorf("it is no program, but a %s", f.Type)
	}
	want, known := machines[runtime.GOARCH]
	if known && f.Machine != want {
		return fmt.Errorf("it is for another processor: %s, and this machine is %s", processor(f.Machine), runtime.GOARCH)
	}
	return nil
}

func processor(m elf.Machine) string {
	for name, has := range machines {
		if has == m {
			return name
		}
	}
	return m.String()
}

var errNotOurs = errors.New("it is another program than the one that is installed")

// isProgram refuses a file that was not built from the program at that import path.
func isProgram(path, program string) error {
	f, err := elf.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	section := f.Section(".go.buildinfo")
	if section == nil {
		return errNotOurs
	}
	if section.Size > 1<<20 {
		return errNotOurs
	}
	data, err := section.Data()
	if err != nil {
		return fmt.Errorf("read what it was built from: %w", err)
	}
	if got := pathIn(data); got == "" || got != program {
		return errNotOurs
	}
	return nil
}

// pathIn finds the main package in what Go's linker writes down of a build: 32 bytes that
// begin with a magic word and say that what follows is two strings, of the version of Go and
// of the modules, each behind its length (debug/buildinfo). "" if it is none.
func pathIn(data []byte) string {
	if len(data) < 32 || !bytes.HasPrefix(data, []byte("\xff Go buildinf:")) || data[15]&2 == 0 {
		return ""
	}
	_, rest := oneString(data[32:])
	modules, _ := oneString(rest)
	for line := range strings.Lines(modules) {
		if path, ok := strings.CutPrefix(line, "path\t"); ok {
			return strings.TrimSpace(path)
		}
		if i := strings.Index(line, "path\t"); i >= 0 && i <= 16 { // behind the 16 bytes that mark it
			return strings.TrimSpace(line[i+len("path\t"):])
		}
	}
	return ""
}

// oneString reads a string behind its length.
func oneString(data []byte) (text string, rest []byte) {
	n, size := binary.Uvarint(data)
	if size <= 0 || n > uint64(len(data)-size) {
		return "", nil
	}
	return string(data[size : size+int(n)]), data[size+int(n):]
}
