package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
)

type visible struct {
	Text   string  `json:"text"`
	Family string  `json:"family"`
	Place  string  `json:"place"`
	Object object  `json:"object"`
	Base   *object `json:"base"`
}

// innermost is the scope at a position; between the declarations of a file it is the file's.
func (q *question) innermost(pos token.Pos) *types.Scope {
	if q.scope == nil {
		return q.body.types.Scope()
	}
	if scope := q.scope.Innermost(pos); scope != nil {
		return scope
	}
	return q.scope
}

// find is what a bare name stands for at the offset, nil if nothing.
func (q *question) find(offset int, name string) types.Object {
	pos := q.pos(offset)
	_, obj := q.innermost(pos).LookupParent(name, pos)
	return obj
}

func (q *question) lookup(offset int, name string) (any, error) {
	obj := q.find(offset, name)
	if obj == nil {
		return nil, nil
	}
	return q.body.describe(obj), nil
}

// visible lists what can be named at the offset and is a context, a struct{} or bool channel, a testing value or a request's context.
func (q *question) visible(offset int) (any, error) {
	pos := q.pos(offset)
	inner := q.source.functionAt(pos)
	found := []visible{}
	innermost := q.innermost(pos)
	for scope := innermost; scope != nil && scope != types.Universe; scope = scope.Parent() {
		var vars []*types.Var
		for _, name := range scope.Names() {
			v, ok := scope.Lookup(name).(*types.Var)
			if !ok {
				continue
			}
			if _, reached := innermost.LookupParent(name, pos); reached == v {
				vars = append(vars, v)
			}
		}
		sort.Slice(vars, func(i, j int) bool { return vars[i].Pos() > vars[j].Pos() })
		var fields []visible
		for _, v := range vars {
			place := q.placeOf(v, inner)
			if f := family(v.Type()); f != "" {
				found = append(found, visible{v.Name(), f, place, q.body.describe(v), nil})
			}
			if method := requestContext(v.Type()); method != nil {
				base := q.body.describe(v)
				found = append(found, visible{v.Name() + ".Context()", "context", "request-" + place, q.body.describe(method), &base})
			}
			if place != "package" {
				fields = append(fields, q.fields(v)...)
			}
		}
		found = append(found, fields...)
	}
	return found, nil
}

// placeOf tells from which function a variable is seen.
func (q *question) placeOf(v *types.Var, inner ast.Node) string {
	if scopeOf(v) == "package" {
		return "package"
	}
	if q.source.functionAt(v.Pos()) != inner {
		return "captured"
	}
	if kind := q.body.kind(v); kind == "param" || kind == "receiver" {
		return "param"
	}
	return "local"
}

// family names the types that visible is about.
func family(t types.Type) string {
	t = types.Unalias(t)
	if named, ok := t.(*types.Named); ok && named.Obj().Pkg() != nil {
		switch named.Obj().Pkg().Path() + "." + named.Obj().Name() {
		case "context.Context":
			return "context"
		case "testing.TB":
			return "testing"
		}
	}
	if pointer, ok := t.(*types.Pointer); ok {
		if named, ok := types.Unalias(pointer.Elem()).(*types.Named); ok && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "testing" {
			switch named.Obj().Name() {
			case "T", "B", "F":
				return "testing"
			}
		}
	}
	if channel, ok := t.Underlying().(*types.Chan); ok && channel.Dir() != types.SendOnly {
		switch element := types.Unalias(channel.Elem()).(type) {
		case *types.Struct:
			if element.NumFields() == 0 {
				return "channel"
			}
		case *types.Basic:
			if element.Kind() == types.Bool {
				return "channel"
			}
		}
	}
	return ""
}

// requestContext is the method Context of an *http.Request or of a gRPC stream, nil for any other type.
func requestContext(t types.Type) *types.Func {
	if pointer, ok := types.Unalias(t).(*types.Pointer); ok {
		named, ok := types.Unalias(pointer.Elem()).(*types.Named)
		if !ok || named.Obj().Pkg() == nil || named.Obj().Pkg().Path()+"."+named.Obj().Name() != "net/http.Request" {
			return nil
		}
	} else if stream, ok := t.Underlying().(*types.Interface); !ok || !hasMethods(stream, "Context", "SendMsg", "RecvMsg") {
		return nil
	}
	method, _, _ := types.LookupFieldOrMethod(t, true, nil, "Context")
	found, ok := method.(*types.Func)
	if !ok {
		return nil
	}
	signature, ok := found.Type().(*types.Signature)
	if !ok || signature.Params().Len() != 0 || signature.Results().Len() != 1 || family(signature.Results().At(0).Type()) != "context" {
		return nil
	}
	return found
}

func hasMethods(t *types.Interface, names ...string) bool {
	for _, name := range names {
		if method, _, _ := types.LookupFieldOrMethod(t, true, nil, name); method == nil {
			return false
		}
	}
	return true
}

// fields lists the fields of a struct variable that v.name reaches, promoted ones included, by depth.
func (q *question) fields(v *types.Var) []visible {
	var found []visible
	names := map[string]bool{}
	seen := map[types.Type]bool{}
	level := []types.Type{v.Type()}
	for len(level) > 0 {
		var next []types.Type
		for _, t := range level {
			t = types.Unalias(t)
			if pointer, ok := t.Underlying().(*types.Pointer); ok {
				t = types.Unalias(pointer.Elem())
			}
			structure, ok := t.Underlying().(*types.Struct)
			if !ok || seen[t] {
				continue
			}
			seen[t] = true
			for i := range structure.NumFields() {
				field := structure.Field(i)
				if field.Embedded() {
					next = append(next, field.Type())
				}
				if f := family(field.Type()); f != "" && !names[field.Name()] && q.reaches(v, field) {
					names[field.Name()] = true
					base := q.body.describe(v)
					found = append(found, visible{v.Name() + "." + field.Name(), f, "field", q.body.describe(field), &base})
				}
			}
		}
		level = next
	}
	return found
}

// reaches tells whether v.name is that field: not hidden, not ambiguous, not unexported elsewhere.
func (q *question) reaches(v *types.Var, field *types.Var) bool {
	obj, _, _ := types.LookupFieldOrMethod(v.Type(), true, q.body.types, field.Name())
	if obj != field {
		return false
	}
	return field.Exported() || field.Pkg().Path() == q.body.types.Path()
}
