package main

import (
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"path"
	"sort"
	"strconv"
)

// An overlaid file has other bytes than the disk. sameAPI: nothing outside of function bodies,
// comments and unused import lines changed; then declarations only moved, and moved says where to.
// broken: it does not parse.
type overlaid struct {
	data      []byte
	imports   []string
	sameAPI   bool
	broken    bool
	oldStarts []int
	newStarts []int
}

// moved maps the offset of a declaration on disk to the overlay.
func (o *overlaid) moved(offset int) int {
	i := sort.SearchInts(o.oldStarts, offset)
	if i < len(o.oldStarts) && o.oldStarts[i] == offset {
		return o.newStarts[i]
	}
	return offset
}

// setOverlay replaces all overlays of the session.
func (s *session) setOverlay(files map[string][]byte) (any, error) {
	if err := s.ensureImports(files); err != nil {
		return nil, err
	}
	if s.current != s.disk {
		s.current.drop()
	}
	s.seen = map[string]seenObject{}
	s.content = files
	s.current = s.overlaidView(files, true)
	return true, nil
}

// overlaidView is the disk with some files replaced. Packages whose declarations changed are built anew
// together with their importers; unless positions matter, only those that importers can tell apart.
func (s *session) overlaidView(files map[string][]byte, positions bool) *view {
	if len(files) == 0 {
		return s.disk
	}
	v := newView(s, s.disk)
	changed := map[string]bool{}
	for path, data := range files {
		if data == nil {
			data = []byte{}
		}
		o := s.compare(path, data)
		v.overlay[path] = o
		for _, key := range s.meta.byFile[path] {
			v.touched[key] = true
			// Where a check meets a syntax error, what importers would say is beside the point.
			if !o.sameAPI && (positions || !o.broken) {
				changed[key] = true
			}
		}
	}
	for key := range changed {
		if !positions && v.sameSurface(key) {
			delete(changed, key)
		}
	}
	if len(changed) > 0 {
		v.dirty = s.importersOf(changed, v)
	}
	return v
}

// importersOf adds to the packages all that import them, directly or not.
func (s *session) importersOf(keys map[string]bool, v *view) map[string]bool {
	importers := map[string][]string{}
	for key := range s.meta.packages {
		for _, dep := range v.dependencies(key) {
			importers[dep] = append(importers[dep], key)
		}
	}
	all := map[string]bool{}
	var walk func(string)
	walk = func(key string) {
		if !all[key] {
			all[key] = true
			for _, importer := range importers[key] {
				walk(importer)
			}
		}
	}
	for key := range keys {
		walk(key)
	}
	return all
}

// ensureImports lists the packages that overlays import and that nobody asked about before.
func (s *session) ensureImports(files map[string][]byte) error {
	wanted := map[string]bool{}
	for path, data := range files {
		tree, _ := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly|parser.SkipObjectResolution)
		for _, key := range s.meta.byFile[path] {
			meta := s.meta.packages[key]
			for _, imported := range importPaths(tree) {
				if imported != "C" && imported != "unsafe" && s.meta.packages[meta.resolve(s.meta.packages, imported)] == nil {
					wanted[imported] = true
				}
			}
		}
	}
	var patterns []string
	for path := range wanted {
		patterns = append(patterns, path)
	}
	sort.Strings(patterns)
	return s.listPatterns(false, patterns)
}

func importPaths(tree *ast.File) []string {
	var paths []string
	if tree != nil {
		for _, spec := range tree.Imports {
			if p := importPath(spec); p != "" {
				paths = append(paths, p)
			}
		}
	}
	return paths
}

// importPath is "" where the path is not even a string.
func importPath(spec *ast.ImportSpec) string {
	p, err := strconv.Unquote(spec.Path.Value)
	if err != nil {
		return ""
	}
	return p
}

