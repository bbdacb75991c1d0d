package main

import (
	"go/ast"
	"go/types"
	"strconv"
	"strings"
)

type object struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Kind        string `json:"kind"`
	Type        string `json:"type"`
	Underlying  string `json:"underlying"`
	Package     string `json:"package"`
	Scope       string `json:"scope"`
	Path        string `json:"path"`
	Start       int    `json:"start"`
	Exported    bool   `json:"exported"`
	InInterface bool   `json:"in_interface"`
}

// A seenObject was named in some answer, with the package that was asked about.
type seenObject struct {
	object types.Object
	body   *body
}

func (s *session) remember(id string, obj types.Object, b *body) {
	if _, known := s.seen[id]; !known {
		s.seen[id] = seenObject{obj, b}
	}
}

func positionID(path string, offset int, name string) string {
	return path + ":" + strconv.Itoa(offset) + ":" + name
}

// identity names an object by the place of its declaration, the same in every copy of its package.
func (v *view) identity(obj types.Object) string {
	switch obj := obj.(type) {
	case nil:
		return ""
	case *types.PkgName:
		return "pkg:" + obj.Imported().Path()
	}
	obj = origin(obj)
	path, offset := v.place(obj)
	if path == "" {
		return "builtin:" + obj.Name()
	}
	return positionID(path, offset, obj.Name())
}

func origin(obj types.Object) types.Object {
	switch obj := obj.(type) {
	case *types.Var:
		return obj.Origin()
	case *types.Func:
		return obj.Origin()
	}
	return obj
}

// place is where the object's declaring identifier stands in this view.
func (v *view) place(obj types.Object) (string, int) {
	if !obj.Pos().IsValid() {
		return "", -1
	}
	file := v.session.fset.File(obj.Pos())
	if file == nil {
		return "", -1
	}
	offset := file.Offset(obj.Pos())
	// The universe still has the file of the disk where an overlay left the API alone.
	if o := v.overlay[file.Name()]; o != nil && o.sameAPI {
		if own := v.sources[file.Name()]; own == nil || own.file == nil || own.file.tok != file {
			offset = o.moved(offset)
		}
	}
	return file.Name(), offset
}

func (b *body) describe(obj types.Object) object {
	v := b.view.session.current
	id := v.identity(obj)
	v.session.remember(id, obj, b)
	obj = origin(obj)
	o := object{ID: id, Name: obj.Name(), Kind: b.kind(obj), Start: -1, Exported: obj.Exported(), Scope: scopeOf(obj)}
	switch obj := obj.(type) {
	case *types.PkgName:
		o.Package = obj.Imported().Path()
		return o
	case *types.Builtin, *types.Nil, *types.Label:
	default:
		o.Type, o.Underlying = typeTexts(obj.Type())
	}
	if obj.Pkg() != nil {
		o.Package = obj.Pkg().Path()
	}
	o.Path, o.Start = v.place(obj)
	if o.Kind == "method" || o.Kind == "interface-method" {
		o.InInterface = b.interfaceMethods()[obj.Name()]
	}
	return o
}

func (b *body) kind(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.PkgName:
		return "package"
	case *types.Builtin:
		return "builtin"
	case *types.Nil:
		return "nil"
	case *types.Label:
		return "label"
	case *types.Const:
		return "const"
	case *types.TypeName:
		return "type"
	case *types.Func:
		receiver := obj.Type().(*types.Signature).Recv()
		switch {
		case receiver == nil:
			return "func"
		case types.IsInterface(receiver.Type()):
			return "interface-method"
		}
		return "method"
	case *types.Var:
		if obj.IsField() {
			return "field"
		}
		if source := b.sourceOf(obj); source != nil {
			source.index()
			if role := source.roles[obj.Pos()]; role != "" {
				return role
			}
		}
	}
	return "var"
}

func (b *body) sourceOf(obj types.Object) *sourceFile {
	file := b.view.session.fset.File(obj.Pos())
	for _, source := range b.sources {
		if source.tok == file {
			return source
		}
	}
	return nil
}

func scopeOf(obj types.Object) string {
	switch obj := obj.(type) {
	case *types.PkgName:
		return "file"
	case *types.Var:
		if obj.IsField() {
			return "member"
		}
	case *types.Func:
		if obj.Type().(*types.Signature).Recv() != nil {
			return "member"
		}
	}
	switch {
	case obj.Pkg() == nil || obj.Parent() == types.Universe || obj.Pkg() == types.Unsafe:
		return "universe"
	case obj.Parent() == obj.Pkg().Scope():
		return "package"
	}
	return "function"
}

// interfaceMethods are the names that some interface within sight of the package demands: its own
// interfaces, those of the packages it imports, and interface types written anywhere in it.
func (b *body) interfaceMethods() map[string]bool {
	if b.methods != nil {
		return b.methods
	}
	b.methods = map[string]bool{"Error": true}
	add := func(t types.Type) {
		if iface, ok := t.Underlying().(*types.Interface); ok {
			for i := range iface.NumMethods() {
				b.methods[iface.Method(i).Name()] = true
			}
		}
	}
	for _, pkg := range append([]*types.Package{b.types}, b.types.Imports()...) {
		for _, name := range pkg.Scope().Names() {
			if t, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok && (pkg == b.types || t.Exported()) {
				add(t.Type())
			}
		}
	}
	for e, tv := range b.info.Types {
		if _, ok := e.(*ast.InterfaceType); ok {
			add(tv.Type)
		}
	}
	return b.methods
}

