package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"runtime"
	"sync"
)

// An apiPackage is a package of the API universe: checked once, from source, without bodies, and of other modules only what
// can be seen from outside. Only these are ever imported, so every importer sees the same identities.
type apiPackage struct {
	types *types.Package
}

// A view is the code with one set of overlays. The view of the disk has no base; another view takes
// from its base whatever its overlays leave alone.
type view struct {
	session  *session
	base     *view
	overlay  map[string]*overlaid
	dirty    map[string]bool // packages whose API must be built in this view
	touched  map[string]bool // packages that hold an overlaid file
	universe map[string]*apiPackage
	bodies   map[string]*body
	mu       sync.Mutex // guards universe, bodies, sources and scratch
	building sync.Mutex
	sources  map[string]*sourceEntry
	scratch  []*token.File // files to forget when a view is dropped
}

func newView(s *session, base *view) *view {
	return &view{
		session: s, base: base, overlay: map[string]*overlaid{}, dirty: map[string]bool{}, touched: map[string]bool{},
		universe: map[string]*apiPackage{}, bodies: map[string]*body{}, sources: map[string]*sourceEntry{},
	}
}

// owner is the view that builds the API of a package.
func (v *view) owner(key string) *view {
	if v.base != nil && !v.dirty[key] {
		return v.base
	}
	return v
}

// api is the API of a package that was built, nil if there is none.
func (v *view) api(key string) *types.Package {
	o := v.owner(key)
	o.mu.Lock()
	defer o.mu.Unlock()
	if p := o.universe[key]; p != nil {
		return p.types
	}
	return nil
}

// dependencies of a package in this view: an overlay may import more than the package does on disk.
func (v *view) dependencies(key string) []string {
	meta := v.session.meta.packages[key]
	if meta == nil {
		return nil
	}
	if !v.touched[key] {
		return meta.imports
	}
	deps := append([]string(nil), meta.imports...)
	for _, path := range meta.files {
		if o := v.overlay[path]; o != nil {
			for _, imported := range o.imports {
				deps = append(deps, meta.resolve(v.session.meta.packages, imported))
			}
		}
	}
	return deps
}

// build makes sure that the API of the given packages and of all that it names is there.
func (v *view) build(roots []string) {
	v.building.Lock()
	defer v.building.Unlock()
	parsed, clean := v.parse(roots)
	if len(clean) > 0 {
		v.base.build(clean)
	}
	waiting := map[string]int{}
	dependents := map[string][]string{}
	var order []string
	visited := map[string]bool{}
	done := map[string]bool{}
	var visit func(string)
	visit = func(key string) {
		visited[key] = true
		for _, dep := range parsed[key].imports {
			if parsed[dep] == nil {
				continue
			}
			if !visited[dep] {
				visit(dep)
			}
			// A dependency still being visited is an import cycle: the importer reports it.
			if done[dep] {
				waiting[key]++
				dependents[dep] = append(dependents[dep], key)
			}
		}
		done[key] = true
		order = append(order, key)
	}
	for _, root := range roots {
		if parsed[root] != nil && !visited[root] {
			visit(root)
		}
	}
	v.buildAll(order, parsed, waiting, dependents)
}

// parse reads the packages that have no API in this view yet, in parallel, and those that they name. clean: the packages
// among them that are for the base to build.
func (v *view) parse(roots []string) (parsed map[string]*parsedAPI, clean []string) {
	parsed = map[string]*parsedAPI{}
	var mu sync.Mutex
	var group sync.WaitGroup
	limit := make(chan struct{}, runtime.GOMAXPROCS(0))
	seen := map[string]bool{}
	var enter func([]string)
	enter = func(keys []string) {
		mu.Lock()
		defer mu.Unlock()
		for _, key := range keys {
			meta := v.session.meta.packages[key]
			if seen[key] || key == "C" || key == "unsafe" || meta == nil || len(meta.files) == 0 {
				continue
			}
			seen[key] = true
			if v.owner(key) != v {
				clean = append(clean, key)
			} else if v.universe[key] == nil {
				group.Add(1)
				go func() {
					defer group.Done()
					limit <- struct{}{}
					one := v.parseAPI(meta)
					<-limit
					mu.Lock()
					parsed[key] = one
					mu.Unlock()
					enter(one.imports)
				}()
			}
		}
	}
	enter(roots)
	group.Wait()
	return parsed, clean
}

