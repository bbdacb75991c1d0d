package main

import (
	"go/ast"
	"go/types"
	"sort"
	"strings"
)

// satisfied names an interface that the method's type, or a type that embeds it, may be used as, "" if there is none.
// Signatures are compared by their text: each package is checked on its own, so the types in them are not identical.
func (s *session) satisfied(method *types.Func, bodies []*body) string {
	receiver := method.Type().(*types.Signature).Recv().Type()
	named, ok := unalias(deref(receiver)).(*types.Named)
	if !ok {
		return "an unnamed type"
	}
	// By their names as seen from everywhere: an unexported one is its package's own.
	wanted := seenName(method)
	own := map[string]string{}
	set := types.NewMethodSet(types.NewPointer(named))
	for i := range set.Len() {
		f := set.At(i).Obj().(*types.Func)
		own[seenName(f)] = signatureText(f)
	}
	packages := s.built()
	embedded := embeds(named.Obj(), bodies, packages)
	open := func(text string) bool { return text == "?" || named.TypeParams().Len() > 0 }
	fits := func(t types.Type) bool {
		iface, ok := t.Underlying().(*types.Interface)
		if !ok {
			return false
		}
		has := false
		for i := range iface.NumMethods() {
			m := iface.Method(i)
			name, text := seenName(m), signatureText(m)
			if name == wanted && (text == own[name] || open(text)) {
				has = true
			} else if own[name] != text && !embedded && !open(text) {
				return false
			}
		}
		return has
	}
	for _, p := range packages {
		for _, name := range p.Scope().Names() {
			if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok && fits(t.Type()) {
				return p.Path() + "." + name
			}
		}
	}
	for _, b := range bodies {
		for e, tv := range b.info.Types {
			if _, written := e.(*ast.InterfaceType); written && tv.IsType() && fits(tv.Type) {
				return "an interface of " + b.meta.path
			}
		}
	}
	return ""
}

// built are the packages of the API universe, sorted.
func (s *session) built() []*types.Package {
	var packages []*types.Package
	for _, v := range []*view{s.disk, s.current} {
		v.mu.Lock()
		for _, p := range v.universe {
			if p.types != nil {
				packages = append(packages, p.types)
			}
		}
		v.mu.Unlock()
	}
	sort.Slice(packages, func(i, j int) bool { return packages[i].Path() < packages[j].Path() })
	return packages
}

// seenName is a method's name, that of its package with it where only that can call it so.
func seenName(f *types.Func) string {
	if f.Exported() || f.Pkg() == nil {
		return f.Name()
	}
	return withoutVariant(f.Pkg().Path()) + "." + f.Name()
}

// genericSignature tells whether a type parameter stands in a signature: what stands for it is not known.
func genericSignature(f *types.Func) bool {
	found := false
	signature := f.Type().(*types.Signature)
	for _, tuple := range []*types.Tuple{signature.Params(), signature.Results()} {
		for i := range tuple.Len() {
			if _, ok := unalias(deref(tuple.At(i).Type())).(*types.TypeParam); ok {
				found = true
			}
		}
	}
	return found
}

func signatureText(f *types.Func) string {
	if genericSignature(f) {
		return "?"
	}
	signature := f.Type().(*types.Signature)
	var parts []string
	for _, tuple := range []*types.Tuple{signature.Params(), signature.Results()} {
		for i := range tuple.Len() {
			text, _ := typeTexts(tuple.At(i).Type())
			parts = append(parts, text)
		}
		parts = append(parts, "->")
	}
	return strings.Join(parts, ",")
}

func deref(t types.Type) types.Type {
	if p, ok := unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// embeds tells whether a struct embeds the type, and so promotes its methods.
func embeds(owner *types.TypeName, bodies []*body, packages []*types.Package) bool {
	promotes := func(t types.Type) bool {
		fields, ok := t.Underlying().(*types.Struct)
		for i := 0; ok && i < fields.NumFields(); i++ {
			f := fields.Field(i)
			named, isNamed := unalias(deref(f.Type())).(*types.Named)
			if f.Embedded() && isNamed && named.Obj().Name() == owner.Name() && named.Obj().Pkg() != nil &&
				named.Obj().Pkg().Path() == owner.Pkg().Path() {
				return true
			}
		}
		return false
	}
	for _, b := range bodies {
		for e, tv := range b.info.Types {
			if _, written := e.(*ast.StructType); written && promotes(tv.Type) {
				return true
			}
		}
	}
	for _, p := range packages {
		for _, name := range p.Scope().Names() {
			if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok && promotes(t.Type()) {
				return true
			}
		}
	}
	return false
}
