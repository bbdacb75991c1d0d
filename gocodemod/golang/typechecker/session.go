package main

import (
	"context"
	"go/ast"
	"go/token"
	"go/types"
	"go/version"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"sync"
	"time"
)

// A session is one root directory in one build configuration.
type session struct {
	ctx      context.Context
	started  bool
	root     string
	tests    bool
	cmd      *goCommand
	goos     string
	goarch   string
	cgo      string
	sizes    types.Sizes
	fset     *token.FileSet
	meta     *metadata
	disk     *view // what is on disk
	current  *view // with the overlays of the session
	content  map[string][]byte
	seen     map[string]seenObject
	asked    map[string]bool // files that were loaded
	asking   []string        // the packages of these, nil if not known yet
	words    *wordIndex
	links    map[string]bool
	unloaded []*unloadedFile
}

func newSession(ctx context.Context) *session {
	s := &session{ctx: ctx, fset: token.NewFileSet(), meta: newMetadata(), seen: map[string]seenObject{}, asked: map[string]bool{}}
	s.words = &wordIndex{session: s, disk: map[string][]uint32{}}
	s.disk = newView(s, nil)
	s.current = s.disk
	return s
}

func (s *session) start(req *request) (any, error) {
	if s.started {
		return nil, failf(codeBadRequest, "already started")
	}
	timeout := 300.0
	if req.Timeout > 0 {
		timeout = req.Timeout
	}
	s.root, s.tests = req.Dir, req.Tests
	s.cmd = &goCommand{req.Go, req.Dir, req.Tags, req.Env, time.Duration(timeout * float64(time.Second)), s.ctx}
	var err error
	if s.goos, s.goarch, s.cgo, err = s.cmd.settings(); err != nil {
		return nil, err
	}
	if s.sizes = types.SizesFor("gc", s.goarch); s.sizes == nil {
		s.sizes = types.SizesFor("gc", "amd64")
	}
	s.started = true
	return map[string]string{"goos": s.goos, "goarch": s.goarch, "cgo": s.cgo}, nil
}

type fileAnswer struct {
	Package     string `json:"package"`
	PackageName string `json:"package_name"`
	ParseError  string `json:"parse_error"`
	GoVersion   string `json:"go_version"`
	Generated   bool   `json:"generated"`
	Complete    bool   `json:"complete"`
	Excluded    bool   `json:"excluded"`
	ModuleGo    string `json:"module_go"`
	Fault       string `json:"fault"`
}

// load makes the packages of the files known, with one run of go list for all directories that were
// not yet. With alone each file is loaded as if it were named on the command line.
func (s *session) load(files []string, alone bool) (any, error) {
	var err error
	if alone {
		err = s.listAlone(files)
	} else {
		err = s.listDirectories(files)
	}
	if err != nil {
		return nil, err
	}
	s.asking = nil
	answers := make([]fileAnswer, len(files))
	complete := map[string]bool{}
	for i, path := range files {
		s.asked[path] = true
		answers[i] = s.describeFile(path, complete)
	}
	return answers, nil
}

func (s *session) listDirectories(files []string) error {
	plain, tested := map[string]bool{}, map[string]bool{}
	for _, path := range files {
		dir := filepath.Dir(path)
		if strings.HasSuffix(path, "_test.go") {
			tested[dir] = true
		} else {
			plain[dir] = true
			if s.tests {
				tested[dir] = true
			}
		}
	}
	return s.list(plain, tested)
}

// list makes directories known; those with tests need no listing without.
func (s *session) list(plain, tested map[string]bool) error {
	var plainPatterns, testedPatterns []string
	for dir := range tested {
		if !s.meta.tested[dir] {
			testedPatterns = append(testedPatterns, pattern(s.root, dir))
		}
	}
	for dir := range plain {
		if !s.meta.plain[dir] && !s.meta.tested[dir] && !tested[dir] {
			plainPatterns = append(plainPatterns, pattern(s.root, dir))
		}
	}
	if err := s.listPatterns(false, plainPatterns); err != nil {
		return err
	}
	if err := s.listPatterns(true, testedPatterns); err != nil {
		return err
	}
	for dir := range plain {
		s.meta.plain[dir] = true
	}
	for dir := range tested {
		s.meta.tested[dir] = true
	}
	return nil
}

// patternBytes keeps a command line below the limits of the systems.
const patternBytes = 100_000

