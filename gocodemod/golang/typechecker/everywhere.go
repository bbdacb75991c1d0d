package main

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// everywhereAnswer is what the whole main module, or workspace, does with one function. refs: its declaration and every
// use of it, tests included. bound: what ties its signature to something that is not Go ("linkname", "export", "assembly").
// unloaded: files of other build configurations that may use it. iface: an interface through which it may be called.
type everywhereAnswer struct {
	Refs     []ref    `json:"refs"`
	Bound    string   `json:"bound"`
	Unloaded []string `json:"unloaded"`
	Iface    string   `json:"iface"`
}

// everywhere looks for a function or method of a main module in all packages that import the one that declares it.
func (s *session) everywhere(id string) (any, error) {
	answer := &everywhereAnswer{Refs: []ref{}, Unloaded: []string{}}
	declaring, name, err := s.declaredBy(id)
	if err != nil {
		return nil, err
	}
	reached := s.reached(declaring, name, id)
	keys := s.mentioning(declaring, name, reached)
	s.current.prepare(keys)
	var function *types.Func
	var bodies []*body
	for _, k := range keys {
		b := s.current.body(k)
		bodies = append(bodies, b)
		for _, source := range b.sources {
			source.index()
			for _, ident := range source.idents {
				if ident.Name != name {
					continue
				}
				for _, o := range b.standsFor(source, ident) {
					if f, ok := o.object.(*types.Func); ok && b.identity(f) == id {
						o.id = id
						answer.Refs = append(answer.Refs, b.ref(o))
						if b.info.Defs[ident] != nil {
							function = f
						}
					}
				}
			}
		}
	}
	answer.Refs = distinct(answer.Refs)
	if function != nil && function.Type().(*types.Signature).Recv() != nil {
		s.buildAPI(reached)
		answer.Iface = s.satisfied(function, bodies)
	}
	answer.Bound = s.bound(declaring, name)
	for _, file := range s.unloadedFiles() {
		if file.mentions(declaring, name, reached) {
			answer.Unloaded = append(answer.Unloaded, file.path)
		}
	}
	return answer, nil
}

// distinct drops what two variants of a package both say.
func distinct(refs []ref) []ref {
	sort.SliceStable(refs, func(i, j int) bool {
		if refs[i].Path != refs[j].Path {
			return refs[i].Path < refs[j].Path
		}
		return refs[i].Start < refs[j].Start
	})
	kept := []ref{}
	for _, r := range refs {
		if n := len(kept); n == 0 || kept[n-1].Path != r.Path || kept[n-1].Start != r.Start {
			kept = append(kept, r)
		}
	}
	return kept
}

// reached are the import paths of the main modules' packages that can name the function: its own; if it is exported those
// that import it; if it is a method also those that get at a value by way of another package, and so need not import it.
func (s *session) reached(declaring *packageMeta, name, id string) map[string]bool {
	found := map[string]bool{declaring.path: true}
	if !token.IsExported(name) {
		return found
	}
	for grown := true; grown; {
		grown = false
		sources := maps.Clone(found)
		for _, meta := range s.meta.packages {
			path := withoutVariant(meta.path)
			if !meta.main || found[path] {
				continue
			}
			for _, dep := range meta.imports {
				if sources[withoutVariant(dep)] {
					found[path], grown = true, true
				}
			}
		}
		grown = grown && s.isMethod(id)
	}
	return found
}

// isMethod tells whether the declaration with this identity has a receiver.
func (s *session) isMethod(id string) bool {
	path, start, _ := splitID(id)
	source, err := s.current.source(path)
	if err != nil {
		return false
	}
	for _, decl := range source.tree.Decls {
		if f, ok := decl.(*ast.FuncDecl); ok && source.offset(f.Name.Pos()) == start {
			return f.Recv != nil
		}
	}
	return false
}

