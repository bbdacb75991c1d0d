package main

import (
	"go/ast"
	"go/types"
	"sort"
)

type call struct {
	Start         int    `json:"start"`
	End           int    `json:"end"`
	Name          string `json:"name"`
	Kind          string `json:"kind"`
	Object        string `json:"object"`
	ReceiverStart int    `json:"receiver_start"`
	ReceiverEnd   int    `json:"receiver_end"`
	Holder        string `json:"holder"`
	ReturnsError  bool   `json:"returns_error"`
	Statement     string `json:"statement"`
	Literals      []int  `json:"literals"`
}

// calls lists every call in the range, in source order of their starts, outer before inner.
func (q *question) calls(start, end int) []call {
	f := q.source
	f.index()
	calls := []call{}
	from, to := f.pos(start), f.pos(end)
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil || n.End() <= from || n.Pos() >= to {
			return false
		}
		if c, ok := n.(*ast.CallExpr); ok && !q.body.isType(c.Fun) && n.Pos() >= from && n.End() <= to {
			calls = append(calls, q.body.call(f, c))
		}
		return true
	})
	sort.SliceStable(calls, func(i, j int) bool {
		if calls[i].Start != calls[j].Start {
			return calls[i].Start < calls[j].Start
		}
		return calls[i].End > calls[j].End
	})
	return calls
}

func (b *body) call(f *sourceFile, c *ast.CallExpr) call {
	callee := b.callee(c)
	answer := call{Name: callee.name, Kind: callee.kind, ReceiverStart: -1, ReceiverEnd: -1}
	answer.Start, answer.End = f.span(c)
	if callee.object != nil {
		answer.Object = b.identity(callee.object)
		b.view.session.remember(answer.Object, callee.object, b)
	}
	if callee.receiver != nil {
		answer.ReceiverStart, answer.ReceiverEnd = f.span(callee.receiver)
		if holder := b.holder(c, callee.receiver); holder != nil {
			answer.Holder = b.identity(holder)
			b.view.session.remember(answer.Holder, holder, b)
		}
	}
	if signature, ok := b.signature(c.Fun); ok && signature.Results().Len() > 0 {
		last := signature.Results().At(signature.Results().Len() - 1).Type()
		answer.ReturnsError = isError(last)
	}
	parent, _ := f.parent(c)
	switch parent.(type) {
	case *ast.ExprStmt:
		answer.Statement = "expr"
	case *ast.GoStmt:
		answer.Statement = "go"
	case *ast.DeferStmt:
		answer.Statement = "defer"
	}
	_, answer.Literals = f.enclosing(c)
	return answer
}

func isError(t types.Type) bool {
	return types.Identical(types.Unalias(t), types.Universe.Lookup("error").Type())
}

func (b *body) signature(e ast.Expr) (*types.Signature, bool) {
	t := b.typed(e)
	if t == nil {
		return nil, false
	}
	signature, ok := t.Underlying().(*types.Signature)
	return signature, ok
}

type callee struct {
	name     string
	kind     string
	object   types.Object
	receiver ast.Expr
}

// callee is what a call calls, seen through parentheses and instantiation.
func (b *body) callee(c *ast.CallExpr) callee {
	fun := ast.Unparen(c.Fun)
	switch index := fun.(type) {
	case *ast.IndexExpr:
		if b.instantiates(index.X) {
			fun = ast.Unparen(index.X)
		}
	case *ast.IndexListExpr:
		fun = ast.Unparen(index.X)
	}
	var receiver ast.Expr
	var used types.Object
	switch fun := fun.(type) {
	case *ast.FuncLit:
		return callee{kind: "literal"}
	case *ast.Ident:
		used = b.info.Uses[fun]
	case *ast.SelectorExpr:
		used = b.info.Uses[fun.Sel]
		if selection := b.info.Selections[fun]; selection != nil && selection.Kind() == types.MethodVal {
			receiver = fun.X
		}
	default:
		if _, known := b.signature(fun); known {
			return callee{kind: "value"}
		}
	}
	switch used := used.(type) {
	case *types.Builtin:
		return callee{used.Name(), "builtin", used, nil}
	case *types.Func:
		kind := b.kind(used)
		if kind == "func" {
			kind = "function"
		}
		return callee{fullName(used), kind, used, receiver}
	case *types.Var:
		if _, known := b.signature(fun); known {
			return callee{kind: "value", object: used}
		}
		return callee{kind: "unknown", object: used}
	}
	return callee{kind: "unknown"}
}

// holder is the variable or field whose method is called: mu in s.mu.Lock(), the embedded field where the
// method is promoted from one. Nil where the receiver is the value of some other expression.
func (b *body) holder(c *ast.CallExpr, receiver ast.Expr) types.Object {
	selector, ok := ast.Unparen(c.Fun).(*ast.SelectorExpr)
	if !ok {
		return nil
	}
	if selection := b.info.Selections[selector]; selection != nil && len(selection.Index()) > 1 {
		t := selection.Recv()
		var field *types.Var
		for _, i := range selection.Index()[:len(selection.Index())-1] {
			if p, ok := t.Underlying().(*types.Pointer); ok {
				t = p.Elem()
			}
			fields, ok := t.Underlying().(*types.Struct)
			if !ok {
				return nil
			}
			field = fields.Field(i)
			t = field.Type()
		}
		return field
	}
	for {
		switch e := ast.Unparen(receiver).(type) {
		case *ast.Ident:
			return b.variable(e)
		case *ast.SelectorExpr:
			return b.variable(e.Sel)
		case *ast.UnaryExpr: // (&mu).Lock()
			receiver = e.X
			continue
		case *ast.StarExpr:
			receiver = e.X
			continue
		}
		return nil
	}
}

// variable is what an identifier stands for, nil if that is no variable.
func (b *body) variable(name *ast.Ident) types.Object {
	if v, ok := b.info.ObjectOf(name).(*types.Var); ok {
		return v
	}
	return nil
}

func (b *body) instantiates(e ast.Expr) bool {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		_, ok := b.info.Instances[e]
		return ok
	case *ast.SelectorExpr:
		_, ok := b.info.Instances[e.Sel]
		return ok
	}
	return false
}
