package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// module is one with packages that get at a method by way of others.
var module = map[string]string{
	"go.mod":         "module m\n\ngo 1.22\n",
	"a/a.go":         "package a\n\n//go:generate x\n\ntype T struct{}\n\nfunc (t *T) Run(n int) {}\n\nfunc (t *T) tend() {}\n\nfunc Free() {}\n\nfunc bare() {}\n",
	"b/b.go":         "package b\n\nimport \"m/a\"\n\ntype B struct{ *a.T }\n\nfunc Get() *B { a.Free(); return nil }\n",
	"c/c.go":         "package c\n\nimport \"m/b\"\n\nfunc c() { b.Get().Run(1); f := b.Get().T.Run; f(2) }\n",
	"c/c_windows.go": "package c\n\nimport \"m/b\"\n\nfunc w() { b.Get().Run(1) }\n",
	"c/c_test.go":    "package c_test\n\nimport (\n\t\"m/b\"\n\t\"testing\"\n)\n\nfunc TestC(t *testing.T) { b.Get().Run(3) }\n",
	"d/d.go":         "package d\n\ntype Runner interface{ Run(n int) }\n\ntype tender interface{ tend() }\n\nfunc Free() {}\n\nfunc bare() { Free() }\n",
}

// about asks for what is known of the function that is declared where text begins in the file.
func about(t *testing.T, s *session, root, file, text string) everywhereAnswer {
	t.Helper()
	path := filepath.Join(root, file)
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := strings.Index(string(data), text)
	name := text[:strings.IndexByte(text, '(')]
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{path}})
	return ask[everywhereAnswer](t, s, request{Op: "everywhere", Object: positionID(path, at, name)})
}

// shown are the references as FILE ROLE, relative to root.
func shown(root string, refs []ref) []string {
	var found []string
	for _, r := range refs {
		rel, _ := filepath.Rel(root, r.Path)
		found = append(found, filepath.ToSlash(rel)+" "+r.Role)
	}
	return found
}

func with(files map[string]string, more ...string) map[string]string {
	all := map[string]string{}
	for name, text := range files {
		all[name] = text
	}
	for i := 0; i < len(more); i += 2 {
		all[more[i]] = more[i+1]
	}
	return all
}

func TestUsesAreFoundByWayOfOtherPackages(t *testing.T) {
	s, root := open(t, module)
	got := about(t, s, root, "a/a.go", "Run(n int)")
	want := []string{"a/a.go declare", "c/c.go call", "c/c.go define", "c/c_test.go call"}
	if refs := shown(root, got.Refs); !slices.Equal(refs[:2], want[:2]) || len(refs) != 4 || refs[3] != want[3] {
		t.Errorf("%v, want %v", refs, want)
	}
	if len(got.Unloaded) != 1 || filepath.Base(got.Unloaded[0]) != "c_windows.go" {
		t.Errorf("unloaded: %v", got.Unloaded)
	}
	if got.Iface != "" || got.Bound != "" {
		t.Errorf("no package that knows T sees an interface: %q, bound %q", got.Iface, got.Bound)
	}
	free := about(t, s, root, "a/a.go", "Free()")
	if refs := shown(root, free.Refs); !slices.Equal(refs, []string{"a/a.go declare", "b/b.go call"}) {
		t.Errorf("another package's function of the same name is another one: %v", refs)
	}
}

