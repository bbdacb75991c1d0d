package main

import (
	"go/ast"
	"go/constant"
	"go/types"
)

type result struct {
	Name    string  `json:"name"`
	Type    string  `json:"type"`
	Zero    *string `json:"zero"`
	IsError bool    `json:"is_error"`
}

type function struct {
	Start     int      `json:"start"`
	End       int      `json:"end"`
	BodyStart int      `json:"body_start"`
	BodyEnd   int      `json:"body_end"`
	Kind      string   `json:"kind"`
	Name      string   `json:"name"`
	Object    string   `json:"object"`
	Params    []object `json:"params"`
	Results   []result `json:"results"`
	Started   string   `json:"started"`
	Callee    string   `json:"callee"`
	Variable  string   `json:"variable"`
}

// functions lists the functions around an offset, innermost first.
func (q *question) functions(offset int) (any, error) {
	functions := []function{}
	chain := q.source.functionsAt(q.pos(offset))
	for i := len(chain) - 1; i >= 0; i-- {
		functions = append(functions, q.function(chain[i], offset))
	}
	return functions, nil
}

func (q *question) function(node ast.Node, offset int) function {
	f, b := q.source, q.body
	f.index()
	var fn function
	fn.Params, fn.Results = []object{}, []result{}
	fn.Start, fn.End = f.span(node)
	var block *ast.BlockStmt
	var signature *types.Signature
	switch node := node.(type) {
	case *ast.FuncDecl:
		fn.Kind, fn.Name, block = "declaration", declName(node), node.Body
		if obj, ok := b.info.Defs[node.Name].(*types.Func); ok {
			fn.Object = b.identity(obj)
			b.view.session.remember(fn.Object, obj, b)
			signature = obj.Type().(*types.Signature)
		}
	case *ast.FuncLit:
		fn.Kind, block = "literal", node.Body
		signature, _ = b.signature(node)
		q.started(node, &fn)
	}
	fn.BodyStart, fn.BodyEnd = -1, -1
	if block != nil {
		fn.BodyStart, fn.BodyEnd = f.span(block)
	}
	if signature == nil {
		return fn
	}
	for i := range signature.Params().Len() {
		fn.Params = append(fn.Params, b.describe(signature.Params().At(i)))
	}
	for i := range signature.Results().Len() {
		v := signature.Results().At(i)
		text, _ := typeTexts(v.Type())
		fn.Results = append(fn.Results, result{v.Name(), text, q.zero(v.Type(), offset), isError(v.Type())})
	}
	return fn
}

// started tells what becomes of a function literal.
func (q *question) started(lit *ast.FuncLit, fn *function) {
	f, b := q.source, q.body
	fn.Started = "other"
	parent, use := f.parent(lit)
	assigned := func(target ast.Expr) {
		fn.Started = "assigned"
		var ident *ast.Ident
		switch t := ast.Unparen(target).(type) {
		case *ast.Ident:
			ident = t
		case *ast.SelectorExpr:
			ident = t.Sel
		default:
			return
		}
		for _, o := range b.named(b.standsFor(f, ident)) {
			fn.Variable = o.id
		}
	}
	switch p := parent.(type) {
	case *ast.CallExpr:
		switch {
		case b.isType(p.Fun):
		case p.Fun == use:
			fn.Started = "call"
			statement, _ := f.parent(p)
			switch statement.(type) {
			case *ast.GoStmt:
				fn.Started = "go"
			case *ast.DeferStmt:
				fn.Started = "defer"
			}
		default:
			fn.Started = "argument"
			fn.Callee = b.callee(p).name
		}
	case *ast.AssignStmt:
		for i, rhs := range p.Rhs {
			if rhs == use && len(p.Lhs) == len(p.Rhs) {
				assigned(p.Lhs[i])
			}
		}
	case *ast.ValueSpec:
		for i, value := range p.Values {
			if value == use && i < len(p.Names) {
				assigned(p.Names[i])
			}
		}
	case *ast.KeyValueExpr:
		if key, ok := p.Key.(*ast.Ident); ok && p.Value == use {
			if v, ok := b.info.Uses[key].(*types.Var); ok && v.IsField() {
				assigned(key)
			}
		}
	}
}

