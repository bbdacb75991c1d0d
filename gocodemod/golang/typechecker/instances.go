package main

import (
	"go/ast"
	"go/types"
	"strings"
)

// An instancesAnswer is what all packages of the main modules, tests included, do with the values of one struct type.
// literals: composite literals. zero: where its zero value comes to be, or may. copied, compared: as in structAnswer.
// embedded: as a field without a name, by pointer too. measured: its layout is looked at (unsafe, conversions).
// unloaded: files of other build configurations that may use it.
type instancesAnswer struct {
	Literals []instanceLiteral `json:"literals"`
	Zero     []instanceUse     `json:"zero"`
	Copied   []place           `json:"copied"`
	Compared []place           `json:"compared"`
	Embedded []place           `json:"embedded"`
	Measured []place           `json:"measured"`
	Unloaded []string          `json:"unloaded"`
}

// An instanceLiteral is one composite literal: Start and End are its braces. Keyed: with field names, or empty.
// Outside: in another package.
type instanceLiteral struct {
	Path    string `json:"path"`
	Start   int    `json:"start"`
	End     int    `json:"end"`
	Keyed   bool   `json:"keyed"`
	Outside bool   `json:"outside"`
}

type instanceUse struct {
	Path  string `json:"path"`
	Start int    `json:"start"`
	How   string `json:"how"`
}

// instances looks for the values of a struct type of a main module in all packages that import the one that declares it.
func (s *session) instances(id string) (any, error) {
	declaring, name, err := s.declaredBy(id)
	if err != nil {
		return nil, err
	}
	answer := &instancesAnswer{
		Literals: []instanceLiteral{}, Zero: []instanceUse{}, Copied: []place{}, Compared: []place{},
		Embedded: []place{}, Measured: []place{}, Unloaded: []string{},
	}
	keys := s.importing(declaring, func(*packageMeta) bool { return true })
	s.current.prepare(keys)
	i := &instancer{answer: answer, seen: map[place]bool{}}
	for _, key := range keys {
		b := s.current.body(key)
		owner := ownerIn(b, declaring.path, name)
		if owner == nil || b.identity(owner) != id {
			continue
		}
		i.look(b, owner)
	}
	for _, file := range s.unloadedFiles() {
		if file.mentions(declaring, name, map[string]bool{declaring.path: true}) {
			answer.Unloaded = append(answer.Unloaded, file.path)
		}
	}
	return answer, nil
}

// ownerIn is the type's name as a package sees it that declares it or imports the package that does.
func ownerIn(b *body, path, name string) *types.TypeName {
	for _, p := range append([]*types.Package{b.types}, b.types.Imports()...) {
		if withoutVariant(p.Path()) == path {
			if found, ok := p.Scope().Lookup(name).(*types.TypeName); ok {
				return found
			}
		}
	}
	return nil
}

// An instancer looks at one package after the other; files that two variants of a package hold are looked at once.
type instancer struct {
	answer *instancesAnswer
	keeper *keeper
	seen   map[place]bool
}

func (i *instancer) look(b *body, owner *types.TypeName) {
	for _, source := range b.sources {
		file := place{source.path, -1}
		if i.seen[file] {
			continue
		}
		i.seen[file] = true
		source.index()
		found := &structAnswer{}
		i.keeper = &keeper{body: b, owner: owner, source: source, answer: found}
		ast.Inspect(source.tree, func(n ast.Node) bool {
			i.keeper.visit(n)
			i.visit(n)
			return true
		})
		i.answer.Copied = append(i.answer.Copied, found.Copied...)
		i.answer.Compared = append(i.answer.Compared, found.Compared...)
	}
}

func (i *instancer) visit(n ast.Node) {
	k := i.keeper
	switch n := n.(type) {
	case *ast.CompositeLit:
		if t := k.body.typed(n); t != nil && k.isOwner(t) {
			keyed := len(n.Elts) == 0
			if !keyed {
				_, keyed = n.Elts[0].(*ast.KeyValueExpr)
			}
			i.answer.Literals = append(i.answer.Literals, instanceLiteral{
				k.source.path, k.source.offset(n.Lbrace), k.source.offset(n.Rbrace) + 1, keyed, k.body.types != k.owner.Pkg(),
			})
		}
	case *ast.Field:
		if len(n.Names) == 0 && i.inStruct(n) && k.isOwner(k.body.typed(n.Type)) {
			k.add(&i.answer.Embedded, n)
		}
	case *ast.CallExpr:
		i.call(n)
	case *ast.Ident:
		if instance, ok := k.body.info.Instances[n]; ok && !i.atomicPointer(n) {
			for j := range instance.TypeArgs.Len() {
				if k.holds(instance.TypeArgs.At(j), nil) {
					i.zero(n, "as a type argument")
				}
			}
		}
	}
	if e, ok := n.(ast.Expr); ok {
		if tv, known := k.body.info.Types[e]; known && tv.IsType() && i.bare(tv.Type) {
			i.written(e)
		}
	}
}

