package main

import (
	"go/ast"
	"go/token"
	"go/types"
	"sort"
)

type ref struct {
	Object     string `json:"object"`
	Name       string `json:"name"`
	Path       string `json:"path"`
	Start      int    `json:"start"`
	End        int    `json:"end"`
	OuterStart int    `json:"outer_start"`
	OuterEnd   int    `json:"outer_end"`
	Role       string `json:"role"`
	Selected   string `json:"selected"`
	ValueStart int    `json:"value_start"`
	ValueEnd   int    `json:"value_end"`
	ValueIndex int    `json:"value_index"`
	Leaves     bool   `json:"leaves"`
	InLoop     bool   `json:"in_loop"`
	Function   string `json:"function"`
	Literals   []int  `json:"literals"`
}

// refs lists every identifier in the range, in source order.
func (q *question) refs(start, end int) []ref {
	q.source.index()
	idents := q.source.idents
	first := sort.Search(len(idents), func(i int) bool { return q.source.offset(idents[i].Pos()) >= start })
	refs := []ref{}
	for _, ident := range idents[first:] {
		if q.source.offset(ident.End()) > end {
			break
		}
		for _, o := range q.body.named(q.body.standsFor(q.source, ident)) {
			refs = append(refs, q.body.ref(o))
		}
	}
	return refs
}

func (b *body) ref(o *occurrence) ref {
	f, ident := o.source, o.ident
	r := ref{Object: o.id, Name: ident.Name, Path: f.path, Role: "read", ValueStart: -1, ValueEnd: -1, ValueIndex: -1, Literals: []int{}}
	r.Start = f.offset(ident.Pos())
	r.End = f.offset(ident.End())
	outer := f.outer(ident)
	r.OuterStart, r.OuterEnd = f.span(outer)
	b.role(f, o, outer, &r)
	r.Function, r.Literals = f.enclosing(ident)
	r.InLoop = f.inLoop(ident)
	return r
}

// outer is the longest selector expression that ends with the identifier, parentheses included.
func (f *sourceFile) outer(ident *ast.Ident) ast.Node {
	var outer ast.Node = ident
	for {
		switch p := f.parents[outer].(type) {
		case *ast.ParenExpr:
			outer = p
			continue
		case *ast.SelectorExpr:
			if p.Sel == outer {
				outer = p
				continue
			}
		}
		return outer
	}
}

// enclosing names the function declaration around a node and the literals between them, outermost first.
func (f *sourceFile) enclosing(node ast.Node) (string, []int) {
	literals := []int{}
	for n := f.parents[node]; n != nil; n = f.parents[n] {
		switch n := n.(type) {
		case *ast.FuncLit:
			literals = append([]int{f.offset(n.Pos())}, literals...)
		case *ast.FuncDecl:
			return declName(n), literals
		}
	}
	return "", literals
}

// inLoop tells whether a loop of the same function is around a node.
func (f *sourceFile) inLoop(node ast.Node) bool {
	for n := f.parents[node]; n != nil; n = f.parents[n] {
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			return true
		case *ast.FuncLit, *ast.FuncDecl:
			return false
		}
	}
	return false
}

// declName is T.Method for methods.
func declName(decl *ast.FuncDecl) string {
	if decl.Recv == nil || len(decl.Recv.List) == 0 {
		return decl.Name.Name
	}
	t := decl.Recv.List[0].Type
	for {
		switch x := t.(type) {
		case *ast.ParenExpr:
			t = x.X
		case *ast.StarExpr:
			t = x.X
		case *ast.IndexExpr:
			t = x.X
		case *ast.IndexListExpr:
			t = x.X
		case *ast.Ident:
			return x.Name + "." + decl.Name.Name
		default:
			return decl.Name.Name
		}
	}
}