type expression struct {
	Type       string  `json:"type"`
	Underlying string  `json:"underlying"`
	Constant   *string `json:"constant"`
	Written    *string `json:"written"`
	Closes     bool    `json:"closes"`
}

// expr is the type and constant value of the expression that spans exactly the range, nil if none does.
func (q *question) expr(start, end int) *expression {
	return q.exprs([][2]int{{start, end}})[0]
}

func (q *question) exprs(spans [][2]int) []*expression {
	answers := make([]*expression, len(spans))
	for i, span := range spans {
		if e := q.source.expression(span[0], span[1]); e != nil {
			answers[i] = q.expression(e)
		}
	}
	return answers
}

// expression is the outermost expression with exactly this range.
func (f *sourceFile) expression(start, end int) ast.Expr {
	f.index()
	from := f.pos(start)
	var found ast.Expr
	ast.Inspect(f.tree, func(n ast.Node) bool {
		if n == nil || found != nil || n.Pos() > from || n.End() < from {
			return false
		}
		if e, ok := n.(ast.Expr); ok && n.Pos() == from && f.end(n) == end {
			if _, pair := e.(*ast.KeyValueExpr); !pair {
				found = e
				return false
			}
		}
		return true
	})
	return found
}

func (q *question) expression(e ast.Expr) *expression {
	b, answer := q.body, &expression{}
	t := b.valueOf(e)
	answer.Type, answer.Underlying = typeTexts(t)
	if answer.Type != "" {
		s := &speller{q: q, offset: q.source.offset(e.Pos())}
		if text, ok := s.spell(t); ok {
			answer.Written = &text
		}
		answer.Closes = closes(t)
	}
	if tv, ok := b.info.Types[e]; ok {
		answer.Constant = exact(tv.Value)
	} else if ident := nameOf(e); ident != nil {
		if c, ok := b.info.ObjectOf(ident).(*types.Const); ok {
			answer.Constant = exact(c.Val())
		}
	}
	return answer
}

// valueOf is the type of an expression; where it is used as in v, ok := <-ch, that of v.
func (b *body) valueOf(e ast.Expr) types.Type {
	t := b.typed(e)
	if pair, ok := t.(*types.Tuple); ok && pair.Len() == 2 {
		if _, call := ast.Unparen(e).(*ast.CallExpr); !call {
			return pair.At(0).Type()
		}
	}
	return t
}

// closes tells whether a value of the type, one of its elements or a field of its struct has a method Close.
func closes(t types.Type) bool {
	switch u := t.Underlying().(type) {
	case *types.Slice:
		t = u.Elem()
	case *types.Array:
		t = u.Elem()
	case *types.Map:
		t = u.Elem()
	}
	if hasClose(t) {
		return true
	}
	if p, ok := t.Underlying().(*types.Pointer); ok {
		t = p.Elem()
	}
	if s, ok := t.Underlying().(*types.Struct); ok {
		for i := range s.NumFields() {
			if hasClose(s.Field(i).Type()) {
				return true
			}
		}
	}
	return false
}

func hasClose(t types.Type) bool {
	method, _, _ := types.LookupFieldOrMethod(t, true, nil, "Close")
	f, ok := method.(*types.Func)
	return ok && f.Type().(*types.Signature).Params().Len() == 0
}

func nameOf(e ast.Expr) *ast.Ident {
	switch e := ast.Unparen(e).(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	}
	return nil
}

func exact(value constant.Value) *string {
	if value == nil || value.Kind() == constant.Unknown {
		return nil
	}
	text := value.ExactString()
	return &text
}
