package main

import (
	"go/build"
	"go/build/constraint"
	"go/parser"
	"go/token"
	"path/filepath"
	"sort"
	"strings"
)

type configuration struct {
	GOOS       string   `json:"goos"`
	GOARCH     string   `json:"goarch"`
	Tags       []string `json:"tags"`
	CGO        string   `json:"cgo"`
	Alone      bool     `json:"alone"`
	Impossible bool     `json:"impossible"`
}

// systems lists the ports of Go in the order in which they are tried, each with its architectures.
var systems = []struct {
	goos   string
	arches string
}{
	{"linux", "amd64 arm64 386 arm loong64 mips mips64 mips64le mipsle ppc64 ppc64le riscv64 s390x"},
	{"windows", "amd64 arm64 386 arm"},
	{"darwin", "amd64 arm64"},
	{"freebsd", "amd64 arm64 386 arm riscv64"},
	{"netbsd", "amd64 arm64 386 arm"},
	{"openbsd", "amd64 arm64 386 arm mips64 ppc64 riscv64"},
	{"dragonfly", "amd64"},
	{"solaris", "amd64"},
	{"illumos", "amd64"},
	{"aix", "ppc64"},
	{"plan9", "amd64 386 arm"},
	{"js", "wasm"},
	{"wasip1", "wasm"},
	{"android", "amd64 arm64 386 arm"},
	{"ios", "arm64 amd64"},
}

// oldArches and oldSystems are names that a file suffix can have though Go has no such port now.
var otherSuffixes = map[string]bool{
	"hurd": true, "nacl": true, "zos": true, "amd64p32": true, "armbe": true, "arm64be": true, "mips64p32": true,
	"mips64p32le": true, "ppc": true, "riscv": true, "s390": true, "sparc": true, "sparc64": true,
}

var unixSystems = map[string]bool{
	"aix": true, "android": true, "darwin": true, "dragonfly": true, "freebsd": true, "illumos": true, "ios": true,
	"linux": true, "netbsd": true, "openbsd": true, "solaris": true,
}

// impliedSystem: go/build takes a file for the second system on the first too.
var impliedSystem = map[string]string{"android": "linux", "illumos": "solaris", "ios": "darwin"}

func isSystem(name string) bool {
	for _, system := range systems {
		if system.goos == name {
			return true
		}
	}
	return false
}

func isArch(name string) bool {
	for _, system := range systems {
		for _, arch := range strings.Fields(system.arches) {
			if arch == name {
				return true
			}
		}
	}
	return false
}

// configure finds the smallest change of the session's configuration that includes the file.
func (s *session) configure(path string) (any, error) {
	data := readFile(path)
	if data == nil {
		return nil, failf(codeNotLoaded, "%s cannot be read", path)
	}
	expr := constraintOf(path, data)
	tree, _ := parser.ParseFile(token.NewFileSet(), "", data, parser.ImportsOnly)
	usesC := false
	for _, imported := range importPaths(tree) {
		usesC = usesC || imported == "C"
	}
	return s.solve(expr, usesC), nil
}

// constraintOf joins what the name and the header of a file demand; nil if they demand nothing.
func constraintOf(path string, data []byte) constraint.Expr {
	var all []constraint.Expr
	name := strings.TrimSuffix(strings.TrimSuffix(filepath.Base(path), ".go"), "_test")
	if _, suffixes, found := strings.Cut(name, "_"); found {
		parts := strings.Split(suffixes, "_")
		last := parts[len(parts)-1]
		switch {
		case len(parts) >= 2 && isSystem(parts[len(parts)-2]) && isArch(last):
			all = append(all, &constraint.TagExpr{Tag: parts[len(parts)-2]}, &constraint.TagExpr{Tag: last})
		case isSystem(last) || isArch(last) || otherSuffixes[last]:
			all = append(all, &constraint.TagExpr{Tag: last})
		}
	}
	var build constraint.Expr
	var plus []constraint.Expr
	for _, line := range header(data) {
		switch {
		case constraint.IsGoBuild(line):
			if x, err := constraint.Parse(line); err == nil && build == nil {
				build = x
			}
		case constraint.IsPlusBuild(line):
			if x, err := constraint.Parse(line); err == nil {
				plus = append(plus, x)
			}
		}
	}
	if build != nil {
		all = append(all, build)
	} else {
		all = append(all, plus...)
	}
	var joined constraint.Expr
	for _, x := range all {
		if joined == nil {
			joined = x
		} else {
			joined = &constraint.AndExpr{X: joined, Y: x}
		}
	}
	return joined
}

