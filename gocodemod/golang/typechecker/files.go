package main

import (
	"bytes"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"os"
	"sort"
	"strings"
)

type syntaxError struct {
	message string
	offset  int
	line    int
	column  int
}

// A sourceFile is one parsed file, bodies and comments included. The tree is read only, so that
// several packages (p and its test variant) can hold the same one.
type sourceFile struct {
	path   string
	data   []byte
	tok    *token.File
	tree   *ast.File
	faults []syntaxError
	raw    map[token.Pos]int // true length of raw strings in which go/scanner dropped carriage returns

	parents map[ast.Node]ast.Node
	idents  []*ast.Ident
	roles   map[token.Pos]string // object kind by position of the declaring identifier
}

func parseSourceFile(fset *token.FileSet, path string, overlay []byte) (*sourceFile, error) {
	data := overlay
	if data == nil {
		var err error
		if data, err = os.ReadFile(path); err != nil {
			return nil, err
		}
	}
	base := fset.Base()
	tree, err := parser.ParseFile(fset, path, data, parser.SkipObjectResolution|parser.ParseComments|parser.AllErrors)
	f := &sourceFile{path: path, data: data, tree: tree}
	if tree.FileStart.IsValid() {
		f.tok = fset.File(tree.FileStart)
	} else {
		f.tok = fset.File(token.Pos(base))
	}
	var list scanner.ErrorList
	if errors.As(err, &list) {
		for _, e := range list {
			// Pos honours //line directives; the offset does not.
			offset := min(max(e.Pos.Offset, 0), f.tok.Size())
			at := fset.PositionFor(f.tok.Pos(offset), false)
			f.faults = append(f.faults, syntaxError{e.Msg, offset, at.Line, at.Column})
		}
	} else if err != nil {
		f.faults = append(f.faults, syntaxError{err.Error(), 0, 1, 1})
	}
	return f, nil
}

// parseError is the first syntax error, "" if there is none.
func (f *sourceFile) parseError() string {
	if len(f.faults) == 0 {
		return ""
	}
	return fmt.Sprintf("%d:%d: %s", f.faults[0].line, f.faults[0].column, f.faults[0].message)
}

// pos turns a byte offset into a position; offsets outside of the file go to its ends.
func (f *sourceFile) pos(offset int) token.Pos {
	return f.tok.Pos(min(max(offset, 0), f.tok.Size()))
}

func (f *sourceFile) offset(pos token.Pos) int {
	if !pos.IsValid() {
		return -1
	}
	return f.tok.Offset(pos)
}

func (f *sourceFile) span(node ast.Node) (int, int) { return f.offset(node.Pos()), f.end(node) }

// end is the offset after the node. go/scanner removes carriage returns from raw strings, and End
// is computed from what is left: where a raw string ends the node, the source tells.
func (f *sourceFile) end(node ast.Node) int {
	f.index()
	end := node.End()
	if len(f.raw) > 0 {
		ast.Inspect(node, func(n ast.Node) bool {
			if lit, ok := n.(*ast.BasicLit); ok && lit.End() == end {
				if length, found := f.raw[lit.Pos()]; found {
					end = lit.Pos() + token.Pos(length)
					return false
				}
			}
			return true
		})
	}
	return f.offset(min(end, token.Pos(f.tok.Base()+f.tok.Size())))
}

// index records every node's parent, the identifiers in source order and what declares what.
func (f *sourceFile) index() {
	if f.parents != nil {
		return
	}
	f.parents = map[ast.Node]ast.Node{}
	f.roles = map[token.Pos]string{}
	f.raw = map[token.Pos]int{}
	var stack []ast.Node
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil {
			stack = stack[:len(stack)-1]
			return true
		}
		switch n.(type) {
		case *ast.CommentGroup, *ast.Comment:
			return false
		}
		if len(stack) > 0 {
			f.parents[n] = stack[len(stack)-1]
		}
		stack = append(stack, n)
		f.note(n)
		return true
	})
	sort.SliceStable(f.idents, func(i, j int) bool { return f.idents[i].Pos() < f.idents[j].Pos() })
}

func (f *sourceFile) note(n ast.Node) {
	switch n := n.(type) {
	case *ast.Ident:
		f.idents = append(f.idents, n)
	case *ast.BasicLit:
		if n.Kind == token.STRING && strings.HasPrefix(n.Value, "`") {
			start := f.offset(n.Pos())
			if i := bytes.IndexByte(f.data[start+1:], '`'); i >= 0 && i+2 != len(n.Value) {
				f.raw[n.Pos()] = i + 2
			}
		}
	case *ast.FuncType:
		f.declare(n.Params, "param")
		f.declare(n.Results, "result")
	case *ast.FuncDecl:
		f.declare(n.Recv, "receiver")
	}
}

func (f *sourceFile) declare(fields *ast.FieldList, kind string) {
	if fields == nil {
		return
	}
	for _, field := range fields.List {
		for _, name := range field.Names {
			f.roles[name.Pos()] = kind
		}
		if len(field.Names) == 0 {
			f.roles[field.Type.Pos()] = kind
		}
	}
}

// parent skips parentheses; the second result is the child of the parent that leads to the node.
func (f *sourceFile) parent(n ast.Node) (parent, child ast.Node) {
	child = n
	for {
		parent = f.parents[child]
		if _, paren := parent.(*ast.ParenExpr); !paren {
			return parent, child
		}
		child = parent
	}
}

// functionAt is the innermost function declaration or literal around a position, nil at package level.
func (f *sourceFile) functionAt(pos token.Pos) ast.Node {
	chain := f.functionsAt(pos)
	if len(chain) == 0 {
		return nil
	}
	return chain[len(chain)-1]
}

// functionsAt lists the functions around a position, outermost first.
func (f *sourceFile) functionsAt(pos token.Pos) []ast.Node {
	var chain []ast.Node
	for _, decl := range f.tree.Decls {
		if pos < decl.Pos() || pos >= decl.End() {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if n == nil || pos < n.Pos() || pos >= n.End() {
				return false
			}
			switch n.(type) {
			case *ast.FuncDecl, *ast.FuncLit:
				chain = append(chain, n)
			}
			return true
		})
	}
	return chain
}