// compare finds out whether an overlay changes what importers can see.
func (s *session) compare(name string, data []byte) *overlaid {
	o := &overlaid{data: data}
	before := s.outline(readFile(name))
	after := s.outline(data)
	if after.tree != nil {
		o.imports = importPaths(after.tree)
	}
	o.sameAPI, o.broken = before.equal(after), !after.valid
	if o.sameAPI {
		for i := range before.tokens {
			o.oldStarts = append(o.oldStarts, before.tokens[i].offset)
			o.newStarts = append(o.newStarts, after.tokens[i].offset)
		}
	}
	return o
}

type outlineToken struct {
	tok    token.Token
	lit    string
	offset int
}

// An outline is what stands outside of function bodies and import declarations, as tokens, and what
// the package names used there mean.
type outline struct {
	tree   *ast.File
	valid  bool
	tokens []outlineToken
	names  map[string]string
}

func (s *session) outline(data []byte) *outline {
	fset := token.NewFileSet()
	tree, err := parser.ParseFile(fset, "", data, parser.SkipObjectResolution)
	out := &outline{tree: tree, valid: err == nil, names: map[string]string{}}
	if err != nil {
		return out
	}
	file := fset.File(tree.FileStart)
	var holes [][2]int
	for _, decl := range tree.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			if decl.Body != nil {
				holes = append(holes, [2]int{file.Offset(decl.Body.Lbrace) + 1, file.Offset(decl.Body.Rbrace)})
				decl.Body = nil
			}
		case *ast.GenDecl:
			if decl.Tok == token.IMPORT {
				holes = append(holes, [2]int{file.Offset(decl.Pos()), file.Offset(decl.End())})
			}
		}
	}
	out.tokens = outlineTokens(data, holes)
	imports := s.importNames(tree)
	ast.Inspect(tree, func(n ast.Node) bool {
		if selector, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := selector.X.(*ast.Ident); ok {
				out.names[x.Name] = imports[x.Name]
			}
		}
		return true
	})
	for name, path := range imports {
		if name[0] == '.' {
			out.names[name] = path
		}
	}
	return out
}

// importNames maps the names a file imports to their paths; dot imports get a name of their own each.
func (s *session) importNames(tree *ast.File) map[string]string {
	names := map[string]string{}
	for _, spec := range tree.Imports {
		p, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			continue
		}
		name := path.Base(p)
		if meta := s.meta.packages[p]; meta != nil && meta.name != "" {
			name = meta.name
		}
		if spec.Name != nil {
			name = spec.Name.Name
		}
		if name == "." {
			name += p
		}
		names[name] = p
	}
	return names
}

func outlineTokens(data []byte, holes [][2]int) []outlineToken {
	var tokens []outlineToken
	fset := token.NewFileSet()
	file := fset.AddFile("", -1, len(data))
	var scan scanner.Scanner
	scan.Init(file, data, nil, 0)
	previous := token.SEMICOLON
	for {
		pos, tok, lit := scan.Scan()
		if tok == token.EOF {
			return tokens
		}
		offset := file.Offset(pos)
		for len(holes) > 0 && offset >= holes[0][1] {
			holes = holes[1:]
		}
		if len(holes) > 0 && offset >= holes[0][0] {
			continue
		}
		if tok == token.SEMICOLON {
			// One semicolon or the next: written, inserted, or left over from an import line.
			if previous == token.SEMICOLON {
				continue
			}
			lit = ""
		}
		tokens = append(tokens, outlineToken{tok, lit, offset})
		previous = tok
	}
}

func (o *outline) equal(other *outline) bool {
	if !o.valid || !other.valid || len(o.tokens) != len(other.tokens) || len(o.names) != len(other.names) {
		return false
	}
	for i, t := range o.tokens {
		if u := other.tokens[i]; t.tok != u.tok || t.lit != u.lit {
			return false
		}
	}
	for name, path := range o.names {
		if other.names[name] != path {
			return false
		}
	}
	return true
}
