package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
)

// A structAnswer is a defined struct type as it is declared, and what its package does with its values.
// Start and End are the braces around its fields.
type structAnswer struct {
	Path       string   `json:"path"`
	Start      int      `json:"start"`
	End        int      `json:"end"`
	Name       string   `json:"name"`
	Object     string   `json:"object"`
	Exported   bool     `json:"exported"`
	Generic    bool     `json:"generic"`
	Fields     []object `json:"fields"`
	Methods    []object `json:"methods"`
	Taken      []string `json:"taken"`
	NoCopy     bool     `json:"no_copy"`
	Positional []place  `json:"positional"`
	Compared   []place  `json:"compared"`
	Copied     []place  `json:"copied"`
}

type place struct {
	Path  string `json:"path"`
	Start int    `json:"start"`
}

type membersAnswer struct {
	Fields  []string `json:"fields"`
	Methods []string `json:"methods"`
}

// typeOf is the type that an object has or, for a type's name, is.
func (s *session) typeOf(id string) (types.Type, *body) {
	seen, ok := s.seen[id]
	if !ok {
		b := s.declaring(id)
		if b == nil {
			return nil, nil
		}
		for _, o := range b.occurrences()[id] {
			if o.object != nil {
				seen = seenObject{o.object, b}
			}
		}
	}
	if seen.object == nil {
		return nil, nil
	}
	return seen.object.Type(), seen.body
}

// members names the fields and methods that can be selected on an object, those of embedded fields too.
func (s *session) members(id string) (any, error) {
	t, _ := s.typeOf(id)
	if t == nil {
		return nil, nil
	}
	fields, methods := selectable(t)
	return &membersAnswer{fields, methods}, nil
}

// selectable lists the names that x.name may have for an x of the type that can be addressed.
func selectable(t types.Type) (fields, methods []string) {
	names := map[string]bool{}
	set := types.NewMethodSet(t)
	if _, pointer := t.Underlying().(*types.Pointer); !pointer && !types.IsInterface(t) {
		set = types.NewMethodSet(types.NewPointer(t))
	}
	methods, fields = []string{}, []string{}
	for i := range set.Len() {
		methods = append(methods, set.At(i).Obj().Name())
	}
	collectFields(t, names, map[types.Type]bool{})
	for name := range names {
		fields = append(fields, name)
	}
	sort.Strings(fields)
	return fields, methods
}

func collectFields(t types.Type, names map[string]bool, seen map[types.Type]bool) {
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if seen[t] {
		return
	}
	seen[t] = true
	fields, ok := t.Underlying().(*types.Struct)
	if !ok {
		return
	}
	for i := range fields.NumFields() {
		names[fields.Field(i).Name()] = true
		if fields.Field(i).Embedded() {
			collectFields(fields.Field(i).Type(), names, seen)
		}
	}
}

// structure describes the defined struct type that an object is, has or points to; nil if there is none
// in a package whose bodies can be read.
func (s *session) structure(id string) (any, error) {
	t, _ := s.typeOf(id)
	if t == nil {
		return nil, nil
	}
	if p, ok := unalias(t).(*types.Pointer); ok {
		t = p.Elem()
	}
	named, ok := unalias(t).(*types.Named)
	if !ok {
		return nil, nil
	}
	b := s.declaring(s.current.identity(named.Origin().Obj()))
	if b == nil {
		return nil, nil
	}
	// The body has objects of its own for what its package declares.
	name, ok := b.types.Scope().Lookup(named.Obj().Name()).(*types.TypeName)
	if !ok || s.current.identity(name) != s.current.identity(named.Origin().Obj()) {
		return nil, nil
	}
	k := &keeper{body: b, owner: name, answer: &structAnswer{
		Name: name.Name(), Object: b.identity(name), Exported: name.Exported(),
		Positional: []place{}, Compared: []place{}, Copied: []place{},
	}}
	if !k.declaration() {
		return nil, nil
	}
	for _, source := range b.sources {
		source.index()
		k.source = source
		ast.Inspect(source.tree, k.visit)
	}
	return k.answer, nil
}

// A keeper looks at what becomes of the values of one struct type.
type keeper struct {
	body   *body
	owner  *types.TypeName
	source *sourceFile
	answer *structAnswer
}

func (k *keeper) declaration() bool {
	fields, ok := k.owner.Type().Underlying().(*types.Struct)
	if !ok {
		return false
	}
	source := k.body.sourceOf(k.owner)
	if source == nil {
		return false
	}
	var spec *ast.TypeSpec
	ast.Inspect(source.tree, func(n ast.Node) bool {
		if t, ok := n.(*ast.TypeSpec); ok && t.Name.Pos() == k.owner.Pos() {
			spec = t
		}
		return spec == nil
	})
	if spec == nil {
		return false
	}
	written, ok := spec.Type.(*ast.StructType)
	if !ok {
		return false // type T U: the fields are written elsewhere
	}
	a := k.answer
	a.Path = source.path
	a.Start, a.End = source.offset(written.Fields.Opening), source.offset(written.Fields.Closing)+1
	a.Generic = spec.TypeParams != nil
	a.Fields, a.Methods = []object{}, []object{}
	for i := range fields.NumFields() {
		a.Fields = append(a.Fields, k.body.describe(fields.Field(i)))
	}
	if named, ok := k.owner.Type().(*types.Named); ok {
		for i := range named.NumMethods() {
			a.Methods = append(a.Methods, k.body.describe(named.Method(i)))
		}
	}
	names, methods := selectable(k.owner.Type())
	a.Taken = append(names, methods...)
	a.NoCopy = holdsLock(k.owner.Type(), map[types.Type]bool{})
	return true
}