// role fills in how the outer expression is used.
func (b *body) role(f *sourceFile, o *occurrence, outer ast.Node, r *ref) {
	parent, use := f.parent(outer)
	if _, instance := b.info.Instances[o.ident]; instance {
		// f[int](x): the instantiation is used as f is.
		switch p := parent.(type) {
		case *ast.IndexExpr:
			if p.X == use {
				parent, use = f.parent(p)
			}
		case *ast.IndexListExpr:
			if p.X == use {
				parent, use = f.parent(p)
			}
		}
	}
	value := func(values []ast.Expr, index, targets int) {
		switch {
		case len(values) == targets:
			r.ValueStart, r.ValueEnd = f.span(values[index])
			r.ValueIndex = 0
		case len(values) == 1:
			r.ValueStart, r.ValueEnd = f.span(values[0])
			r.ValueIndex = index
		}
	}
	switch p := parent.(type) {
	case *ast.SelectorExpr:
		r.Role, r.Selected = "base", p.Sel.Name
		if receive := b.doneReceive(f, p); receive != nil {
			b.receiveRole(f, receive, r)
		}
	case *ast.UnaryExpr:
		switch p.Op {
		case token.ARROW:
			b.receiveRole(f, p, r)
		case token.AND:
			r.Role = "address"
		}
	case *ast.CallExpr:
		b.callRole(f, p, use, r)
	case *ast.SendStmt:
		if p.Chan == use {
			r.Role = "send"
		}
	case *ast.RangeStmt:
		switch {
		case p.X == use:
			r.Role = "range"
		case p.Tok == token.DEFINE && f.parents[o.ident] == p:
			r.Role = "define"
		case p.Key == use || p.Value == use:
			r.Role = "assign"
		}
	case *ast.AssignStmt:
		for i, lhs := range p.Lhs {
			if lhs != use {
				continue
			}
			switch _, defines := b.info.Defs[o.ident]; {
			case p.Tok == token.DEFINE && defines:
				r.Role = "define"
			case p.Tok == token.DEFINE || p.Tok == token.ASSIGN:
				r.Role = "assign"
			default:
				r.Role = "update"
				return
			}
			value(p.Rhs, i, len(p.Lhs))
		}
	case *ast.IncDecStmt:
		r.Role = "update"
	case *ast.ValueSpec:
		for i, name := range p.Names {
			if name == use {
				r.Role = "define"
				value(p.Values, i, len(p.Names))
			}
		}
	case *ast.Field:
		for _, name := range p.Names {
			if name == use {
				r.Role = "declare"
			}
		}
		if v, ok := o.object.(*types.Var); ok && v.IsField() {
			r.Role = "declare" // an embedded field
		}
	case *ast.FuncDecl:
		r.Role = "declare"
	case *ast.TypeSpec:
		if p.Name == use {
			r.Role = "declare"
		}
	case *ast.ImportSpec, *ast.LabeledStmt:
		r.Role = "declare"
	case *ast.KeyValueExpr:
		if v, ok := o.object.(*types.Var); ok && p.Key == use && v.IsField() {
			r.Role = "key"
			value([]ast.Expr{p.Value}, 0, 1)
		}
	case *ast.ReturnStmt:
		r.Role = "return"
	case *ast.BinaryExpr:
		switch p.Op {
		case token.EQL, token.NEQ, token.LSS, token.LEQ, token.GTR, token.GEQ:
			r.Role = "compare"
		}
	}
}

func (b *body) callRole(f *sourceFile, call *ast.CallExpr, use ast.Node, r *ref) {
	if b.isType(call.Fun) {
		return // a conversion reads its operand
	}
	if call.Fun != use {
		r.Role = "argument"
		if fun, ok := ast.Unparen(call.Fun).(*ast.Ident); ok {
			if builtin, ok := b.info.Uses[fun].(*types.Builtin); ok && builtin.Name() == "close" {
				r.Role = "close"
			}
		}
		return
	}
	if selector, ok := ast.Unparen(call.Fun).(*ast.SelectorExpr); ok {
		if receive := b.doneReceive(f, selector); receive != nil {
			b.receiveRole(f, receive, r)
			return
		}
	}
	parent, child := f.parent(call)
	if len(call.Args) == 0 {
		// What a method returns may be waited for in place: <-s.Stopping(), <-r.Context().Done().
		switch p := parent.(type) {
		case *ast.UnaryExpr:
			if p.Op == token.ARROW {
				b.receiveRole(f, p, r)
				return
			}
		case *ast.SelectorExpr:
			if p.X == child && isContext(b.typed(call)) {
				r.Selected = p.Sel.Name
				if receive := b.doneReceive(f, p); receive != nil {
					b.receiveRole(f, receive, r)
					return
				}
			}
		}
	}
	switch parent.(type) {
	case *ast.GoStmt:
		r.Role = "go-call"
	case *ast.DeferStmt:
		r.Role = "defer-call"
	default:
		r.Role = "call"
	}
}

func (b *body) isType(e ast.Expr) bool {
	tv, ok := b.info.Types[e]
	return ok && tv.IsType()
}

// doneReceive is the receive of <-x.Done() where x is a context, nil for any other use of a selector.
func (b *body) doneReceive(f *sourceFile, selector *ast.SelectorExpr) *ast.UnaryExpr {
	if selector.Sel.Name != "Done" {
		return nil
	}
	parent, child := f.parent(selector)
	call, ok := parent.(*ast.CallExpr)
	if !ok || call.Fun != child || len(call.Args) > 0 {
		return nil
	}
	parent, _ = f.parent(call)
	receive, ok := parent.(*ast.UnaryExpr)
	if !ok || receive.Op != token.ARROW || !isContext(b.typed(selector.X)) {
		return nil
	}
	return receive
}

// isContext tells whether a type has the four methods of context.Context.
func isContext(t types.Type) bool {
	if t == nil {
		return false
	}
	for _, name := range []string{"Deadline", "Done", "Err", "Value"} {
		if method, _, _ := types.LookupFieldOrMethod(t, true, nil, name); method == nil {
			return false
		} else if _, ok := method.(*types.Func); !ok {
			return false
		}
	}
	return true
}

func (b *body) receiveRole(f *sourceFile, receive *ast.UnaryExpr, r *ref) {
	r.Role = "receive"
	clause := f.commClause(receive)
	if clause != nil {
		r.Role = "select-receive"
		r.Leaves = len(clause.Body) > 0 && b.leaves(f, clause.Body[len(clause.Body)-1])
		return
	}
	r.Leaves = b.leavesAfter(f, receive)
}

// commClause is the select clause that waits for exactly this receive.
func (f *sourceFile) commClause(receive *ast.UnaryExpr) *ast.CommClause {
	statement, _ := f.parent(receive)
	switch s := statement.(type) {
	case *ast.ExprStmt, *ast.AssignStmt:
		if clause, ok := f.parents[s].(*ast.CommClause); ok && clause.Comm == s {
			return clause
		}
	}
	return nil
}
