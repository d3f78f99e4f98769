package compose

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

type blockKind int

const (
	paragraph blockKind = iota
	heading
	subheading
	button
	code
	item
	note
	callout
	divider
	fact    // a name and a value
	image   // text is its alternative
	table   // cells are its head
	row     // of a table
	total   // of a table
	section // a box
	columns
	each // repeated for the rows of a list
	when // left out if a value is empty
)

// block is what one line of a template makes, or what stands between the line
// that opens a group and its end.
type block struct {
	kind  blockKind
	text  leaf
	url   leaf   // of a button or an image
	tone  string // of a callout: info, warn, danger
	cells []leaf
	right []bool // which columns of a table have their words at the far end
	width int    // of an image, pixels
	of    part   // the list of each, the value of when
	kids  [][]block
}

// What keeps a mail readable, and the work of rendering it small.
const (
	maxDepth   = 4
	maxBlocks  = 500
	maxColumns = 3
	maxCells   = 4
	maxImage   = 494 // pixels: the width of the card within its border
)

// reader takes the body of a template apart.
type reader struct {
	lines []string
	next  int
	made  int
}

// blocks reads until the end of the group; closing is what ended it: "" at the
// end of the body.
func (r *reader) blocks(depth int) (all []block, closing string, err error) {
	for r.next < len(r.lines) {
		line := strings.TrimSpace(r.lines[r.next])
		r.next++
		if line == "" {
			continue
		}
		if line == "end" || line == "next" {
			return all, line, nil
		}
		b, err := r.block(line, depth)
		if err != nil {
			return nil, "", err
		}
		if r.made++; r.made > maxBlocks {
			return nil, "", fmt.Errorf("the body has more than %d blocks", maxBlocks)
		}
		all = append(all, b)
	}
	return all, "", nil
}

var (
	opener     = regexp.MustCompile(`^(each|if) ([A-Z][A-Za-z0-9]*(?:\.[A-Z][A-Za-z0-9]*)?):(.*)$`)
	buttonLine = regexp.MustCompile(`^\[\[(.+)\]\]\((.+)\)$`)
)

// block reads one block, and what is in it if it opens a group.
func (r *reader) block(line string, depth int) (block, error) {
	if depth > maxDepth {
		return block{}, fmt.Errorf("%q stands more than %d groups deep", line, maxDepth)
	}
	if m := opener.FindStringSubmatch(line); m != nil {
		b := block{kind: when, of: newLeaf("{{." + m[2] + "}}")[0]}
		if m[1] == "each" {
			b.kind = each
		}
		if b.kind == each && b.of.list != "" {
			return b, fmt.Errorf("%q: each takes the name of a list", line)
		}
		if rest := strings.TrimSpace(m[3]); rest != "" {
			one, err := r.block(rest, depth+1)
			b.kids = [][]block{{one}}
			return b, err
		}
		return r.group(b, line, depth, 1)
	}
	switch {
	case line == "section:":
		return r.group(block{kind: section}, line, depth, 1)
	case line == "columns:":
		return r.group(block{kind: columns}, line, depth, maxColumns)
	case strings.HasPrefix(line, "table:"):
		b, err := tableHead(strings.TrimPrefix(line, "table:"))
		if err != nil {
			return b, err
		}
		return r.group(b, line, depth, 1)
	}
	return leafBlock(line)
}

// group reads what is in a group of at most most parts.
func (r *reader) group(b block, line string, depth, most int) (block, error) {
	for {
		kids, closing, err := r.blocks(depth + 1)
		switch {
		case err != nil:
			return b, err
		case closing == "":
			return b, fmt.Errorf("%q has no end", line)
		case len(kids) == 0:
			return b, fmt.Errorf("%q has nothing in it", line)
		}
		b.kids = append(b.kids, kids)
		if closing == "end" {
			return b, nil
		}
		if len(b.kids) == most {
			return b, fmt.Errorf("%q takes at most %d parts set off by next", line, most)
		}
	}
}

// tableHead reads "What | Amount >": a column whose name ends with > has its
// words at the far end.
func tableHead(line string) (b block, err error) {
	b = block{kind: table}
	var names []string
	for name := range strings.SplitSeq(line, "|") {
		name = strings.TrimSpace(name)
		rest, right := strings.CutSuffix(name, ">")
		if strings.TrimSpace(rest) == "" {
			return b, errors.New("a column of a table has no name")
		}
		b.right, names = append(b.right, right), append(names, rest)
	}
	b.cells, err = cells(strings.Join(names, "|"), maxCells)
	return b, err
}

// prefixes are how the lines begin that are a block of their own kind, longest first.
var prefixes = []struct {
	text string
	kind blockKind
}{
	{"## ", subheading}, {"# ", heading}, {"- ", item}, {"> ", note}, {"code: ", code}, {"fact: ", fact}, {"image: ", image},
	{"row: ", row}, {"total: ", total}, {"info: ", callout}, {"warn: ", callout}, {"danger: ", callout},
}

func leafBlock(line string) (b block, err error) {
	if line == "---" {
		return block{kind: divider}, nil
	}
	if strings.HasPrefix(line, "[[") {
		return buttonBlock(line)
	}
	rest := line
	for _, p := range prefixes {
		if words, ok := strings.CutPrefix(line, p.text); ok {
			b.kind, b.tone, rest = p.kind, strings.TrimSuffix(p.text, ": "), strings.TrimSpace(words)
			break
		}
	}
	switch b.kind {
	case code:
		b.text, err = newPlain(rest)
	case row, total:
		b.cells, err = cells(rest, maxCells)
	case fact:
		if b.cells, err = cells(rest, 2); err == nil && len(b.cells) != 2 {
			err = fmt.Errorf("%q is not fact: name | value", line)
		}
	case image:
		return imageBlock(line, rest)
	default:
		b.text, err = newRich(rest)
	}
	return b, err
}

func buttonBlock(line string) (b block, err error) {
	m := buttonLine.FindStringSubmatch(line)
	if m == nil {
		return b, fmt.Errorf("%q is not a button: [[label]](address), alone on its line", line)
	}
	b.kind = button
	if b.text, err = newPlain(m[1]); err != nil {
		return b, err
	}
	b.url, err = newPlain(m[2])
	return b, err
}

// imageBlock reads "address | words that stand for it | width".
func imageBlock(line, rest string) (b block, err error) {
	fields := strings.Split(rest, "|")
	if len(fields) != 3 {
		return b, fmt.Errorf("%q is not image: address | words that stand for it | width in pixels", line)
	}
	b.kind = image
	if b.url, err = newPlain(strings.TrimSpace(fields[0])); err != nil {
		return b, err
	}
	if b.text, err = newPlain(strings.TrimSpace(fields[1])); err != nil {
		return b, err
	}
	b.width, err = strconv.Atoi(strings.TrimSpace(fields[2]))
	switch {
	case err != nil || b.width < 1 || b.width > maxImage:
		return b, fmt.Errorf("%q: the width is from 1 to %d pixels", line, maxImage)
	case len(b.url) == 0 || len(b.text) == 0:
		return b, fmt.Errorf("%q needs an address, and words for those who do not see it", line)
	}
	return b, nil
}
