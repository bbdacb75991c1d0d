package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"path/filepath"
	"strings"
)

// A construction is one place that makes a value of a struct type.
type construction struct {
	Path  string `json:"path"`
	Start int    `json:"start"`
	Kind  string `json:"kind"`
	Sets  bool   `json:"sets"`
}

type constructions struct {
	Made []construction `json:"made"`
	// Assigned holds starts of the field's identifiers where a value just made gets the field.
	Assigned []int `json:"assigned"`
}

// constructions lists the places of the declaring package, tests included, that make the struct of a
// field, and whether each sets the field: by key, by position, or by an assignment to the variable
// that the new value was put into, in the same function.
func (s *session) constructions(id string) (any, error) {
	answer := &constructions{Made: []construction{}, Assigned: []int{}}
	b := s.declaring(id)
	if b == nil {
		return answer, nil
	}
	var field *types.Var
	for _, o := range b.occurrences()[id] {
		if v, ok := o.object.(*types.Var); ok && v.IsField() {
			field = v.Origin()
		}
	}
	if field == nil {
		return answer, nil
	}
	m := &maker{body: b, field: field, answer: answer}
	m.findOwner()
	if m.owner == nil {
		return answer, nil
	}
	checked := map[string]bool{}
	for _, source := range b.sources {
		checked[source.path] = true
		m.source = source
		source.index()
		ast.Inspect(source.tree, m.visit)
	}
	m.tests(checked)
	return answer, nil
}

type maker struct {
	body   *body
	field  *types.Var
	owner  *types.TypeName
	source *sourceFile
	answer *constructions
}

// findOwner is the defined type whose struct has the field; a field of an unnamed struct has none.
func (m *maker) findOwner() {
	for _, object := range m.body.info.Defs {
		name, ok := object.(*types.TypeName)
		if !ok || name.IsAlias() {
			continue
		}
		if fields, ok := name.Type().Underlying().(*types.Struct); ok {
			for i := 0; i < fields.NumFields(); i++ {
				if fields.Field(i) == m.field {
					m.owner = name
					return
				}
			}
		}
	}
}

// makes tells whether a value of the type is, or holds by value, one of the owner's.
func (m *maker) makes(t types.Type) bool {
	switch t := unalias(t).(type) {
	case *types.Named:
		if t.Origin().Obj() == m.owner {
			return true
		}
		fields, ok := t.Underlying().(*types.Struct)
		if !ok || t.Obj().Pkg() != m.owner.Pkg() {
			return false
		}
		for i := 0; i < fields.NumFields(); i++ {
			if named, ok := unalias(fields.Field(i).Type()).(*types.Named); ok && named.Origin().Obj() == m.owner {
				return true
			}
		}
	case *types.Array:
		return m.makes(t.Elem())
	}
	return false
}

// setsHeld tells whether a literal of a struct that holds the owner by value gives those fields values.
func (m *maker) setsHeld(lit *ast.CompositeLit, t types.Type) bool {
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return true // the elements of an array are literals of their own
	}
	for i := 0; i < fields.NumFields(); i++ {
		if m.isOwner(fields.Field(i).Type()) && !hasField(lit, fields.Field(i).Name()) {
			return false
		}
	}
	return true
}

func (m *maker) isOwner(t types.Type) bool {
	named, ok := unalias(t).(*types.Named)
	return ok && named.Origin().Obj() == m.owner
}

func (m *maker) visit(n ast.Node) bool {
	switch n := n.(type) {
	case *ast.CompositeLit:
		t := m.body.typed(n)
		if t == nil {
			return true
		}
		if p, ok := unalias(t).(*types.Pointer); ok { // elided &T in a composite literal
			t = p.Elem()
		}
		switch {
		case m.isOwner(t):
			m.add(n, "literal", hasField(n, m.field.Name()) || m.assignedLater(n))
		case m.makes(t) && !m.setsHeld(n, t):
			m.add(n, "zero", false)
		}
	case *ast.CallExpr:
		if name, ok := ast.Unparen(n.Fun).(*ast.Ident); ok && len(n.Args) > 0 {
			if _, builtin := m.body.info.Uses[name].(*types.Builtin); builtin {
				m.builtin(n, name.Name)
			}
		}
	case *ast.ValueSpec:
		if n.Type != nil && len(n.Values) == 0 && m.typeMakes(n.Type) {
			m.add(n, "zero", len(n.Names) == 1 && m.isOwner(m.body.typed(n.Type)) && m.assignsAfter(n, n.Names[0]))
		}
	}
	return true
}

func (m *maker) builtin(call *ast.CallExpr, name string) {
	t := m.body.typed(call.Args[0])
	if t == nil {
		return
	}
	switch name {
	case "new":
		if m.makes(t) {
			m.add(call, "new", m.isOwner(t) && m.assignedLater(call))
		}
	case "make":
		if slice, ok := t.Underlying().(*types.Slice); ok && m.makes(slice.Elem()) {
			m.add(call, "zero", false)
		}
	}
}

