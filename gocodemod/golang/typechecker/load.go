package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// listFields is what is asked of go list: naming the fields spares it the costly ones.
const listFields = "-json=ImportPath,Dir,Name,GoFiles,CgoFiles,Imports,ImportMap,ForTest,Standard,Module,Error"

type listed struct {
	ImportPath string
	Dir        string
	Name       string
	GoFiles    []string
	CgoFiles   []string
	Imports    []string
	ImportMap  map[string]string
	ForTest    string
	Standard   bool
	Module     *struct {
		GoVersion string
		Main      bool
	}
	Error *struct{ Err string }
}

// A packageMeta is one package as go list knows it. Its key is go list's import path, which tells
// the test variant "p [p.test]" from "p"; path is what Go code calls it.
type packageMeta struct {
	key       string
	path      string
	dir       string
	name      string
	forTest   string
	files     []string
	imports   []string
	importMap map[string]string
	goVersion string
	main      bool
	foreign   bool // of the standard library, or of a module that is none of the main ones
	fault     string
}

// resolve maps an import in the package's source to the key of the package it means.
func (m *packageMeta) resolve(known map[string]*packageMeta, path string) string {
	if key, ok := m.importMap[path]; ok {
		return key
	}
	// An import that an overlay added is in no import map.
	if m.forTest != "" {
		if variant := path + " [" + m.forTest + ".test]"; known[variant] != nil {
			return variant
		}
	}
	return path
}

type metadata struct {
	packages   map[string]*packageMeta
	byFile     map[string][]string
	plain      map[string]bool // directories listed without their tests
	tested     map[string]bool // directories listed with their tests
	everything bool            // the main modules were listed whole
	roots      []string        // the folders of the main modules, known once everything is
}

func newMetadata() *metadata {
	return &metadata{
		packages: map[string]*packageMeta{}, byFile: map[string][]string{},
		plain: map[string]bool{}, tested: map[string]bool{},
	}
}

// add takes over one package; the first answer about a package stands.
func (m *metadata) add(p *listed, key string) {
	if m.packages[key] != nil || (p.Name == "main" && strings.HasSuffix(p.ImportPath, ".test")) {
		return
	}
	meta := &packageMeta{
		key: key, path: withoutVariant(key), dir: p.Dir, name: p.Name, forTest: p.ForTest,
		imports: p.Imports, importMap: p.ImportMap, foreign: p.Standard,
	}
	for _, names := range [][]string{p.GoFiles, p.CgoFiles} {
		for _, name := range names {
			if !filepath.IsAbs(name) {
				name = filepath.Join(p.Dir, name)
			}
			meta.files = append(meta.files, name)
			m.byFile[name] = append(m.byFile[name], key)
		}
	}
	if p.Module != nil {
		meta.main, meta.foreign = p.Module.Main, !p.Module.Main
		meta.goVersion = "go1.16" // https://go.dev/ref/mod#go-mod-file-go: what a module without a go line means
		if p.Module.GoVersion != "" {
			meta.goVersion = "go" + p.Module.GoVersion
		}
	}
	if p.Error != nil {
		meta.fault = p.Error.Err
	}
	m.packages[key] = meta
}

// withoutVariant is the import path of a go list key: "p [p.test]" is p.
func withoutVariant(key string) string {
	path, _, _ := strings.Cut(key, " [")
	return path
}

// faultOf is what go list says about a directory that gave no package.
func (m *metadata) faultOf(pattern, dir string) string {
	if meta := m.packages[pattern]; meta != nil {
		return meta.fault
	}
	for _, meta := range m.packages {
		if meta.dir == dir && meta.fault != "" {
			return meta.fault
		}
	}
	return ""
}

// bodyKey names the package whose body check answers for a file: for a _test.go file the test variant.
func (m *metadata) bodyKey(path string) string {
	best := ""
	for _, key := range m.byFile[path] {
		if strings.HasSuffix(path, "_test.go") || !strings.Contains(key, " [") {
			return key
		}
		best = key
	}
	if best != "" {
		if plain := withoutVariant(best); m.packages[plain] != nil {
			return plain
		}
	}
	return ""
}

