package main

import (
	"go/types"
	"strconv"
	"strings"
)

// zero is Go text for the zero value of a type, valid in the file at the offset; nil if it cannot be spelled.
func (q *question) zero(t types.Type, offset int) *string {
	s := &speller{q: q, offset: offset}
	if text, ok := s.zero(t); ok {
		return &text
	}
	return nil
}

// A speller writes types as the file can name them at one place.
type speller struct {
	q      *question
	offset int
}

func (s *speller) zero(t types.Type) (string, bool) {
	if invalid(t, nil) {
		return "", false
	}
	if _, ok := types.Unalias(t).(*types.TypeParam); ok {
		text, spelled := s.spell(t)
		return "*new(" + text + ")", spelled && s.universal("new")
	}
	switch u := t.Underlying().(type) {
	case *types.Basic:
		switch {
		case u.Info()&types.IsString != 0:
			return `""`, true
		case u.Info()&types.IsBoolean != 0:
			return "false", s.universal("false")
		case u.Info()&types.IsNumeric != 0:
			return "0", true
		case u.Kind() == types.UnsafePointer:
			return "nil", s.universal("nil")
		}
	case *types.Pointer, *types.Slice, *types.Map, *types.Chan, *types.Signature, *types.Interface:
		return "nil", s.universal("nil")
	case *types.Struct, *types.Array:
		text, ok := s.spell(t)
		return text + "{}", ok
	}
	return "", false
}

func (s *speller) at(name string) types.Object {
	return s.q.find(s.offset, name)
}

// universal tells whether a predeclared name still means what it says.
func (s *speller) universal(name string) bool {
	obj := s.at(name)
	return obj != nil && obj.Parent() == types.Universe
}

func (s *speller) spell(t types.Type) (string, bool) {
	switch t := t.(type) {
	case *types.Basic:
		if t.Kind() == types.UnsafePointer {
			return s.qualified(types.Unsafe.Scope().Lookup("Pointer"))
		}
		return t.Name(), t.Info()&types.IsUntyped == 0 && s.universal(t.Name())
	case *types.Alias:
		if text, ok := s.qualified(t.Obj()); ok && !generic(t) {
			return text, true
		}
		return s.spell(types.Unalias(t))
	case *types.Named:
		text, ok := s.qualified(t.Obj())
		return s.instance(text, ok, t.TypeArgs())
	case *types.TypeParam:
		return s.qualified(t.Obj())
	case *types.Pointer:
		return s.prefixed("*", t.Elem())
	case *types.Slice:
		return s.prefixed("[]", t.Elem())
	case *types.Array:
		return s.prefixed("["+strconv.FormatInt(t.Len(), 10)+"]", t.Elem())
	case *types.Chan:
		prefix := map[types.ChanDir]string{types.SendRecv: "chan ", types.SendOnly: "chan<- ", types.RecvOnly: "<-chan "}[t.Dir()]
		if inner, ok := types.Unalias(t.Elem()).(*types.Chan); ok && inner.Dir() == types.RecvOnly {
			text, ok := s.spell(t.Elem())
			return prefix + "(" + text + ")", ok
		}
		return s.prefixed(prefix, t.Elem())
	case *types.Map:
		key, ok := s.spell(t.Key())
		if !ok {
			return "", false
		}
		return s.prefixed("map["+key+"]", t.Elem())
	case *types.Struct:
		if t.NumFields() == 0 {
			return "struct{}", true
		}
	case *types.Interface:
		if t.NumMethods() == 0 && t.NumEmbeddeds() == 0 {
			return "interface{}", true
		}
	}
	return "", false
}

func generic(t *types.Alias) bool { return strings.Contains(types.TypeString(t, nil), "[") }

func (s *speller) prefixed(prefix string, t types.Type) (string, bool) {
	text, ok := s.spell(t)
	return prefix + text, ok
}

func (s *speller) instance(text string, ok bool, args *types.TypeList) (string, bool) {
	if !ok || args.Len() == 0 {
		return text, ok
	}
	var texts []string
	for i := range args.Len() {
		arg, ok := s.spell(args.At(i))
		if !ok {
			return "", false
		}
		texts = append(texts, arg)
	}
	return text + "[" + strings.Join(texts, ", ") + "]", true
}

// qualified is the name of a type at the place: bare, or behind a package name that the file
// imports; not ok where it is unexported elsewhere, not imported or shadowed.
func (s *speller) qualified(obj types.Object) (string, bool) {
	view := s.q.session.current
	if obj.Pkg() == nil {
		return obj.Name(), s.universal(obj.Name())
	}
	id := view.identity(obj)
	if found := s.at(obj.Name()); found != nil && view.identity(found) == id {
		return obj.Name(), true
	}
	if obj.Pkg() == s.q.body.types || obj.Pkg().Path() == s.q.body.types.Path() || !obj.Exported() || obj.Parent() != obj.Pkg().Scope() {
		return "", false
	}
	if s.q.scope == nil {
		return "", false
	}
	for _, name := range s.q.scope.Names() {
		imported, ok := s.q.scope.Lookup(name).(*types.PkgName)
		if ok && imported.Imported().Path() == obj.Pkg().Path() && s.at(name) == imported {
			return name + "." + obj.Name(), true
		}
	}
	return "", false
}