// buildAll checks packages in parallel, each after those it imports.
func (v *view) buildAll(order []string, parsed map[string]*parsedAPI, waiting map[string]int, dependents map[string][]string) {
	if len(order) == 0 {
		return
	}
	ready := make(chan string, len(order))
	done := make(chan string, len(order))
	for _, key := range order {
		if waiting[key] == 0 {
			ready <- key
		}
	}
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(order)) {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for key := range ready {
				one := parsed[key]
				built := v.checkAPI(one)
				one.trees = nil
				v.mu.Lock()
				v.universe[key] = built
				v.mu.Unlock()
				done <- key
			}
		}()
	}
	for range order {
		for _, next := range dependents[<-done] {
			if waiting[next]--; waiting[next] == 0 {
				ready <- next
			}
		}
	}
	close(ready)
	workers.Wait()
}

// A parsedAPI is what of a package's source its API needs. imports: the keys of the packages that it names.
type parsedAPI struct {
	meta    *packageMeta
	trees   []*ast.File
	imports []string
}

func (v *view) parseAPI(meta *packageMeta) *parsedAPI {
	known := v.session.meta.packages
	parsed := &parsedAPI{meta: meta}
	for _, path := range meta.files {
		data := readFile(path)
		if o := v.overlay[path]; o != nil {
			data = bytes.Clone(o.data)
		}
		if data == nil {
			continue
		}
		hollow(data)
		tree, _ := parser.ParseFile(v.session.fset, path, data, parser.SkipObjectResolution)
		if tree == nil {
			continue
		}
		for _, decl := range tree.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Body != nil {
				f.Body = &ast.BlockStmt{Lbrace: f.Body.Lbrace, Rbrace: f.Body.Rbrace}
			}
		}
		parsed.trees = append(parsed.trees, tree)
		if tree.FileStart.IsValid() {
			file := v.session.fset.File(tree.FileStart)
			// Offsets need no line table, and these tables are large.
			file.SetLines([]int{0})
			if v.base != nil {
				v.mu.Lock()
				v.scratch = append(v.scratch, file)
				v.mu.Unlock()
			}
		}
	}
	if meta.foreign {
		outward(parsed.trees)
	}
	called := func(path string) string {
		if path == "unsafe" {
			return path
		}
		if imported := known[meta.resolve(known, path)]; imported != nil {
			return imported.name
		}
		return ""
	}
	for _, tree := range parsed.trees {
		for _, path := range imported(tree, called) {
			parsed.imports = append(parsed.imports, meta.resolve(known, path))
		}
	}
	return parsed
}

func (v *view) checkAPI(parsed *parsedAPI) (built *apiPackage) {
	built = &apiPackage{}
	meta := parsed.meta
	defer func() {
		if p := recover(); p != nil {
			fmt.Fprintf(os.Stderr, "typechecker: %s: %v\n", meta.key, p)
			built.types = nil
		}
	}()
	config := v.session.typesConfig(v, meta)
	config.IgnoreFuncBodies = true
	config.Error = func(error) {}
	built.types = types.NewPackage(meta.path, meta.name)
	types.NewChecker(config, v.session.fset, built.types, nil).Files(parsed.trees)
	return built
}

// drop forgets the files that only this view had.
func (v *view) drop() {
	for _, file := range v.scratch {
		v.session.fset.RemoveFile(file)
	}
}

// An importer serves the imports of one package from the universe.
type importer struct {
	view *view
	meta *packageMeta
}

func (i importer) Import(path string) (*types.Package, error) {
	if path == "unsafe" {
		return types.Unsafe, nil
	}
	key := i.meta.resolve(i.view.session.meta.packages, path)
	if p := i.view.api(key); p != nil {
		return p, nil
	}
	if meta := i.view.session.meta.packages[key]; meta != nil && meta.fault != "" {
		return nil, fmt.Errorf("%s", meta.fault)
	}
	return nil, fmt.Errorf("package %s is not known", path)
}

func (s *session) typesConfig(v *view, meta *packageMeta) *types.Config {
	return &types.Config{
		GoVersion:   meta.goVersion,
		Importer:    importer{v, meta},
		FakeImportC: true,
		Sizes:       s.sizes,
	}
}
