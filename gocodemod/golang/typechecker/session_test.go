package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
)

// open writes a module and starts a session in it. File names are relative to it.
func open(t *testing.T, files map[string]string) (*session, string) {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	goCommand, err := exec.LookPath("go")
	if err != nil {
		t.Skip("no go command")
	}
	s := newSession(context.Background())
	env := map[string]string{"GOOS": "linux", "GOARCH": "amd64", "CGO_ENABLED": "0", "GOWORK": "off"}
	if _, err := s.start(&request{Dir: root, Go: goCommand, Env: env}); err != nil {
		t.Fatal(err)
	}
	return s, root
}

func ask[T any](t *testing.T, s *session, req request) T {
	t.Helper()
	line, err := json.Marshal(map[string]any{
		"id": 7, "op": req.Op, "file": req.File, "files": req.Files, "start": req.Start, "end": req.End, "offset": req.Offset,
		"name": req.Name, "object": req.Object, "overlay": req.Overlay, "content": req.Content,
	})
	if err != nil {
		t.Fatal(err)
	}
	resp := answer(s, line)
	if !resp.OK || resp.ID != 7 {
		t.Fatalf("%s: %+v", req.Op, resp)
	}
	text, err := json.Marshal(resp.Result)
	if err != nil {
		t.Fatal(err)
	}
	var result T
	if err := json.Unmarshal(text, &result); err != nil {
		t.Fatal(err)
	}
	return result
}

func TestWhatFailsIsAnswered(t *testing.T) {
	s, root := open(t, map[string]string{"go.mod": "module m\n", "a.go": "package m\n"})
	for line, code := range map[string]string{
		`{`:                    codeBadRequest,
		`{"id":1,"op":"what"}`: codeBadRequest,
		`{"id":1,"op":"refs","file":"/nowhere.go"}`:                           codeNotLoaded,
		`{"id":1,"op":"refs","file":"` + filepath.Join(root, "a.go") + `"}`:   codeNotLoaded,
		`{"id":1,"op":"start"}`:                                               codeBadRequest,
		`{"id":1,"op":"load","files":"no list"}`:                              codeBadRequest,
		`{"id":1,"op":"configure","file":"` + filepath.Join(root, "b") + `"}`: codeNotLoaded,
	} {
		if resp := answer(s, []byte(line)); resp.OK || resp.Code != code {
			t.Errorf("%s: %+v, want %s", line, resp, code)
		}
	}
	if resp := answer(newSession(context.Background()), []byte(`{"id":1,"op":"load"}`)); resp.Code != codeBadRequest {
		t.Errorf("before start: %+v", resp)
	}
}

func TestAPanicIsOneRequestsFailure(t *testing.T) {
	resp := answer(nil, []byte(`{"id":3,"op":"load"}`))
	if resp.Code != codeInternal || resp.ID != 3 {
		t.Errorf("%+v", resp)
	}
}

func TestServeEndsWithItsInput(t *testing.T) {
	var out strings.Builder
	serve(strings.NewReader("{\"id\":1,\"op\":\"parse\"}\n\n{\"id\":2,\"op\":\"what\"}"), &out)
	if got := strings.Count(out.String(), "\n"); got != 2 {
		t.Errorf("%d answers: %s", got, out.String())
	}
}

