package main

import (
	"errors"
	"fmt"
	"go/ast"
	"go/token"
	"go/types"
	"runtime"
	"sync"
)

type bodyError struct {
	Package string `json:"package"`
	Message string `json:"message"`
	File    string `json:"file"`
	Line    int    `json:"line"`
	Column  int    `json:"column"`
	Offset  int    `json:"offset"`
}

// A body is a package checked with its function bodies. It is private: nothing imports it.
type body struct {
	view    *view
	meta    *packageMeta
	sources []*sourceFile
	types   *types.Package
	info    *types.Info
	errors  []bodyError

	declared map[string][]*occurrence
	methods  map[string]bool
}

// An occurrence is one identifier that stands for an object.
type occurrence struct {
	source *sourceFile
	ident  *ast.Ident
	object types.Object
	id     string
}

// body is the package with everything recorded that questions need.
func (v *view) body(key string) *body {
	owner := v.bodyOwner(key)
	if b := owner.known(key); b != nil && b.info != nil {
		return b
	}
	b := owner.checkBody(key, true)
	owner.keep(b)
	return b
}

// prepare checks the bodies that questions will be about, in parallel.
func (v *view) prepare(keys []string) {
	var wanted []string
	var roots []string
	for _, key := range keys {
		owner := v.bodyOwner(key)
		if b := owner.bodies[key]; b == nil || b.info == nil {
			wanted = append(wanted, key)
			roots = append(roots, v.dependencies(key)...)
		}
	}
	if len(wanted) == 0 {
		return
	}
	v.build(roots)
	v.parallel(len(wanted), func(i int) {
		owner := v.bodyOwner(wanted[i])
		owner.keep(owner.checkBody(wanted[i], true))
	})
}

// bodyOwner is the view whose body check of a package holds in this view.
func (v *view) bodyOwner(key string) *view {
	if v.base != nil && !v.touched[key] && !v.dirty[key] {
		return v.base
	}
	return v
}

func (v *view) keep(b *body) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.bodies[b.meta.key] = b
}

func (v *view) known(key string) *body {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.bodies[key]
}

func (v *view) parallel(n int, do func(int)) {
	var group sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i := range n {
		group.Add(1)
		limit <- struct{}{}
		go func() {
			defer group.Done()
			defer func() { <-limit }()
			do(i)
		}()
	}
	group.Wait()
}

func (v *view) checkBody(key string, record bool) *body {
	meta := v.session.meta.packages[key]
	b := &body{view: v, meta: meta}
	var trees []*ast.File
	var roots []string
	for _, path := range meta.files {
		source, err := v.source(path)
		if err != nil {
			b.errors = append(b.errors, bodyError{Package: meta.path, Message: err.Error(), File: path, Line: 1, Column: 1})
			continue
		}
		b.sources = append(b.sources, source)
		trees = append(trees, source.tree)
		for _, fault := range source.faults {
			b.errors = append(b.errors, bodyError{meta.path, fault.message, path, fault.line, fault.column, fault.offset})
		}
		for _, imported := range importPaths(source.tree) {
			roots = append(roots, meta.resolve(v.session.meta.packages, imported))
		}
	}
	v.build(roots)
	if record {
		b.info = &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{}, Uses: map[*ast.Ident]types.Object{},
			Selections: map[*ast.SelectorExpr]*types.Selection{}, Implicits: map[ast.Node]types.Object{},
			Instances: map[*ast.Ident]types.Instance{}, Scopes: map[ast.Node]*types.Scope{},
		}
	}
	config := v.session.typesConfig(v, meta)
	config.Error = b.collect
	b.types = types.NewPackage(meta.path, meta.name)
	b.run(config, trees)
	return b
}

func (b *body) run(config *types.Config, trees []*ast.File) {
	defer func() {
		if p := recover(); p != nil {
			b.errors = append(b.errors, bodyError{Package: b.meta.path, Message: fmt.Sprintf("go/types panicked: %v", p)})
		}
	}()
	types.NewChecker(config, b.view.session.fset, b.types, b.info).Files(trees)
}

func (b *body) collect(err error) {
	var e types.Error
	if !errors.As(err, &e) {
		b.errors = append(b.errors, bodyError{Package: b.meta.path, Message: err.Error()})
		return
	}
	if len(e.Msg) > 0 && e.Msg[0] == '\t' {
		return // a further line of the error before
	}
	at := e.Fset.PositionFor(e.Pos, false)
	b.errors = append(b.errors, bodyError{b.meta.path, e.Msg, at.Filename, at.Line, at.Column, at.Offset})
}

// occurrences of every object that the package declares, by identity, in source order of its files.
func (b *body) occurrences() map[string][]*occurrence {
	if b.declared != nil {
		return b.declared
	}
	b.declared = map[string][]*occurrence{}
	ids := map[types.Object]string{}
	for _, source := range b.sources {
		source.index()
		for _, ident := range source.idents {
			for _, o := range b.standsFor(source, ident) {
				if o.object != nil && o.object.Pkg() != b.types {
					continue
				}
				if o.object != nil && o.id == "" {
					if ids[o.object] == "" {
						ids[o.object] = b.identity(o.object)
					}
					o.id = ids[o.object]
				}
				if o.id != "" {
					b.declared[o.id] = append(b.declared[o.id], o)
				}
			}
		}
	}
	return b.declared
}

// named gives occurrences their identity and remembers what they stand for.
func (b *body) named(found []*occurrence) []*occurrence {
	for _, o := range found {
		if o.object != nil {
			o.id = b.identity(o.object)
			b.view.session.remember(o.id, o.object, b)
		}
	}
	return found
}

// standsFor lists the objects of an identifier: one, or for an embedded field the field and its type.
// Their identity is left to the caller.
func (b *body) standsFor(source *sourceFile, ident *ast.Ident) []*occurrence {
	var found []*occurrence
	object, defines := b.info.Defs[ident]
	if object != nil {
		found = append(found, &occurrence{source, ident, object, ""})
	} else if _, clause := source.parents[ident].(*ast.AssignStmt); defines && clause {
		// The variable of a type switch: each clause has its own object, all at this position.
		found = append(found, &occurrence{source, ident, nil, positionID(source.path, source.offset(ident.Pos()), ident.Name)})
	}
	if used := b.info.Uses[ident]; used != nil {
		found = append(found, &occurrence{source, ident, used, ""})
	}
	if len(found) == 0 {
		found = append(found, &occurrence{source, ident, nil, ""})
	}
	return found
}

// A question is about one file of a body-checked package.
type question struct {
	session *session
	body    *body
	source  *sourceFile
	scope   *types.Scope
}

func (s *session) question(path string) (*question, error) {
	key := s.meta.bodyKey(path)
	if meta := s.meta.packages[key]; key == "" || (!s.asked[path] && (meta == nil || !meta.main)) {
		return nil, failf(codeNotLoaded, "%s was not loaded, or build constraints exclude it", path)
	}
	s.current.prepare(s.askedKeys())
	b := s.current.body(key)
	for _, source := range b.sources {
		if source.path == path {
			return &question{s, b, source, b.info.Scopes[source.tree]}, nil
		}
	}
	return nil, failf(codeNotLoaded, "%s cannot be read", path)
}

// identity is that of the session's overlays: a body the overlays leave alone may name what they move.
func (b *body) identity(obj types.Object) string { return b.view.session.current.identity(obj) }

// typed is what go/types knows about an expression.
func (b *body) typed(e ast.Expr) types.Type { return b.info.TypeOf(e) }

func (q *question) pos(offset int) token.Pos { return q.source.pos(offset) }