// holdsLock is what the copylocks check of go vet goes by: Lock and Unlock on the address, somewhere inside by value.
func holdsLock(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	seen[t] = true
	if _, named := t.(*types.Named); named && !types.IsInterface(t) {
		onAddress, onValue := types.NewMethodSet(types.NewPointer(t)), types.NewMethodSet(t)
		if onAddress.Lookup(nil, "Lock") != nil && onAddress.Lookup(nil, "Unlock") != nil && onValue.Lookup(nil, "Lock") == nil {
			return true
		}
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return holdsLock(u.Elem(), seen)
	case *types.Struct:
		for i := range u.NumFields() {
			if holdsLock(u.Field(i).Type(), seen) {
				return true
			}
		}
	}
	return false
}

// holds tells whether a value of the type is, or has inside it, one of the owner's.
func (k *keeper) holds(t types.Type, seen map[types.Type]bool) bool {
	if t == nil || seen[t] {
		return false
	}
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	seen[t] = true
	t = unalias(t)
	if named, ok := t.(*types.Named); ok && named.Origin().Obj() == k.owner {
		return true
	}
	switch u := t.Underlying().(type) {
	case *types.Array:
		return k.holds(u.Elem(), seen)
	case *types.Struct:
		for i := range u.NumFields() {
			if k.holds(u.Field(i).Type(), seen) {
				return true
			}
		}
	}
	return false
}

func (k *keeper) add(list *[]place, n ast.Node) {
	*list = append(*list, place{k.source.path, k.source.offset(n.Pos())})
}

func (k *keeper) visit(n ast.Node) bool {
	a := k.answer
	switch n := n.(type) {
	case *ast.CompositeLit:
		if t := k.body.typed(n); t != nil && k.isOwner(t) && len(n.Elts) > 0 {
			if _, keyed := n.Elts[0].(*ast.KeyValueExpr); !keyed {
				k.add(&a.Positional, n)
			}
		}
	case *ast.FuncType:
		k.signature(n.Params)
		k.signature(n.Results)
	case *ast.FuncDecl:
		k.signature(n.Recv)
	case *ast.MapType:
		if k.holds(k.body.typed(n.Key), nil) {
			k.add(&a.Compared, n)
		}
	case *ast.RangeStmt:
		for _, e := range []ast.Expr{n.Key, n.Value} {
			if e != nil && k.holds(k.typeOfVariable(e), nil) {
				k.add(&a.Copied, e)
			}
		}
	}
	if e, ok := n.(ast.Expr); ok {
		k.value(e)
	}
	return true
}

func (k *keeper) isOwner(t types.Type) bool {
	if p, ok := unalias(t).(*types.Pointer); ok { // elided &T in a composite literal
		t = p.Elem()
	}
	named, ok := unalias(t).(*types.Named)
	return ok && named.Origin().Obj() == k.owner
}

// typeOfVariable is the type of an expression or of the variable that an identifier declares.
func (k *keeper) typeOfVariable(e ast.Expr) types.Type {
	if name, ok := e.(*ast.Ident); ok {
		if defined := k.body.info.Defs[name]; defined != nil {
			return defined.Type()
		}
	}
	return k.body.typed(e)
}

// signature: a parameter, result or receiver by value is a copy at every call.
func (k *keeper) signature(fields *ast.FieldList) {
	if fields == nil {
		return
	}
	for _, field := range fields.List {
		if k.holds(k.body.typed(field.Type), nil) {
			k.add(&k.answer.Copied, field)
		}
	}
}

// value looks at an expression whose value holds one of the owner's: is it copied or compared there?
func (k *keeper) value(e ast.Expr) {
	switch e.(type) {
	case *ast.ParenExpr, *ast.CompositeLit, *ast.KeyValueExpr:
		return
	}
	tv, known := k.body.info.Types[e]
	if name, ok := e.(*ast.Ident); ok && !known {
		if used, ok := k.body.info.Uses[name].(*types.Var); ok && !used.IsField() {
			tv, known = types.TypeAndValue{Type: used.Type()}, true
		}
	}
	if !known || tv.IsType() || !k.holds(tv.Type, nil) {
		return
	}
	parent, use := k.source.parent(e)
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		return // x.f, or the f of it, which is looked at as the whole
	case *ast.UnaryExpr:
		if p.Op == token.AND {
			return
		}
	case *ast.IndexExpr, *ast.SliceExpr:
		return
	case *ast.ExprStmt:
		return
	case *ast.RangeStmt:
		return // its variables are looked at
	case *ast.KeyValueExpr:
		if p.Key == use {
			return
		}
	case *ast.BinaryExpr:
		k.add(&k.answer.Compared, e)
		return
	case *ast.SwitchStmt, *ast.CaseClause:
		k.add(&k.answer.Compared, e)
		return
	}
	k.add(&k.answer.Copied, e)
}
