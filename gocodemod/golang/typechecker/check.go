package main

import (
	"path/filepath"
	"regexp"
	"sort"
	"strings"
)

type checked struct {
	New        []bodyError `json:"new"`
	Baseline   int         `json:"baseline"`
	Packages   []string    `json:"packages"`
	Incomplete []string    `json:"incomplete"`
	Unchecked  []string    `json:"unchecked"`
}

// check type-checks every package of the changed files, tests included, and all importers of those
// whose API changed, and returns the errors that the code on disk does not have. The overlay is
// laid over the disk, whatever the session's own overlays are, and gone afterwards.
func (s *session) check(files map[string][]byte) (any, error) {
	if err := s.listForCheck(files); err != nil {
		return nil, err
	}
	v := s.overlaidView(files, false)
	if len(v.dirty) > 0 && !s.meta.everything {
		if err := s.listMainModules(); err != nil {
			return nil, err
		}
		v = s.overlaidView(files, false)
	}
	defer func() {
		if v != s.disk {
			v.drop()
		}
	}()
	keys := s.concerned(v)
	before, after := s.errorsBefore(keys), v.errorsOf(keys)
	answer := &checked{New: newErrors(before, after), Baseline: len(before), Packages: []string{}, Incomplete: []string{}, Unchecked: []string{}}
	for path := range files {
		if s.meta.bodyKey(path) == "" {
			answer.Unchecked = append(answer.Unchecked, path)
		}
	}
	sort.Strings(answer.Unchecked)
	for _, key := range keys {
		answer.Packages = append(answer.Packages, key)
		if len(s.missing(v, key)) > 0 {
			answer.Incomplete = append(answer.Incomplete, key)
		}
	}
	return answer, nil
}

// listForCheck makes the test variants of the changed packages known, and what overlays newly import.
func (s *session) listForCheck(files map[string][]byte) error {
	dirs := map[string]bool{}
	for path := range files {
		alone := false
		for _, key := range s.meta.byFile[path] {
			alone = alone || strings.HasPrefix(key, commandLine+":")
		}
		if !alone {
			dirs[filepath.Dir(path)] = true
		}
	}
	if err := s.list(nil, dirs); err != nil {
		return err
	}
	return s.ensureImports(files)
}

// listMainModules makes all packages of the main modules known, to find importers.
func (s *session) listMainModules() error {
	stdout, _, err := s.cmd.run("list", "-m", "-f", "{{.Path}}\t{{.Dir}}")
	if err != nil {
		return nil // not in a module: nothing known imports it from elsewhere
	}
	var patterns []string
	for _, line := range strings.Split(strings.TrimSpace(string(stdout)), "\n") {
		module, dir, _ := strings.Cut(strings.TrimSpace(line), "\t")
		patterns = append(patterns, module+"/...")
		s.meta.roots = append(s.meta.roots, dir)
	}
	s.meta.everything = true
	if err := s.listPatterns(true, patterns); err != nil {
		return err
	}
	for _, meta := range s.meta.packages {
		if meta.main {
			s.meta.tested[meta.dir] = true
		}
	}
	return nil
}

// concerned are the packages to check: those touched, and those of the main modules made dirty.
func (s *session) concerned(v *view) []string {
	wanted := map[string]bool{}
	for key := range v.touched {
		// q [p.test] holds q's files too; only p's own variants say anything new.
		meta := s.meta.packages[key]
		if meta.forTest == "" || withoutVariant(key) == meta.forTest || withoutVariant(key) == meta.forTest+"_test" {
			wanted[key] = true
			s.addExternalTest(wanted, meta)
		}
	}
	for key := range v.dirty {
		meta := s.meta.packages[key]
		if meta.main && (meta.forTest == "" || withoutVariant(key) == meta.forTest || withoutVariant(key) == meta.forTest+"_test") {
			wanted[key] = true
		}
	}
	var keys []string
	for key := range wanted {
		keys = append(keys, key)
	}
	sort.Strings(keys)
	return keys
}

func (s *session) addExternalTest(wanted map[string]bool, meta *packageMeta) {
	if external := meta.path + "_test [" + meta.path + ".test]"; s.meta.packages[external] != nil {
		wanted[external] = true
	}
}

// errorsBefore are the errors of the packages as they are on disk, found once.
func (s *session) errorsBefore(keys []string) []bodyError { return s.disk.errorsOf(keys) }

// errorsOf checks packages in parallel; those that the view leaves alone are the base's.
func (v *view) errorsOf(keys []string) []bodyError {
	bodies := make([]*body, len(keys))
	var roots []string
	for _, key := range keys {
		roots = append(roots, v.dependencies(key)...)
	}
	v.build(roots)
	v.parallel(len(keys), func(i int) {
		owner := v.bodyOwner(keys[i])
		if bodies[i] = owner.known(keys[i]); bodies[i] == nil {
			bodies[i] = owner.checkBody(keys[i], false)
			owner.keep(&body{meta: bodies[i].meta, errors: bodies[i].errors})
		}
	})
	var all []bodyError
	for _, b := range bodies {
		all = append(all, b.errors...)
	}
	return all
}

// positions in a message move when lines are added above them.
var positions = regexp.MustCompile(`[^\s()]*\.go:\d+(:\d+)?`)

func errorKey(e bodyError) string {
	return e.Package + "\x00" + positions.ReplaceAllString(e.Message, "FILE")
}

// newErrors compares the two lists as multisets of package and text, and drops what two variants of
// a package both say.
func newErrors(before, after []bodyError) []bodyError {
	count := map[string]int{}
	for _, e := range before {
		count[errorKey(e)]++
	}
	found := []bodyError{}
	said := map[bodyError]bool{}
	for _, e := range after {
		key := errorKey(e)
		if count[key] > 0 {
			count[key]--
			continue
		}
		if !said[e] {
			said[e] = true
			found = append(found, e)
		}
	}
	sort.SliceStable(found, func(i, j int) bool {
		if found[i].File != found[j].File {
			return found[i].File < found[j].File
		}
		return found[i].Offset < found[j].Offset
	})
	return found
}
