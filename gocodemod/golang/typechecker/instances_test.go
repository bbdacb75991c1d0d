package main

import (
	"path/filepath"
	"reflect"
	"sort"
	"strings"
	"testing"
)

// instancesIn asks about the type T of the first file; what it says is given as "file:text of the line".
func instancesIn(t *testing.T, files map[string]string) (instancesAnswer, func([]place) []string) {
	t.Helper()
	if files["go.mod"] == "" {
		files["go.mod"] = "module m\n\ngo 1.22\n"
	}
	s, root := open(t, files)
	file := filepath.Join(root, "a/a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{file}})
	at := strings.Index(files["a/a.go"], "T struct")
	found := ask[instancesAnswer](t, s, request{Op: "instances", Object: positionID(file, at, "T")})
	return found, func(places []place) []string {
		lines := []string{}
		for _, p := range places {
			name, _ := filepath.Rel(root, p.Path)
			before := files[name][:p.Start]
			line := files[name][strings.LastIndexByte(before, '\n')+1:]
			line, _, _ = strings.Cut(line, "\n")
			lines = append(lines, name+": "+strings.TrimSpace(line))
		}
		sort.Strings(lines)
		return lines
	}
}

func places(uses []instanceUse) (found []place) {
	for _, u := range uses {
		found = append(found, place{u.Path, u.Start})
	}
	return found
}

const declaresT = "package a\n\ntype T struct{ n int }\n\nfunc New() *T { return &T{} }\n\nfunc (t *T) N() int { return t.n }\n"

func TestLiteralsOfATypeInAllPackages(t *testing.T) {
	found, _ := instancesIn(t, map[string]string{
		"a/a.go":           declaresT + "\nvar many = []*T{{n: 1}, {2}}\n",
		"a/a_test.go":      "package a\n\nvar tested = &T{n: 3}\n",
		"a/other_test.go":  "package a_test\n\nimport \"m/a\"\n\nvar outside = a.T{}\n",
		"b/b.go":           "package b\n\nimport alias \"m/a\"\n\nvar made = &alias.T{}\n",
		"b/b_test.go":      "package b\n\nimport \"m/a\"\n\nvar madeToo = a.New()\n",
		"c/not_of_this.go": "package c\n\ntype T struct{}\n\nvar t = T{}\n",
	})
	var got []string
	for _, l := range found.Literals {
		text := filepath.Base(l.Path)
		if l.Keyed {
			text += " keyed"
		}
		if l.Outside {
			text += " outside"
		}
		got = append(got, text)
	}
	sort.Strings(got)
	want := []string{"a.go", "a.go keyed", "a.go keyed", "a_test.go keyed", "b.go keyed outside", "other_test.go keyed outside"}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	if len(found.Zero)+len(found.Copied)+len(found.Compared)+len(found.Embedded)+len(found.Measured)+len(found.Unloaded) > 0 {
		t.Errorf("%+v", found)
	}
}

func TestTheZeroValueComesToBeInManyWays(t *testing.T) {
	uses := "package b\n\nimport (\n\t\"m/a\"\n\t\"sync/atomic\"\n)\n\n" +
		"var one a.T\nvar two = new(a.T)\nvar three []a.T\nvar four map[string]a.T\ntype five struct{ t a.T }\n" +
		"type six = a.T\ntype seven a.T\nfunc id[X any](x *X) *X { return x }\nvar eight = id(a.New())\n" +
		"type box[X any] struct{ x X }\nvar nine box[a.T]\nvar ten chan a.T\nvar eleven = make([]a.T, 3)\nvar twelve [2]a.T\n"
	right := "var good atomic.Pointer[a.T]\nvar well *a.T\nvar right []*a.T\nvar fine box[*a.T]\ntype also struct{ *a.T }\n"
	found, lines := instancesIn(t, map[string]string{"a/a.go": declaresT, "b/b.go": uses + right})
	want := []string{}
	for _, line := range strings.Split(uses, "\n")[7:] {
		if line != "" && !strings.HasPrefix(line, "func id") && !strings.HasPrefix(line, "type box") {
			want = append(want, "b/b.go: "+line)
		}
	}
	sort.Strings(want)
	if got := lines(places(found.Zero)); !reflect.DeepEqual(got, want) {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	if got := lines(found.Embedded); !reflect.DeepEqual(got, []string{"b/b.go: type also struct{ *a.T }"}) {
		t.Errorf("%q", got)
	}
}

func TestValuesThatAreCopiedComparedOrMeasured(t *testing.T) {
	found, lines := instancesIn(t, map[string]string{
		"a/a.go":     declaresT,
		"b/b.go":     "package b\n\nimport \"m/a\"\n\nfunc clone() {\n\tp := a.New()\n\tq := *p\n\t_ = q == *p\n}\n",
		"c/c.go":     "package c\n\nimport (\n\t\"m/a\"\n\t\"unsafe\"\n)\n\ntype u struct{ n int }\n\nfunc f(p *a.T) {\n\t_ = unsafe.Pointer(p)\n}\n",
		"d/d.go":     "package d\n\nimport \"m/a\"\n\nfunc reset(p *a.T) {\n\t*p = a.T{}\n}\n",
		"d/other.go": "//go:build never\n\npackage d\n\nimport \"m/a\"\n\nvar t a.T\n",
	})
	if got := lines(found.Copied); !reflect.DeepEqual(got, []string{"b/b.go: q := *p", "d/d.go: *p = a.T{}"}) {
		t.Errorf("copied: %q", got)
	}
	if got := lines(found.Compared); len(got) == 0 || got[0] != "b/b.go: _ = q == *p" {
		t.Errorf("compared: %q", got)
	}
	if got := lines(found.Measured); !reflect.DeepEqual(got, []string{"c/c.go: _ = unsafe.Pointer(p)"}) {
		t.Errorf("measured: %q", got)
	}
	if len(found.Unloaded) != 1 || filepath.Base(found.Unloaded[0]) != "other.go" {
		t.Errorf("unloaded: %q", found.Unloaded)
	}
}

func TestAllFieldsMayBeCompared(t *testing.T) {
	found, lines := instancesIn(t, map[string]string{
		"a/a.go":      declaresT,
		"a/a_test.go": "package a\n\nimport \"reflect\"\n\nvar same = reflect.DeepEqual(New(), New())\nvar other = reflect.DeepEqual(New().N(), 1)\n",
	})
	want := "a/a_test.go: var same = reflect.DeepEqual(New(), New())"
	if got := lines(found.Compared); !reflect.DeepEqual(got, []string{want, want}) {
		t.Errorf("%q", got)
	}
}

func TestConversionsLookAtTheLayout(t *testing.T) {
	found, lines := instancesIn(t, map[string]string{
		"a/a.go": "package a\n\ntype T struct{ n int }\n\ntype u struct{ n int }\n\nfunc f(x u) *T {\n\tt := T(x)\n\treturn &t\n}\n",
	})
	if got := lines(found.Measured); !reflect.DeepEqual(got, []string{"a/a.go: t := T(x)"}) {
		t.Errorf("%q", got)
	}
}
