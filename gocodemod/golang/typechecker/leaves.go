package main

import (
	"go/ast"
	"go/token"
	"strings"
)

// leavesAfter tells whether the statements after the one that holds the node leave the function or a loop.
func (b *body) leavesAfter(f *sourceFile, node ast.Node) bool {
	for child, parent := node, f.parents[node]; parent != nil; child, parent = parent, f.parents[parent] {
		var list []ast.Stmt
		switch p := parent.(type) {
		case *ast.BlockStmt:
			list = p.List
		case *ast.CaseClause:
			list = p.Body
		case *ast.CommClause:
			list = p.Body
		default:
			continue
		}
		statement, ok := child.(ast.Stmt)
		if !ok {
			continue
		}
		if _, returns := statement.(*ast.ReturnStmt); returns {
			return true
		}
		at := 0
		for at < len(list) && list[at] != statement {
			at++
		}
		if at == len(list) {
			continue
		}
		for _, later := range list[at+1:] {
			if b.leaves(f, later) {
				return true
			}
		}
		switch f.parents[parent].(type) {
		case *ast.FuncDecl, *ast.FuncLit:
			return at == len(list)-1
		}
		return false
	}
	return false
}

// leaves tells whether a statement ends the function, the process or an enclosing loop.
func (b *body) leaves(f *sourceFile, statement ast.Stmt) bool {
	switch s := statement.(type) {
	case *ast.ReturnStmt:
		return true
	case *ast.BranchStmt:
		return s.Tok == token.GOTO || (s.Tok == token.BREAK && f.breaksLoop(s))
	case *ast.ExprStmt:
		call, ok := ast.Unparen(s.X).(*ast.CallExpr)
		return ok && neverReturnsName(b.callee(call).name)
	case *ast.BlockStmt:
		return len(s.List) > 0 && b.leaves(f, s.List[len(s.List)-1])
	case *ast.LabeledStmt:
		return b.leaves(f, s.Stmt)
	case *ast.IfStmt:
		return s.Else != nil && b.leaves(f, s.Body) && b.leaves(f, s.Else)
	}
	return false
}

// neverReturnsName goes by the last element for loggers and tests: every package with a Fatal means
// the end of the process or the test by it. Skip means that in package testing only.
func neverReturnsName(full string) bool {
	switch full {
	case "panic", "os.Exit", "runtime.Goexit":
		return true
	}
	switch full[strings.LastIndexByte(full, '.')+1:] {
	case "Fatal", "Fatalf", "Fatalln", "FailNow", "Panic", "Panicf", "Panicln":
		return true
	case "SkipNow", "Skip", "Skipf":
		return strings.HasPrefix(full, "(*testing.") || strings.HasPrefix(full, "(testing.")
	}
	return false
}

// breaksLoop tells whether a break ends a loop, not just a switch or select.
func (f *sourceFile) breaksLoop(s *ast.BranchStmt) bool {
	for n := f.parents[s]; n != nil; n = f.parents[n] {
		loop := false
		switch n.(type) {
		case *ast.ForStmt, *ast.RangeStmt:
			loop = true
		case *ast.SwitchStmt, *ast.TypeSwitchStmt, *ast.SelectStmt:
		default:
			continue
		}
		if s.Label == nil {
			return loop
		}
		if label, ok := f.parents[n].(*ast.LabeledStmt); ok && label.Label.Name == s.Label.Name {
			return loop
		}
	}
	return false
}