// buildAPI makes the universe hold what the packages of these paths declare and import: a method's type may be used there
// as an interface that no file beside it names.
func (s *session) buildAPI(paths map[string]bool) {
	var keys []string
	for key, meta := range s.meta.packages {
		if meta.main && meta.forTest == "" && paths[meta.path] {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	s.current.build(keys)
}

// mentioning lists the packages among those reached that hold the name, with their tests.
func (s *session) mentioning(declaring *packageMeta, name string, reached map[string]bool) []string {
	return s.packagesThat(func(meta *packageMeta) bool {
		return meta.path == declaring.path || (reached[withoutVariant(meta.path)] && s.holds(meta, name))
	})
}

// importing lists a package of the main modules and those that import it and fit, with their tests.
func (s *session) importing(declaring *packageMeta, fits func(*packageMeta) bool) []string {
	return s.packagesThat(func(meta *packageMeta) bool {
		for _, dep := range meta.imports {
			if withoutVariant(dep) == declaring.path && fits(meta) {
				return true
			}
		}
		return meta.path == declaring.path
	})
}

// packagesThat lists packages of the main modules, each in the variant that holds most of its files.
func (s *session) packagesThat(fit func(*packageMeta) bool) []string {
	var keys []string
	for key, meta := range s.meta.packages {
		if !meta.main || (meta.forTest != "" && withoutVariant(key) != meta.forTest && withoutVariant(key) != meta.forTest+"_test") {
			continue
		}
		if meta.forTest == "" && s.meta.packages[key+" ["+key+".test]"] != nil {
			continue // its test variant holds all its files
		}
		if fit(meta) {
			keys = append(keys, key)
		}
	}
	sort.Strings(keys)
	return keys
}

// holds tells whether any file of a package holds the name.
func (s *session) holds(meta *packageMeta, name string) bool {
	for _, path := range meta.files {
		if source, err := s.current.source(path); err == nil {
			source.index()
			for _, ident := range source.idents {
				if ident.Name == name {
					return true
				}
			}
		}
	}
	return false
}

// satisfied names an interface that the method's type, or a type that embeds it, may be used as, "" if there is none.
// Signatures are compared by their text: each package is checked on its own, so the types in them are not identical.
func (s *session) satisfied(method *types.Func, bodies []*body) string {
	receiver := method.Type().(*types.Signature).Recv().Type()
	named, ok := unalias(deref(receiver)).(*types.Named)
	if !ok {
		return "an unnamed type"
	}
	// By their names as seen from everywhere: an unexported one is its package's own.
	wanted := seenName(method)
	own := map[string]string{}
	set := types.NewMethodSet(types.NewPointer(named))
	for i := range set.Len() {
		f := set.At(i).Obj().(*types.Func)
		own[seenName(f)] = signatureText(f)
	}
	packages := s.built()
	embedded := embeds(named.Obj(), bodies, packages)
	open := func(text string) bool { return text == "?" || named.TypeParams().Len() > 0 }
	fits := func(t types.Type) bool {
		iface, ok := t.Underlying().(*types.Interface)
		if !ok {
			return false
		}
		has := false
		for i := range iface.NumMethods() {
			m := iface.Method(i)
			name, text := seenName(m), signatureText(m)
			if name == wanted && (text == own[name] || open(text)) {
				has = true
			} else if own[name] != text && !embedded && !open(text) {
				return false
			}
		}
		return has
	}
	for _, p := range packages {
		for _, name := range p.Scope().Names() {
			if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok && fits(t.Type()) {
				return p.Path() + "." + name
			}
		}
	}
	for _, b := range bodies {
		for e, tv := range b.info.Types {
			if _, written := e.(*ast.InterfaceType); written && tv.IsType() && fits(tv.Type) {
				return "an interface of " + b.meta.path
			}
		}
	}
	return ""
}

// built are the packages of the API universe, sorted.
func (s *session) built() []*types.Package {
	var packages []*types.Package
	for _, v := range []*view{s.disk, s.current} {
		v.mu.Lock()
		for _, p := range v.universe {
			if p.types != nil {
				packages = append(packages, p.types)
			}
		}
		v.mu.Unlock()
	}
	sort.Slice(packages, func(i, j int) bool { return packages[i].Path() < packages[j].Path() })
	return packages
}

// seenName is a method's name, that of its package with it where only that can call it so.
func seenName(f *types.Func) string {
	if f.Exported() || f.Pkg() == nil {
		return f.Name()
	}
	return withoutVariant(f.Pkg().Path()) + "." + f.Name()
}

// genericSignature tells whether a type parameter stands in a signature: what stands for it is not known.
func genericSignature(f *types.Func) bool {
	found := false
	signature := f.Type().(*types.Signature)
	for _, tuple := range []*types.Tuple{signature.Params(), signature.Results()} {
		for i := range tuple.Len() {
			if _, ok := unalias(deref(tuple.At(i).Type())).(*types.TypeParam); ok {
				found = true
			}
		}
	}
	return found
}

func signatureText(f *types.Func) string {
	if genericSignature(f) {
		return "?"
	}
	signature := f.Type().(*types.Signature)
	var parts []string
	for _, tuple := range []*types.Tuple{signature.Params(), signature.Results()} {
		for i := range tuple.Len() {
			text, _ := typeTexts(tuple.At(i).Type())
			parts = append(parts, text)
		}
		parts = append(parts, "->")
	}
	return strings.Join(parts, ",")
}

func deref(t types.Type) types.Type {
	if p, ok := unalias(t).(*types.Pointer); ok {
		return p.Elem()
	}
	return t
}

// embeds tells whether a struct embeds the type, and so promotes its methods.
func embeds(owner *types.TypeName, bodies []*body, packages []*types.Package) bool {
	promotes := func(t types.Type) bool {
		fields, ok := t.Underlying().(*types.Struct)
		for i := 0; ok && i < fields.NumFields(); i++ {
			f := fields.Field(i)
			named, isNamed := unalias(deref(f.Type())).(*types.Named)
			if f.Embedded() && isNamed && named.Obj().Name() == owner.Name() && named.Obj().Pkg() != nil &&
				named.Obj().Pkg().Path() == owner.Pkg().Path() {
				return true
			}
		}
		return false
	}
	for _, b := range bodies {
		for e, tv := range b.info.Types {
			if _, written := e.(*ast.StructType); written && promotes(tv.Type) {
				return true
			}
		}
	}
	for _, p := range packages {
		for _, name := range p.Scope().Names() {
			if t, ok := p.Scope().Lookup(name).(*types.TypeName); ok && promotes(t.Type()) {
				return true
			}
		}
	}
	return false
}

// bound tells what outside of Go's own calls knows the function's signature.
func (s *session) bound(declaring *packageMeta, name string) string {
	for _, path := range declaring.files {
		source, err := s.current.source(path)
		if err != nil {
			continue
		}
		for _, group := range source.tree.Comments {
			for _, comment := range group.List {
				words := strings.Fields(comment.Text)
				if len(words) > 1 && words[0] == "//go:linkname" && words[1] == name {
					return "linkname"
				}
				if len(words) > 1 && words[0] == "//export" && (words[1] == name || (len(words) > 2 && words[2] == name)) {
					return "export"
				}
			}
		}
		for _, decl := range source.tree.Decls {
			f, ok := decl.(*ast.FuncDecl)
			if !ok || f.Name.Name != name {
				continue
			}
			if f.Body == nil {
				return "assembly"
			}
			if f.Doc != nil && slices.ContainsFunc(f.Doc.List, exports) {
				return "export"
			}
		}
	}
	assembly, _ := filepath.Glob(filepath.Join(declaring.dir, "*.s"))
	for _, path := range assembly {
		if regexp.MustCompile("·" + regexp.QuoteMeta(name) + `\b`).Match(readFile(path)) {
			return "assembly"
		}
	}
	if s.pulled()[declaring.path+"."+name] {
		return "linkname"
	}
	return ""
}

// exports tells whether a comment right above a function gives it to the world outside, by whatever name.
func exports(comment *ast.Comment) bool {
	return strings.HasPrefix(comment.Text, "//export ") || strings.HasPrefix(comment.Text, "//go:wasmexport ")
}

var pulls = regexp.MustCompile(`(?m)^//go:linkname\s+\S+\s+(\S+)`)

// pulled are the full names that some file of the main modules links to by go:linkname.
func (s *session) pulled() map[string]bool {
	if s.links == nil {
		s.links = map[string]bool{}
		for path, keys := range s.meta.byFile {
			if meta := s.meta.packages[keys[0]]; meta == nil || !meta.main {
				continue
			}
			for _, found := range pulls.FindAllSubmatch(readFile(path), -1) {
				s.links[string(found[1])] = true
			}
		}
	}
	return s.links
}

// An unloadedFile belongs to no package of this build configuration.
type unloadedFile struct {
	path    string
	words   map[string]bool
	imports map[string]bool
}

func (f *unloadedFile) mentions(declaring *packageMeta, name string, reached map[string]bool) bool {
	if !f.words[name] || filepath.Dir(f.path) == declaring.dir {
		return f.words[name]
	}
	for path := range f.imports {
		if reached[path] && token.IsExported(name) {
			return true
		}
	}
	return false
}

var word = regexp.MustCompile(`[\pL_][\pL\pN_]*`)

// unloadedFiles are the Go files below the root, and in the main modules' folders, that the go command would build in another configuration, or as part of
// another module.
func (s *session) unloadedFiles() []*unloadedFile {
	if s.unloaded != nil {
		return s.unloaded
	}
	s.unloaded = []*unloadedFile{}
	walked := map[string]bool{}
	for _, root := range append([]string{s.root}, s.meta.roots...) {
		s.walk(root, walked)
	}
	return s.unloaded
}

func (s *session) walk(root string, walked map[string]bool) {
	filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil
		}
		name := entry.Name()
		if entry.IsDir() {
			skipped := name == "vendor" || name == "testdata" || name[0] == '_' || name[0] == '.'
			if (skipped && path != root) || walked[path] {
				return filepath.SkipDir
			}
			walked[path] = true
			return nil
		}
		if !strings.HasSuffix(name, ".go") || name[0] == '_' || name[0] == '.' || len(s.meta.byFile[path]) > 0 {
			return nil
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return nil
		}
		file := &unloadedFile{path, map[string]bool{}, map[string]bool{}}
		for _, found := range word.FindAll(data, -1) {
			file.words[string(found)] = true
		}
		tree, _ := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly|parser.SkipObjectResolution)
		if tree != nil {
			for _, spec := range tree.Imports {
				if p, err := strconv.Unquote(spec.Path.Value); err == nil {
					file.imports[p] = true
				}
			}
		}
		s.unloaded = append(s.unloaded, file)
		return nil
	})
}
