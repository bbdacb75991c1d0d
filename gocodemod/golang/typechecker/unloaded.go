package main

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

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
		eachWord(data, func(word []byte, _ bool) { file.words[string(word)] = true })
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