// header is the comment lines before the package clause.
func header(data []byte) []string {
	tree, _ := parser.ParseFile(token.NewFileSet(), "", data, parser.PackageClauseOnly|parser.ParseComments)
	var lines []string
	if tree != nil {
		for _, group := range tree.Comments {
			for _, comment := range group.List {
				if !tree.Package.IsValid() || comment.Pos() < tree.Package {
					lines = append(lines, strings.TrimRight(comment.Text, "\r"))
				}
			}
		}
	}
	return lines
}

// maxFreeTags bounds the search: files that name more tags of their own are answered with the first ones.
const maxFreeTags = 10

func (s *session) solve(expr constraint.Expr, usesC bool) configuration {
	free := freeTags(expr, s.cmd.tags)
	best, bestCost := configuration{Impossible: true, Tags: []string{}}, 1<<30
	for i, system := range s.systemsHostFirst() {
		for j, arch := range s.archesHostFirst(system.arches) {
			for k, cgo := range []string{s.cgo, map[string]string{"0": "1"}[s.cgo] + map[string]string{"1": "0"}[s.cgo]} {
				if usesC && cgo != "1" {
					continue
				}
				for set := range 1 << len(free) {
					tags := []string{}
					for bit, tag := range free {
						if set>>bit&1 == 1 {
							tags = append(tags, tag)
						}
					}
					// Fewest changes first; among those none of tags before one of system.
					cost := 1000*(len(tags)+min(i, 1)+min(k, 1)) + 100*len(tags) + 2*i
					if system.goos == s.goos || j > 0 {
						cost += 1000*min(j, 1) + j
					}
					if cost >= bestCost {
						continue
					}
					if expr == nil || expr.Eval(s.evaluator(system.goos, arch, cgo, tags)) {
						best, bestCost = configuration{GOOS: system.goos, GOARCH: arch, CGO: cgo, Tags: tags}, cost
					}
				}
			}
		}
	}
	for _, tag := range best.Tags {
		best.Alone = best.Alone || tag == "ignore"
	}
	return best
}

func (s *session) evaluator(goos, goarch, cgo string, tags []string) func(string) bool {
	return func(tag string) bool {
		switch {
		case tag == goos, tag == goarch, tag == "gc", tag == impliedSystem[goos]:
			return true
		case tag == "unix":
			return unixSystems[goos]
		case tag == "cgo":
			return cgo == "1"
		}
		for _, lists := range [][]string{tags, s.cmd.tags, build.Default.ReleaseTags} {
			for _, t := range lists {
				if t == tag {
					return true
				}
			}
		}
		return false
	}
}

// freeTags are the tags of an expression that -tags can set.
func freeTags(expr constraint.Expr, set []string) []string {
	found := map[string]bool{}
	var walk func(constraint.Expr)
	walk = func(x constraint.Expr) {
		switch x := x.(type) {
		case *constraint.TagExpr:
			tag := x.Tag
			reserved := tag == "unix" || tag == "cgo" || tag == "gc" || tag == "gccgo" || tag == "boringcrypto" || otherSuffixes[tag]
			if !reserved && !isSystem(tag) && !isArch(tag) && !strings.HasPrefix(tag, "go1.") && !strings.HasPrefix(tag, "goexperiment.") {
				found[tag] = true
			}
		case *constraint.NotExpr:
			walk(x.X)
		case *constraint.AndExpr:
			walk(x.X)
			walk(x.Y)
		case *constraint.OrExpr:
			walk(x.X)
			walk(x.Y)
		}
	}
	walk(expr)
	for _, tag := range set {
		delete(found, tag)
	}
	var tags []string
	for tag := range found {
		tags = append(tags, tag)
	}
	sort.Strings(tags)
	return tags[:min(len(tags), maxFreeTags)]
}

// systemsHostFirst puts the session's own system first.
func (s *session) systemsHostFirst() []struct{ goos, arches string } {
	var ordered []struct{ goos, arches string }
	for _, system := range systems {
		entry := struct{ goos, arches string }{system.goos, system.arches}
		if system.goos == s.goos {
			ordered = append([]struct{ goos, arches string }{entry}, ordered...)
		} else {
			ordered = append(ordered, entry)
		}
	}
	return ordered
}

// archesHostFirst puts the session's own architecture first, where the system has it.
func (s *session) archesHostFirst(arches string) []string {
	var ordered []string
	for _, arch := range strings.Fields(arches) {
		if arch == s.goarch {
			ordered = append([]string{arch}, ordered...)
		} else {
			ordered = append(ordered, arch)
		}
	}
	return ordered
}
