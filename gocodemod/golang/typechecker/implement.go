package main

import "go/types"

// implemented lists the methods of interface types of the package that a method may be called through.
func (s *session) implemented(id string) (any, error) {
	answer := []object{}
	b, method := s.method(id)
	if method == nil {
		return answer, nil
	}
	receiver := method.Type().(*types.Signature).Recv().Type()
	b.eachType(func(declared *types.TypeName) {
		iface, ok := declared.Type().Underlying().(*types.Interface)
		if !ok || !implements(receiver, iface) {
			return
		}
		for i := range iface.NumMethods() {
			if iface.Method(i).Name() == method.Name() {
				answer = append(answer, b.describe(iface.Method(i)))
			}
		}
	})
	return answer, nil
}

// implementations lists the methods of the package's own types that a call of an interface's method may come to.
func (s *session) implementations(id string) (any, error) {
	answer := []object{}
	b, method := s.method(id)
	if method == nil {
		return answer, nil
	}
	iface, ok := method.Type().(*types.Signature).Recv().Type().Underlying().(*types.Interface)
	if !ok {
		return answer, nil
	}
	b.eachType(func(declared *types.TypeName) {
		if types.IsInterface(declared.Type()) || !implements(types.NewPointer(declared.Type()), iface) {
			return
		}
		found, _, _ := types.LookupFieldOrMethod(declared.Type(), true, b.types, method.Name())
		if f, ok := found.(*types.Func); ok {
			answer = append(answer, b.describe(f))
		}
	})
	return answer, nil
}

// method is a method by its identity, with the package that declares it.
func (s *session) method(id string) (*body, *types.Func) {
	b := s.declaring(id)
	if b == nil {
		return nil, nil
	}
	for _, o := range b.occurrences()[id] {
		if f, ok := o.object.(*types.Func); ok && f.Type().(*types.Signature).Recv() != nil {
			return b, f
		}
	}
	return b, nil
}

// eachType goes through the package's named types.
func (b *body) eachType(do func(*types.TypeName)) {
	for _, name := range b.types.Scope().Names() {
		if declared, ok := b.types.Scope().Lookup(name).(*types.TypeName); ok && !declared.IsAlias() {
			do(declared)
		}
	}
}

// implements does not decide for generic types: what their arguments are is not known.
func implements(t types.Type, iface *types.Interface) bool {
	if p, ok := t.(*types.Pointer); ok {
		if named, ok := p.Elem().(*types.Named); ok && named.TypeParams().Len() > 0 {
			return true
		}
		return types.Implements(t, iface)
	}
	return types.Implements(t, iface) || types.Implements(types.NewPointer(t), iface)
}
