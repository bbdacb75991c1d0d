package main

import (
	"bytes"
	"go/ast"
	"go/token"
	"go/types"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
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
		s.buildFor(function, reached)
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

// buildFor makes the universe hold what may know the method as an interface's: a value of its type may come to be one that no
// file beside it names, somewhere in the packages of these paths or in what they import. Whatever declares such an interface
// has the method's name in it, and whatever embeds the type the name of that.
func (s *session) buildFor(method *types.Func, reached map[string]bool) {
	words := []string{method.Name()}
	own := words
	if named, ok := unalias(deref(method.Type().(*types.Signature).Recv().Type())).(*types.Named); ok {
		own = append(own, named.Obj().Name())
	}
	closure := s.closure(reached)
	s.words.read(closure)
	var keys []string
	for _, meta := range closure {
		wanted := words
		if meta.main {
			wanted = own
		}
		if slices.ContainsFunc(wanted, func(word string) bool { return s.words.holds(meta, word) }) {
			keys = append(keys, meta.key)
		}
	}
	s.current.build(keys)
}

// closure lists the packages of these paths and all that they import, without their tests.
func (s *session) closure(paths map[string]bool) []*packageMeta {
	var found []*packageMeta
	seen := map[string]bool{}
	var walk func(string)
	walk = func(key string) {
		meta := s.meta.packages[key]
		if seen[key] || meta == nil {
			return
		}
		seen[key] = true
		found = append(found, meta)
		for _, dep := range meta.imports {
			walk(dep)
		}
	}
	for key, meta := range s.meta.packages {
		if meta.main && meta.forTest == "" && paths[meta.path] {
			walk(key)
		}
	}
	sort.Slice(found, func(i, j int) bool { return found[i].key < found[j].key })
	return found
}

// mentioning lists the packages among those reached that hold the name, with their tests.
func (s *session) mentioning(declaring *packageMeta, name string, reached map[string]bool) []string {
	return s.packagesThat(func(meta *packageMeta) bool {
		return meta.path == declaring.path || (reached[withoutVariant(meta.path)] && s.words.holds(meta, name))
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
			data := readFile(path)
			if !bytes.Contains(data, []byte("//go:linkname")) {
				continue
			}
			for _, found := range pulls.FindAllSubmatch(data, -1) {
				s.links[string(found[1])] = true
			}
		}
	}
	return s.links
}