// typeTexts writes a type and its underlying type with full package paths; aliases are resolved.
// A type that is not known, or only in part, is "".
func typeTexts(t types.Type) (string, string) {
	if t == nil || invalid(t, nil) {
		return "", ""
	}
	t = unalias(t)
	return types.TypeString(t, nil), types.TypeString(unalias(t.Underlying()), nil)
}

// unalias resolves aliases also inside of the types that are written without a name.
func unalias(t types.Type) types.Type {
	t = types.Unalias(t)
	switch u := t.(type) {
	case *types.Pointer:
		if e := unalias(u.Elem()); e != u.Elem() {
			return types.NewPointer(e)
		}
	case *types.Slice:
		if e := unalias(u.Elem()); e != u.Elem() {
			return types.NewSlice(e)
		}
	case *types.Array:
		if e := unalias(u.Elem()); e != u.Elem() {
			return types.NewArray(e, u.Len())
		}
	case *types.Chan:
		if e := unalias(u.Elem()); e != u.Elem() {
			return types.NewChan(u.Dir(), e)
		}
	case *types.Map:
		k, e := unalias(u.Key()), unalias(u.Elem())
		if k != u.Key() || e != u.Elem() {
			return types.NewMap(k, e)
		}
	}
	return t
}

// invalid tells whether a type is unknown or built from unknown ones; it looks into named types
// only as far as their type arguments.
func invalid(t types.Type, seen map[types.Type]bool) bool {
	if seen[t] {
		return false
	}
	if seen == nil {
		seen = map[types.Type]bool{}
	}
	seen[t] = true
	switch t := types.Unalias(t).(type) {
	case *types.Basic:
		return t.Kind() == types.Invalid
	case *types.Named:
		if underlying, ok := t.Underlying().(*types.Basic); ok && underlying.Kind() == types.Invalid {
			return true
		}
		for i := range t.TypeArgs().Len() {
			if invalid(t.TypeArgs().At(i), seen) {
				return true
			}
		}
	case *types.Pointer:
		return invalid(t.Elem(), seen)
	case *types.Slice:
		return invalid(t.Elem(), seen)
	case *types.Array:
		return invalid(t.Elem(), seen)
	case *types.Chan:
		return invalid(t.Elem(), seen)
	case *types.Map:
		return invalid(t.Key(), seen) || invalid(t.Elem(), seen)
	case *types.Signature:
		return invalid(t.Params(), seen) || invalid(t.Results(), seen)
	case *types.Tuple:
		for i := range t.Len() {
			if invalid(t.At(i).Type(), seen) {
				return true
			}
		}
	case *types.Struct:
		for i := range t.NumFields() {
			if invalid(t.Field(i).Type(), seen) {
				return true
			}
		}
	}
	return false
}

// object describes an object by its identity; nil if no answer ever named it and no file asked about declares it.
func (s *session) object(id string) (any, error) {
	if seen, ok := s.seen[id]; ok {
		return seen.body.describe(seen.object), nil
	}
	if b := s.declaring(id); b != nil {
		for _, o := range b.occurrences()[id] {
			if o.object != nil {
				return b.describe(o.object), nil
			}
		}
	}
	return nil, nil
}

// uses lists the identifiers for an object in the package that declares it, dependencies excluded.
func (s *session) uses(id string) (any, error) {
	refs := []ref{}
	if b := s.declaring(id); b != nil {
		for _, o := range b.occurrences()[id] {
			refs = append(refs, b.ref(o))
		}
	}
	return refs, nil
}

// declaring is the package that declares the object, bodies and all; its tests belong to it if any
// of them was asked for.
func (s *session) declaring(id string) *body {
	path, _, ok := splitID(id)
	if !ok {
		return nil
	}
	key := s.meta.bodyKey(path)
	meta := s.meta.packages[key]
	if meta == nil || (!s.asked[path] && !meta.main) {
		return nil
	}
	if variant := key + " [" + key + ".test]"; s.meta.packages[variant] != nil && (s.tests || s.askedTest(variant)) {
		key = variant
	}
	return s.current.body(key)
}

func (s *session) askedTest(key string) bool {
	for _, path := range s.meta.packages[key].files {
		if s.asked[path] && strings.HasSuffix(path, "_test.go") {
			return true
		}
	}
	return false
}

func splitID(id string) (path string, offset int, ok bool) {
	name := strings.LastIndexByte(id, ':')
	if name < 0 {
		return "", 0, false
	}
	number := strings.LastIndexByte(id[:name], ':')
	if number <= 0 {
		return "", 0, false
	}
	offset, err := strconv.Atoi(id[number+1 : name])
	return id[:number], offset, err == nil
}

// fullName is types.Func.FullName of the declaration: (*sync/atomic.Pointer[T]).Load for instances.
func fullName(f *types.Func) string { return f.Origin().FullName() }