// unresolved lists the imports in a package's transitive closure that go list could not find.
func (m *metadata) unresolved(key string, seen map[string]bool) []string {
	var missing []string
	var walk func(string)
	walk = func(key string) {
		if seen[key] || key == "C" || key == "unsafe" {
			return
		}
		seen[key] = true
		meta := m.packages[key]
		if meta == nil || len(meta.files) == 0 {
			missing = append(missing, withoutVariant(key))
			return
		}
		for _, dep := range meta.imports {
			walk(dep)
		}
	}
	walk(key)
	return missing
}

// A goCommand runs go with everything shut off that could reach the network or switch the toolchain.
type goCommand struct {
	path    string
	dir     string
	tags    []string
	env     map[string]string
	timeout time.Duration
	parent  context.Context // done when stdin has ended
}

func (g *goCommand) environ() []string {
	settings := map[string]string{
		"GOPROXY": "off", "GOSUMDB": "off", "GOTOOLCHAIN": "local", "GOENV": "off", "GOFLAGS": "", "GODEBUG": "",
		"PWD": g.dir, // so that go list names folders as we do, symbolic links kept
	}
	for name, value := range g.env {
		settings[name] = value
	}
	var env []string
	for _, entry := range os.Environ() {
		name, _, _ := strings.Cut(entry, "=")
		if _, replaced := settings[name]; !replaced {
			env = append(env, entry)
		}
	}
	for name, value := range settings {
		env = append(env, name+"="+value)
	}
	return env
}

// run returns stdout even if the command failed: go list -e prints what it could find out.
func (g *goCommand) run(args ...string) ([]byte, string, error) {
	ctx, cancel := context.WithTimeout(g.parent, g.timeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, g.path, args...)
	ownGroup(cmd)
	cmd.WaitDelay = 5 * time.Second
	cmd.Dir = g.dir
	cmd.Env = g.environ()
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	if g.parent.Err() != nil {
		return nil, "", failf(codeToolchain, "go %s was interrupted", args[0])
	}
	if ctx.Err() != nil {
		return nil, "", failf(codeToolchain, "go %s in %s did not finish in %s: raise the time limit or ask about fewer packages", args[0], g.dir, g.timeout)
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, "", failf(codeToolchain, "cannot run %s: %v", g.path, err)
	}
	return stdout.Bytes(), strings.TrimSpace(stderr.String()), err
}

// list runs go list -e -deps and hands every package to add. A package with errors is no failure.
func (g *goCommand) list(tests bool, patterns []string, add func(*listed)) error {
	args := []string{"list", "-e", "-deps", listFields}
	if tests {
		args = append(args, "-test")
	}
	if len(g.tags) > 0 {
		args = append(args, "-tags="+strings.Join(g.tags, ","))
	}
	stdout, stderr, err := g.run(append(append(args, "--"), patterns...)...)
	var coded *codedError
	if errors.As(err, &coded) {
		return err
	}
	found := false
	decoder := json.NewDecoder(bytes.NewReader(stdout))
	for {
		var p listed
		if decodeErr := decoder.Decode(&p); decodeErr == io.EOF {
			break
		} else if decodeErr != nil {
			return failf(codeLoad, "go list in %s printed what is no JSON: %v", g.dir, decodeErr)
		}
		found = true
		add(&p)
	}
	if err != nil && !found {
		code := codeLoad
		if strings.Contains(stderr, "GOTOOLCHAIN=local") {
			code = codeToolchain
		}
		return failf(code, "go list in %s failed: %s", g.dir, stderr)
	}
	return nil
}

// settings asks the toolchain for the configuration that go list will use.
func (g *goCommand) settings() (goos, goarch, cgo string, err error) {
	stdout, stderr, err := g.run("env", "GOOS", "GOARCH", "CGO_ENABLED")
	if err != nil {
		var coded *codedError
		if errors.As(err, &coded) {
			return "", "", "", err
		}
		return "", "", "", failf(codeToolchain, "go env in %s failed: %s", g.dir, stderr)
	}
	lines := strings.Split(strings.ReplaceAll(string(stdout), "\r", ""), "\n")
	if len(lines) < 3 {
		return runtime.GOOS, runtime.GOARCH, "0", nil
	}
	return lines[0], lines[1], lines[2], nil
}

// pattern is how go list is told about a directory.
func pattern(root, dir string) string {
	rel, err := filepath.Rel(root, dir)
	if err != nil || rel == ".." || strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return dir
	}
	return fmt.Sprintf(".%c%s", filepath.Separator, rel)
}
