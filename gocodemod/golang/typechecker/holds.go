package main

import "go/types"

// holds tells, for each value of the expression that spans exactly the range (a call may have several),
// what in its type can refer to something that goes on living: the first interface, channel, function or
// unsafe pointer in it. "" is plain data: numbers, strings, errors, and what is made of them; "?" is unknown.
func (q *question) holds(start, end int) []string {
	e := q.source.expression(start, end)
	if e == nil {
		return []string{}
	}
	t := q.body.typed(e)
	if t == nil || invalid(t, nil) {
		return []string{"?"}
	}
	tuple, several := t.(*types.Tuple)
	if !several {
		return []string{alive(t, map[types.Type]bool{})}
	}
	answers := []string{}
	for i := range tuple.Len() {
		answers = append(answers, alive(tuple.At(i).Type(), map[types.Type]bool{}))
	}
	return answers
}

// alive is the first constituent of a type that is not plain data.
func alive(t types.Type, seen map[types.Type]bool) string {
	t = unalias(t)
	if seen[t] || isError(t) {
		return ""
	}
	seen[t] = true
	switch u := t.Underlying().(type) {
	case *types.Basic:
		if u.Kind() == types.UnsafePointer || u.Kind() == types.Uintptr {
			return types.TypeString(t, nil)
		}
	case *types.Pointer:
		return alive(u.Elem(), seen)
	case *types.Slice:
		return alive(u.Elem(), seen)
	case *types.Array:
		return alive(u.Elem(), seen)
	case *types.Map:
		if key := alive(u.Key(), seen); key != "" {
			return key
		}
		return alive(u.Elem(), seen)
	case *types.Struct:
		if isMessage(u) {
			return ""
		}
		for i := range u.NumFields() {
			if field := alive(u.Field(i).Type(), seen); field != "" {
				return field
			}
		}
	default: // interfaces, type parameters among them; channels; functions
		if i, ok := t.(*types.Interface); ok && i.Empty() {
			return "any" // as go/types writes it up to Go 1.26; Go 1.27 has interface{}
		}
		return types.TypeString(t, nil)
	}
	return ""
}

// isMessage tells whether a struct is a message that protoc-gen-go made. Its bookkeeping refers to type
// descriptions only, and its oneof fields, interfaces by type, hold other messages.
func isMessage(s *types.Struct) bool {
	for i := range s.NumFields() {
		named, ok := unalias(s.Field(i).Type()).(*types.Named)
		if ok && named.Obj().Name() == "MessageState" && named.Obj().Pkg() != nil && named.Obj().Pkg().Path() == "google.golang.org/protobuf/internal/impl" {
			return true
		}
	}
	return false
}