func TestInterfacesCountWhereTheTypeIsKnown(t *testing.T) {
	for _, test := range []struct {
		name, method, file, text, want string
	}{
		{"of a package beside it", "Run(n int)", "w/w.go", "package w\n\nimport (\n\t\"m/a\"\n\t\"m/d\"\n)\n\nvar R d.Runner = &a.T{}\n", "m/d.Runner"},
		{"by way of another package", "Run(n int)", "w/w.go", "package w\n\nimport (\n\t\"m/b\"\n\t\"m/d\"\n)\n\nvar R d.Runner = b.Get().T\n", "m/d.Runner"},
		{"of a type that embeds it", "Run(n int)", "w/w.go", "package w\n\nimport \"m/b\"\n\ntype more interface{ Run(n int); more() }\n\ntype W struct{ *b.B }\n\nfunc (W) more() {}\n\nvar R more = W{}\n", "m/w.more"},
		{"inside a function", "Run(n int)", "w/w.go", "package w\n\nimport \"m/a\"\n\nfunc w(v any) { v.(interface{ Run(n int) }).Run(1); a.Free() }\n", "an interface of m/w"},
		{"another signature", "Run(n int)", "w/w.go", "package w\n\nimport \"m/a\"\n\ntype r interface{ Run(n string) }\n\nvar _ = a.Free\n", ""},
		{"another package's unexported method", "tend()", "w/w.go", "package w\n\nimport (\n\t\"m/a\"\n\t_ \"m/d\"\n)\n\nvar _ = a.Free\n", ""},
		{"its own package's unexported method", "tend()", "a/w.go", "package a\n\ntype tender interface{ tend() }\n", "m/a.tender"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, root := open(t, with(module, test.file, test.text))
			if got := about(t, s, root, "a/a.go", test.method); got.Iface != test.want {
				t.Errorf("%q, want %q", got.Iface, test.want)
			}
		})
	}
}

func TestWhatIsNotGoBindsASignature(t *testing.T) {
	for _, test := range []struct {
		name, file, text, want string
	}{
		{"pushed", "a/l.go", "package a\n\nimport _ \"unsafe\"\n\n//go:linkname bare other.bare\n", "linkname"},
		{"pulled", "w/w.go", "package w\n\nimport _ \"unsafe\"\n\n//go:linkname far m/a.bare\nfunc far()\n", "linkname"},
		{"exported to C", "a/l.go", "package a\n\n//export bare\n", "export"},
		{"exported to the host", "a/a.go", "package a\n\n//go:wasmexport other\nfunc bare() {}\n", "export"},
		{"called by assembly", "a/x_amd64.s", "TEXT ·other(SB), 0, $0\n\tCALL ·bare(SB)\n\tRET\n", "assembly"},
		{"another's name begins with it", "a/x_amd64.s", "TEXT ·barely(SB), 0, $0\n\tRET\n", ""},
		{"nothing", "a/l.go", "package a\n", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			s, root := open(t, with(module, test.file, test.text))
			if got := about(t, s, root, "a/a.go", "bare()"); got.Bound != test.want {
				t.Errorf("%q, want %q", got.Bound, test.want)
			}
		})
	}
}

func TestFilesOfOtherModulesAreUnloaded(t *testing.T) {
	const user = "package n\n\nimport \"m/a\"\n\nfunc n() { a.Free() }\n"
	s, root := open(t, with(module,
		"nested/go.mod", "module n\n\nrequire m v0.0.0\n\nreplace m => ../\n", "nested/n.go", user,
		"vendor.go", "//go:build tools\n\npackage m\n\nimport _ \"m/a\"\n",
		"testdata/t.go", user, "_old/o.go", user,
		"a/a_windows.go", "package a\n\nfunc v() { bare() }\n",
	))
	names := func(paths []string) (bases []string) {
		for _, path := range paths {
			bases = append(bases, filepath.Base(path))
		}
		return bases
	}
	if got := names(about(t, s, root, "a/a.go", "Free()").Unloaded); !slices.Equal(got, []string{"n.go"}) {
		t.Errorf("Free: %v", got)
	}
	if got := names(about(t, s, root, "a/a.go", "bare()").Unloaded); !slices.Equal(got, []string{"a_windows.go"}) {
		t.Errorf("bare: %v", got)
	}
}

func TestFunctionsOfOthersAreNotAnswered(t *testing.T) {
	s, root := open(t, module)
	path := filepath.Join(root, "a/a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{path}})
	for _, line := range []string{`{"id":1,"op":"everywhere","object":"x"}`, `{"id":1,"op":"everywhere","object":"/nowhere.go:1:x"}`} {
		if resp := answer(s, []byte(line)); resp.OK || resp.Code != codeNotLoaded {
			t.Errorf("%s: %+v", line, resp)
		}
	}
}
