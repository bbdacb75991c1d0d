package main

import (
	"go/ast"
	"go/token"
)

// outward cuts a package's trees down to what its importers can come upon: exported declarations, every method of the types
// that are left, interfaces (a value may turn out to be one), and what those name. Bodies are empty already. What the rest
// alone imported need not be loaded: of a large program's dependencies that is the greater part.
func outward(trees []*ast.File) {
	c := &cut{byName: map[string][]ast.Node{}, methods: map[string][]*ast.FuncDecl{}, kept: map[ast.Node]bool{}}
	for _, tree := range trees {
		for _, decl := range tree.Decls {
			c.enter(decl)
		}
	}
	for len(c.queue) > 0 {
		node := c.queue[len(c.queue)-1]
		c.queue = c.queue[:len(c.queue)-1]
		ast.Inspect(node, func(n ast.Node) bool {
			if ident, ok := n.(*ast.Ident); ok {
				c.need(ident.Name)
			}
			return true
		})
	}
	for _, tree := range trees {
		tree.Decls = c.left(tree.Decls)
	}
}

// A cut knows a package's declarations by name, and those that stay.
type cut struct {
	byName  map[string][]ast.Node
	methods map[string][]*ast.FuncDecl
	kept    map[ast.Node]bool
	queue   []ast.Node
}

func (c *cut) enter(decl ast.Decl) {
	switch decl := decl.(type) {
	case *ast.FuncDecl:
		if decl.Recv != nil {
			if name := receiverName(decl); name != "" {
				c.methods[name] = append(c.methods[name], decl)
			} else {
				c.keep(decl)
			}
			return
		}
		c.name(decl.Name, decl)
	case *ast.GenDecl:
		for _, spec := range decl.Specs {
			switch spec := spec.(type) {
			case *ast.TypeSpec:
				c.name(spec.Name, spec)
				if mayBeInterface(spec.Type) {
					c.need(spec.Name.Name)
				}
			case *ast.ValueSpec:
				if decl.Tok == token.CONST {
					// Those of a group count on each other.
					c.keep(spec)
					continue
				}
				if spec.Type != nil {
					spec.Values = nil
				}
				for _, value := range spec.Values {
					empty(value)
				}
				for _, name := range spec.Names {
					c.name(name, spec)
				}
			default:
				c.keep(spec)
			}
		}
	default:
		c.keep(decl)
	}
}

func (c *cut) name(ident *ast.Ident, node ast.Node) {
	c.byName[ident.Name] = append(c.byName[ident.Name], node)
	if ident.IsExported() {
		c.need(ident.Name)
	}
}

// need keeps whatever has the name. That a name inside a declaration may mean something else only keeps too much.
func (c *cut) need(name string) {
	if name == "_" {
		return
	}
	for _, node := range c.byName[name] {
		c.keep(node)
	}
	for _, method := range c.methods[name] {
		c.keep(method)
	}
}

func (c *cut) keep(node ast.Node) {
	if !c.kept[node] {
		c.kept[node] = true
		c.queue = append(c.queue, node)
	}
}

func (c *cut) left(decls []ast.Decl) []ast.Decl {
	var left []ast.Decl
	for _, decl := range decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok {
			if c.kept[decl] {
				left = append(left, decl)
			}
			continue
		}
		var specs []ast.Spec
		for _, spec := range group.Specs {
			if c.kept[spec] {
				specs = append(specs, spec)
			}
		}
		if group.Specs = specs; len(specs) > 0 {
			left = append(left, group)
		}
	}
	return left
}

// receiverName is the name of the type that a method belongs to.
func receiverName(f *ast.FuncDecl) string {
	if len(f.Recv.List) != 1 {
		return ""
	}
	e := f.Recv.List[0].Type
	for {
		switch t := e.(type) {
		case *ast.StarExpr:
			e = t.X
		case *ast.ParenExpr:
			e = t.X
		case *ast.IndexExpr:
			e = t.X
		case *ast.IndexListExpr:
			e = t.X
		case *ast.Ident:
			return t.Name
		default:
			return ""
		}
	}
}

// mayBeInterface tells whether a declared type is an interface, or may be another name for one.
func mayBeInterface(e ast.Expr) bool {
	switch e := e.(type) {
	case *ast.StructType, *ast.FuncType, *ast.MapType, *ast.ArrayType, *ast.ChanType, *ast.StarExpr:
		return false
	case *ast.ParenExpr:
		return mayBeInterface(e.X)
	}
	return true
}

// empty drops what does not bear on the type of a value: the elements of composite literals whose type says all, the bodies
// of function literals.
func empty(e ast.Expr) {
	ast.Inspect(e, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.FuncLit:
			n.Body = &ast.BlockStmt{Lbrace: n.Body.Lbrace, Rbrace: n.Body.Rbrace}
		case *ast.CompositeLit:
			if array, ok := n.Type.(*ast.ArrayType); n.Type != nil && !(ok && counted(array)) {
				n.Elts = nil
			}
		}
		return true
	})
}

// counted tells whether an array's length is that of its literal.
func counted(array *ast.ArrayType) bool {
	_, dots := array.Len.(*ast.Ellipsis)
	return dots
}

// imported drops the imports that a tree does not name any more, and returns the paths of the others. called: the name
// of the package of a path, "" if it is not known.
func imported(tree *ast.File, called func(path string) string) []string {
	names := map[string]bool{}
	for _, decl := range tree.Decls {
		if group, ok := decl.(*ast.GenDecl); ok && group.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(decl, func(n ast.Node) bool {
			if ident, ok := n.(*ast.Ident); ok {
				names[ident.Name] = true
			}
			return true
		})
	}
	var paths []string
	var left []ast.Decl
	for _, decl := range tree.Decls {
		group, ok := decl.(*ast.GenDecl)
		if !ok || group.Tok != token.IMPORT {
			left = append(left, decl)
			continue
		}
		var specs []ast.Spec
		for _, spec := range group.Specs {
			one := spec.(*ast.ImportSpec)
			path := importPath(one)
			name := called(path)
			if one.Name != nil {
				name = one.Name.Name
			}
			if name == "" || name == "." || names[name] {
				specs = append(specs, spec)
				paths = append(paths, path)
			}
		}
		if group.Specs = specs; len(specs) > 0 {
			left = append(left, group)
		}
	}
	tree.Decls = left
	return paths
}