func TestOffsetsAreThoseOfTheRawFile(t *testing.T) {
	text := "\xef\xbb\xbfpackage m\r\n\r\n//line other.y:7\r\nvar s = `x\r\ny`\r\n"
	s, root := open(t, map[string]string{"go.mod": "module m\n", "a.go": text})
	file := filepath.Join(root, "a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{file}})
	at := strings.Index(text, "s = ")
	refs := ask[[]ref](t, s, request{Op: "refs", File: file, Start: at, End: at + 1})
	if len(refs) != 1 || refs[0].ValueStart != strings.Index(text, "`") || refs[0].ValueEnd != strings.LastIndex(text, "`")+1 {
		t.Errorf("%+v", refs)
	}
	if want := positionID(file, at, "s"); refs[0].Object != want {
		t.Errorf("%s, want %s", refs[0].Object, want)
	}
}

func TestTypeSwitchVariablesAreOneObject(t *testing.T) {
	text := "package m\n\nfunc f(v any) {\n\tswitch x := v.(type) {\n\tcase int:\n\t\t_ = x\n\tcase string:\n\t\t_ = x\n\t}\n}\n"
	s, root := open(t, map[string]string{"go.mod": "module m\n\ngo 1.22\n", "a.go": text})
	file := filepath.Join(root, "a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{file}})
	at := strings.Index(text, "x :=")
	defined := ask[[]ref](t, s, request{Op: "refs", File: file, Start: at, End: at + 1})[0]
	if defined.Role != "define" {
		t.Errorf("%+v", defined)
	}
	if uses := ask[[]ref](t, s, request{Op: "uses", Object: defined.Object}); len(uses) != 3 {
		t.Errorf("%d uses, want 3", len(uses))
	}
}

func TestImportCyclesAreErrorsAndNoDeadlock(t *testing.T) {
	s, root := open(t, map[string]string{
		"go.mod": "module m\n\ngo 1.22\n",
		"a/a.go": "package a\n\nimport \"m/b\"\n\nfunc A() { b.B() }\n",
		"b/b.go": "package b\n\nimport \"m/a\"\n\nfunc B() { a.A() }\n",
	})
	file := filepath.Join(root, "a/a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{file}})
	ask[[]call](t, s, request{Op: "calls", File: file, End: 100})
}

func TestOutlinesDifferOnlyInWhatImportersCanSee(t *testing.T) {
	const before = "package m\n\nimport \"fmt\"\n\n// F does.\nfunc F(n int) int {\n\treturn n\n}\n\nvar V = fmt.Sprint(1)\n"
	for _, test := range []struct {
		name, old, new string
		same           bool
	}{
		{"body", "return n", "for {\n\t}", true},
		{"comment", "// F does.\n", "", true},
		{"import added", "import \"fmt\"", "import (\n\t\"context\"\n\t\"fmt\"\n)", true},
		{"parameter", "n int", "n int64", false},
		{"meaning of an import", "import \"fmt\"", "import fmt \"log\"", false},
		{"dot import", "import \"fmt\"", "import \"fmt\"\nimport . \"os\"", false},
		{"initial value", "Sprint(1)", "Sprint(2)", false},
		{"declaration", "var V", "var W = 1\n\nvar V", false},
		{"syntax", "return n", "return )", false},
	} {
		s := newSession(context.Background())
		after := strings.Replace(before, test.old, test.new, 1)
		a, b := s.outline([]byte(before)), s.outline([]byte(after))
		if a.equal(b) != test.same {
			t.Errorf("%s: same is %v, want %v", test.name, !test.same, test.same)
		}
		if test.same {
			o := &overlaid{}
			for i := range a.tokens {
				o.oldStarts, o.newStarts = append(o.oldStarts, a.tokens[i].offset), append(o.newStarts, b.tokens[i].offset)
			}
			if got, want := o.moved(strings.Index(before, "V =")), strings.Index(after, "V ="); got != want {
				t.Errorf("%s: V moved to %d, want %d", test.name, got, want)
			}
		}
	}
}

func TestNewErrorsAreAMultisetDifference(t *testing.T) {
	at := func(pkg, message string, line int) bodyError { return bodyError{pkg, message, "f.go", line, 1, line} }
	before := []bodyError{at("p", "x at a.go:1:2", 1), at("p", "y", 2)}
	after := []bodyError{at("p", "x at a.go:9:2", 9), at("p", "y", 3), at("p", "y", 4), at("p", "y", 4), at("q", "y", 3)}
	want := []bodyError{at("q", "y", 3), at("p", "y", 4)}
	if got := newErrors(before, after); !reflect.DeepEqual(got, want) {
		t.Errorf("%v", got)
	}
}

func TestInstancesOfGenericsAreTheirDeclaration(t *testing.T) {
	text := "package m\n\ntype box[T any] struct{ v T }\n\nfunc (b *box[T]) get() T { return b.v }\n\nfunc f() { _ = new(box[int]).get(); _ = box[string]{v: \"\"} }\n"
	s, root := open(t, map[string]string{"go.mod": "module m\n\ngo 1.22\n", "a.go": text})
	file := filepath.Join(root, "a.go")
	ask[[]fileAnswer](t, s, request{Op: "load", Files: []string{file}})
	for name, want := range map[string]int{"v T": 3, "get() T": 2} {
		at := strings.Index(text, name)
		id := positionID(file, at, strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '(' })[0])
		if uses := ask[[]ref](t, s, request{Op: "uses", Object: id}); len(uses) != want {
			t.Errorf("%s: %d uses, want %d", name, len(uses), want)
		}
	}
}
