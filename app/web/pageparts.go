package web

import (
	"fmt"
	"html/template"
	"text/template/parse"
)

// assemble adds to a page the shared templates that it uses, and those that they
// use, but for what the page defines itself. A page with a copy of all of them
// costs a quarter of a megabyte, which the collector has to walk each time.
func assemble(page, shared *template.Template) error {
	var open []string
	for _, t := range page.Templates() {
		open = append(open, calls(t.Tree)...)
	}
	for len(open) > 0 {
		name := open[len(open)-1]
		open = open[:len(open)-1]
		if page.Lookup(name) != nil {
			continue
		}
		t := shared.Lookup(name)
		if t == nil || t.Tree == nil {
			return fmt.Errorf("there is no template %q", name)
		}
		// A copy, because escaping changes the tree.
		if _, err := page.AddParseTree(name, t.Tree.Copy()); err != nil {
			return err
		}
		open = append(open, calls(t.Tree)...)
	}
	return nil
}

// calls are the names of the templates that a tree runs.
func calls(t *parse.Tree) (names []string) {
	var list func(*parse.ListNode)
	branch := func(b *parse.BranchNode) { list(b.List); list(b.ElseList) }
	list = func(l *parse.ListNode) {
		if l == nil {
			return
		}
		for _, node := range l.Nodes {
			switch node := node.(type) {
			case *parse.TemplateNode:
				names = append(names, node.Name)
			case *parse.IfNode:
				branch(&node.BranchNode)
			case *parse.RangeNode:
				branch(&node.BranchNode)
			case *parse.WithNode:
				branch(&node.BranchNode)
			}
		}
	}
	if t != nil {
		list(t.Root)
	}
	return names
}