func (i *instancer) bare(t types.Type) bool {
	named, ok := unalias(t).(*types.Named)
	return ok && named.Origin().Obj() == i.keeper.owner
}

func (i *instancer) inStruct(field *ast.Field) bool {
	list, _ := i.keeper.source.parents[field].(*ast.FieldList)
	_, ok := i.keeper.source.parents[list].(*ast.StructType)
	return ok
}

// atomicPointer: atomic.Pointer[T] holds a *T, whatever else a type argument may be good for.
func (i *instancer) atomicPointer(n *ast.Ident) bool {
	used := i.keeper.body.info.Uses[n]
	return used != nil && used.Pkg() != nil && used.Pkg().Path() == "sync/atomic" && used.Name() == "Pointer"
}

// comparers look at every field of what they are given, behind pointers, too.
var comparers = map[string]bool{
	"DeepEqual": true, "DeepEquals": true, "Equal": true, "EqualValues": true, "EqualExportedValues": true, "Equals": true,
	"Exactly": true, "NotEqual": true, "ObjectsAreEqual": true, "Diff": true, "Equalf": true, "Contains": true, "ElementsMatch": true,
}

// call: what looks at the layout of a value, which one more field changes, or at all its fields.
func (i *instancer) call(n *ast.CallExpr) {
	k := i.keeper
	used, ok := k.body.info.Uses[identOf(ast.Unparen(n.Fun))]
	if !ok || used.Pkg() == nil {
		return
	}
	if used.Pkg() == types.Unsafe && i.among(n.Args, k.isOwner) {
		k.add(&i.answer.Measured, n)
	}
	if _, function := used.(*types.Func); function && comparers[used.Name()] {
		for _, argument := range n.Args {
			if t := k.body.typed(argument); t != nil && k.isOwner(t) {
				k.add(&i.answer.Compared, argument)
			}
		}
	}
}

// among tells whether some part of the arguments has a type that fits.
func (i *instancer) among(arguments []ast.Expr, fits func(types.Type) bool) bool {
	found := false
	for _, argument := range arguments {
		ast.Inspect(argument, func(m ast.Node) bool {
			if e, ok := m.(ast.Expr); ok {
				t := i.keeper.body.typed(e)
				found = found || (t != nil && fits(t))
			}
			return !found
		})
	}
	return found
}

func identOf(e ast.Expr) *ast.Ident {
	switch e := e.(type) {
	case *ast.Ident:
		return e
	case *ast.SelectorExpr:
		return e.Sel
	}
	return nil
}

func (i *instancer) zero(n ast.Node, how string) {
	source := i.keeper.source
	i.answer.Zero = append(i.answer.Zero, instanceUse{source.path, source.offset(n.Pos()), how})
}

// written looks at the bare name of the type, where it is written: what makes values without their fields?
func (i *instancer) written(e ast.Expr) {
	k := i.keeper
	var parent, child ast.Node = k.source.parents[e], e
	for {
		if paren, ok := parent.(*ast.ParenExpr); ok {
			parent, child = k.source.parents[paren], paren
			continue
		}
		break
	}
	switch p := parent.(type) {
	case *ast.StarExpr, *ast.CompositeLit, *ast.IndexExpr, *ast.IndexListExpr, *ast.SelectorExpr:
		// *T, T{...}, a type argument (looked at as an instance), pkg.T (looked at as the whole) or T.Method
	case *ast.CallExpr:
		if p.Fun == child {
			k.add(&i.answer.Measured, e) // T(u)
		} else {
			i.zero(e, "by new")
		}
	case *ast.ValueSpec:
		if len(p.Values) == 0 {
			i.zero(e, "by var")
		}
	case *ast.TypeSpec:
		if p.Name != child {
			i.zero(e, "under the name "+p.Name.Name)
		}
	case *ast.ArrayType, *ast.MapType, *ast.ChanType, *ast.Ellipsis:
		i.zero(e, "as an element")
	case *ast.Field:
		if i.inStruct(p) {
			i.zero(e, "as a field")
		}
	default:
		i.zero(e, "by value")
	}
}

// declaredBy is the package of a main module that declares an object, and the object's name.
func (s *session) declaredBy(id string) (*packageMeta, string, error) {
	path, _, ok := splitID(id)
	if !ok {
		return nil, "", failf(codeNotLoaded, "%s is declared in no file", id)
	}
	if !s.meta.everything {
		if err := s.listMainModules(); err != nil {
			return nil, "", err
		}
	}
	declaring := s.meta.packages[s.meta.bodyKey(path)]
	if declaring == nil || !declaring.main {
		return nil, "", failf(codeNotLoaded, "%s is declared in no package of a main module", id)
	}
	return declaring, id[strings.LastIndexByte(id, ':')+1:], nil
}