func (s *session) listPatterns(tests bool, patterns []string) error {
	for len(patterns) > 0 {
		n, size := 0, 0
		for n < len(patterns) && (n == 0 || size+len(patterns[n]) < patternBytes) {
			size += len(patterns[n]) + 1
			n++
		}
		if err := s.cmd.list(tests, patterns[:n], func(p *listed) { s.meta.add(p, p.ImportPath) }); err != nil {
			return err
		}
		patterns = patterns[n:]
		s.metadataGrew()
	}
	return nil
}

const commandLine = "command-line-arguments"

func (s *session) listAlone(files []string) error {
	for _, path := range files {
		if s.meta.packages[commandLine+":"+path] != nil {
			continue
		}
		err := s.cmd.list(false, []string{path}, func(p *listed) {
			key := p.ImportPath
			if key == commandLine {
				key += ":" + path
			}
			s.meta.add(p, key)
		})
		if err != nil {
			return err
		}
		s.metadataGrew()
	}
	return nil
}

// askedKeys are the packages of the files that were loaded.
func (s *session) askedKeys() []string {
	if s.asking == nil {
		known := map[string]bool{}
		s.asking = []string{}
		for path := range s.asked {
			if key := s.meta.bodyKey(path); key != "" && !known[key] {
				known[key] = true
				s.asking = append(s.asking, key)
			}
		}
		sort.Strings(s.asking)
	}
	return s.asking
}

// metadataGrew renews the view with overlays: packages that came may import what it changed.
func (s *session) metadataGrew() {
	if s.current != s.disk {
		s.current.drop()
		s.seen = map[string]seenObject{}
		s.current = s.overlaidView(s.content, true)
	}
}

func (s *session) describeFile(path string, complete map[string]bool) fileAnswer {
	var a fileAnswer
	source, err := s.current.source(path)
	if err != nil {
		a.Fault, a.Excluded = err.Error(), true
		return a
	}
	a.ParseError = source.parseError()
	a.Generated = ast.IsGenerated(source.tree)
	if source.tree.Name != nil {
		a.PackageName = source.tree.Name.Name
	}
	key := s.meta.bodyKey(path)
	meta := s.meta.packages[key]
	if meta == nil {
		a.Excluded = true
		a.Fault = s.meta.faultOf(pattern(s.root, filepath.Dir(path)), filepath.Dir(path))
		return a
	}
	if source.tree.Name != nil && meta.name != "" && source.tree.Name.Name != meta.name {
		// go/types passes such a file over without a word: nothing in it would mean anything.
		a.Excluded, a.Fault = true, meta.fault
		return a
	}
	a.Package = withoutVariant(meta.path)
	if meta.fault != "" {
		a.Fault = meta.fault
	}
	a.ModuleGo = strings.TrimPrefix(meta.goVersion, "go")
	a.GoVersion = version.Lang(fileVersion(meta.goVersion, source.tree.GoVersion))
	if _, known := complete[key]; !known {
		complete[key] = len(s.missing(s.current, key)) == 0
	}
	a.Complete = complete[key]
	return a
}

// fileVersion follows go/types: a //go:build line may raise or lower the version, not below go1.21.
func fileVersion(module, file string) string {
	if file == "" || !version.IsValid(file) {
		return module
	}
	if version.Compare(file, "go1.21") < 0 {
		return "go1.21"
	}
	return file
}

// missing lists the imports of a package, direct or not, that could not be found.
func (s *session) missing(v *view, key string) []string {
	seen := map[string]bool{}
	var missing []string
	for _, dep := range v.dependencies(key) {
		missing = append(missing, s.meta.unresolved(dep, seen)...)
	}
	return missing
}

// source is a file as the view has it, parsed once.
func (v *view) source(path string) (*sourceFile, error) {
	if v.base != nil && v.overlay[path] == nil {
		return v.base.source(path)
	}
	v.mu.Lock()
	entry := v.sources[path]
	if entry == nil {
		entry = &sourceEntry{}
		v.sources[path] = entry
	}
	v.mu.Unlock()
	entry.once.Do(func() {
		var data []byte
		if o := v.overlay[path]; o != nil {
			data = o.data
		}
		entry.file, entry.err = parseSourceFile(v.session.fset, path, data)
		if v.base != nil && entry.err == nil {
			v.mu.Lock()
			v.scratch = append(v.scratch, entry.file.tok)
			v.mu.Unlock()
		}
	})
	return entry.file, entry.err
}

// A sourceEntry lets several packages ask for one file at once.
type sourceEntry struct {
	once sync.Once
	file *sourceFile
	err  error
}

func readFile(path string) []byte {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return data
}