func (m *maker) typeMakes(e ast.Expr) bool {
	t := m.body.typed(e)
	return t != nil && m.makes(t)
}

func (m *maker) add(n ast.Node, kind string, sets bool) {
	if strings.HasSuffix(m.source.path, "_test.go") {
		kind = "test"
	}
	m.answer.Made = append(m.answer.Made, construction{m.source.path, m.source.offset(n.Pos()), kind, sets})
}

func hasField(lit *ast.CompositeLit, name string) bool {
	for _, element := range lit.Elts {
		pair, keyed := element.(*ast.KeyValueExpr)
		if !keyed {
			return true // without keys every field is set
		}
		if key, ok := pair.Key.(*ast.Ident); ok && key.Name == name {
			return true
		}
	}
	return false
}

// assignedLater: x := T{} or x := &T{}, and x.field = ... further on in the same function.
func (m *maker) assignedLater(n ast.Expr) bool {
	parent, child := m.source.parent(n)
	if address, ok := parent.(*ast.UnaryExpr); ok && address.Op == token.AND {
		parent, child = m.source.parent(address)
	}
	switch p := parent.(type) {
	case *ast.AssignStmt:
		for i, value := range p.Rhs {
			if value == child && len(p.Lhs) == len(p.Rhs) {
				if name, ok := p.Lhs[i].(*ast.Ident); ok {
					return m.assignsAfter(p, name)
				}
			}
		}
	case *ast.ValueSpec:
		for i, value := range p.Values {
			if value == child && i < len(p.Names) {
				return m.assignsAfter(p, p.Names[i])
			}
		}
	}
	return false
}

func (m *maker) objectOf(name *ast.Ident) types.Object {
	if defined := m.body.info.Defs[name]; defined != nil {
		return defined
	}
	return m.body.info.Uses[name]
}

// assignsAfter looks for an assignment to the variable's field that runs on every way on from the
// statement: a statement of the same block, with nothing in between that leaves it.
func (m *maker) assignsAfter(statement ast.Node, name *ast.Ident) bool {
	variable := m.objectOf(name)
	if variable == nil {
		return false
	}
	var node ast.Node = statement
	for {
		if _, ok := m.source.parents[node].(*ast.BlockStmt); ok || m.source.parents[node] == nil {
			break
		}
		node = m.source.parents[node]
	}
	block, ok := m.source.parents[node].(*ast.BlockStmt)
	if !ok {
		return false
	}
	found := false
	for _, follower := range block.List {
		assign, ok := follower.(*ast.AssignStmt)
		if !ok || assign.Pos() <= statement.Pos() {
			continue
		}
		for _, target := range assign.Lhs {
			selector, ok := ast.Unparen(target).(*ast.SelectorExpr)
			if !ok {
				continue
			}
			base, ok := ast.Unparen(selector.X).(*ast.Ident)
			used, isVar := m.body.info.Uses[selector.Sel].(*types.Var)
			if ok && isVar && m.body.info.Uses[base] == variable && used.Origin() == m.field {
				m.answer.Assigned = append(m.answer.Assigned, m.source.offset(selector.Sel.Pos()))
				found = true
			}
		}
	}
	return found
}

// tests reads the package's test files that were not type-checked along: by syntax alone, so that a
// literal there without the field is not overlooked.
func (m *maker) tests(checked map[string]bool) {
	paths, _ := filepath.Glob(filepath.Join(m.body.meta.dir, "*_test.go"))
	for _, path := range paths {
		if checked[path] {
			continue
		}
		fset := token.NewFileSet()
		tree, _ := parser.ParseFile(fset, path, readFile(path), parser.SkipObjectResolution)
		if tree == nil {
			continue
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			made := construction{Path: path, Kind: "test"}
			switch n := n.(type) {
			case *ast.CompositeLit:
				if !m.names(n.Type) {
					return true
				}
				made.Sets = hasField(n, m.field.Name())
			case *ast.CallExpr:
				if name, ok := n.Fun.(*ast.Ident); !ok || name.Name != "new" || len(n.Args) != 1 || !m.names(n.Args[0]) {
					return true
				}
			case *ast.ValueSpec:
				if len(n.Values) > 0 || !m.names(n.Type) {
					return true
				}
			default:
				return true
			}
			made.Start = fset.PositionFor(n.Pos(), false).Offset
			m.answer.Made = append(m.answer.Made, made)
			return true
		})
	}
}

func (m *maker) names(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name == m.owner.Name()
	case *ast.SelectorExpr:
		base, ok := e.X.(*ast.Ident)
		return ok && e.Sel.Name == m.owner.Name() && strings.HasPrefix(base.Name, m.owner.Pkg().Name())
	}
	return false
}
