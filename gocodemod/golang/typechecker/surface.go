package main

import (
	"fmt"
	"go/types"
	"strings"
)

// surface writes down all of a package that its importers can depend on: every type with its methods,
// and the exported functions, variables and constants. Unexported methods count where an interface of
// the package asks for one of that name.
func surface(pkg *types.Package) string {
	var out strings.Builder
	asked := map[string]bool{}
	for _, name := range pkg.Scope().Names() {
		if t, ok := pkg.Scope().Lookup(name).(*types.TypeName); ok {
			if iface, ok := t.Type().Underlying().(*types.Interface); ok {
				for i := range iface.NumMethods() {
					asked[iface.Method(i).Name()] = true
				}
			}
		}
	}
	for _, name := range pkg.Scope().Names() {
		switch obj := pkg.Scope().Lookup(name).(type) {
		case *types.TypeName:
			fmt.Fprintln(&out, types.ObjectString(obj, nil))
			named, ok := obj.Type().(*types.Named)
			if !ok {
				continue
			}
			for i := range named.NumMethods() {
				if method := named.Method(i); method.Exported() || asked[method.Name()] {
					fmt.Fprintln(&out, types.ObjectString(method, nil))
				}
			}
		case *types.Const:
			if obj.Exported() {
				fmt.Fprintln(&out, types.ObjectString(obj, nil), obj.Val().ExactString())
			}
		default:
			if obj.Exported() {
				fmt.Fprintln(&out, types.ObjectString(obj, nil))
			}
		}
	}
	return out.String()
}

// sameSurface tells whether importers of a package see no difference between the view and the disk.
func (v *view) sameSurface(key string) bool {
	meta := v.session.meta.packages[key]
	if meta == nil || v.base == nil {
		return false
	}
	v.base.build(append([]string{key}, v.dependencies(key)...))
	before := v.base.api(key)
	if before == nil {
		return false
	}
	// Its imports are taken from the disk: where one of those changes, the package is dirty as its importer.
	probe := newView(v.session, v.base)
	probe.overlay, probe.touched = v.overlay, v.touched
	defer probe.drop()
	after := probe.checkAPI(probe.parseAPI(meta))
	return after.types != nil && surface(before) == surface(after.types)
}
