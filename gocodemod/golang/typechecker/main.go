// Command typechecker answers questions about Go code over JSON lines on stdin and stdout.
//
// It is the Go side of gocodemod/golang/types.py: standard library only, needs Go 1.22 or later to
// build, compiles nothing and needs no C toolchain. One request is answered before the next is read;
// the end of stdin ends the process.
//
//	{"id":1,"op":"refs","file":"/a/b.go","start":10,"end":20}
//	{"id":1,"ok":true,"result":[...]}
//	{"id":1,"error":"...","code":"not-loaded"}
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime/debug"
)

// A request holds the arguments of every op; each op reads the ones it knows.
// Byte strings travel as base64, offsets are bytes into the raw file.
type request struct {
	ID      int64             `json:"id"`
	Op      string            `json:"op"`
	Dir     string            `json:"dir"`
	Go      string            `json:"go"`
	Tags    []string          `json:"tags"`
	Env     map[string]string `json:"env"`
	Tests   bool              `json:"tests"`
	Timeout float64           `json:"timeout"`
	Files   []string          `json:"files"`
	Alone   bool              `json:"alone"`
	Overlay map[string][]byte `json:"overlay"`
	File    string            `json:"file"`
	Start   int               `json:"start"`
	End     int               `json:"end"`
	Offset  int               `json:"offset"`
	Spans   [][2]int          `json:"spans"`
	Name    string            `json:"name"`
	Object  string            `json:"object"`
	Content []byte            `json:"content"`
}

type response struct {
	ID     int64  `json:"id"`
	OK     bool   `json:"ok"`
	Result any    `json:"result,omitempty"`
	Error  string `json:"error,omitempty"`
	Code   string `json:"code,omitempty"`
}

// Codes of failed requests; the client turns each into one kind of exception.
const (
	codeNotLoaded  = "not-loaded"
	codeBadRequest = "bad-request"
	codeInternal   = "internal"
	codeToolchain  = "toolchain"
	codeLoad       = "load"
)

type codedError struct {
	code string
	text string
}

func (e *codedError) Error() string { return e.text }

func failf(code, format string, args ...any) error {
	return &codedError{code, fmt.Sprintf(format, args...)}
}

func main() {
	// Alias nodes are wanted whatever the go line of go.mod says: generic aliases need them.
	os.Setenv("GODEBUG", "gotypesalias=1")
	// Most of what is allocated while loading lives as long as the process.
	debug.SetGCPercent(400)
	serve(os.Stdin, os.Stdout)
}

// serve answers line by line. When stdin ends, a go command that is running is stopped.
func serve(in io.Reader, out io.Writer) {
	ctx, cancel := context.WithCancel(context.Background())
	lines := make(chan []byte, 16)
	go func() {
		defer close(lines)
		defer cancel()
		reader := bufio.NewReaderSize(in, 1<<16)
		for {
			line, err := reader.ReadBytes('\n')
			if len(bytes.TrimSpace(line)) > 0 {
				lines <- line
			}
			if err != nil {
				return
			}
		}
	}()
	writer := bufio.NewWriterSize(out, 1<<16)
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	s := newSession(ctx)
	for line := range lines {
		encoder.Encode(answer(s, line))
		writer.Flush()
	}
}

// answer runs one request; a panic inside an op is that request's failure, not the process's.
func answer(s *session, line []byte) (resp response) {
	var req request
	if err := json.Unmarshal(line, &req); err != nil {
		return response{ID: req.ID, Error: err.Error(), Code: codeBadRequest}
	}
	defer func() {
		if p := recover(); p != nil {
			resp = response{ID: req.ID, Error: fmt.Sprintf("panic: %v\n%s", p, debug.Stack()), Code: codeInternal}
		}
	}()
	result, err := dispatch(s, &req)
	if err != nil {
		code := codeInternal
		var coded *codedError
		if errors.As(err, &coded) {
			code = coded.code
		}
		return response{ID: req.ID, Error: err.Error(), Code: code}
	}
	return response{ID: req.ID, OK: true, Result: result}
}

func dispatch(s *session, req *request) (any, error) {
	switch req.Op {
	case "format":
		return formatSource(req.Content), nil
	case "parse":
		return parseSource(req.Content), nil
	case "comments":
		return commentsOf(req.Content), nil
	case "start":
		return s.start(req)
	}
	if !s.started {
		return nil, failf(codeBadRequest, "%s before start", req.Op)
	}
	switch req.Op {
	case "load":
		return s.load(req.Files, req.Alone)
	case "overlay":
		return s.setOverlay(req.Overlay)
	case "check":
		return s.check(req.Overlay)
	case "configure":
		return s.configure(req.File)
	case "uses":
		return s.uses(req.Object)
	case "object":
		return s.object(req.Object)
	case "everywhere":
		return s.everywhere(req.Object)
	case "instances":
		return s.instances(req.Object)
	case "constructions":
		return s.constructions(req.Object)
	case "members":
		return s.members(req.Object)
	case "implemented":
		return s.implemented(req.Object)
	case "implementations":
		return s.implementations(req.Object)
	case "structure":
		return s.structure(req.Object)
	}
	ask, known := questions[req.Op]
	if !known {
		return nil, failf(codeBadRequest, "unknown op %q", req.Op)
	}
	q, err := s.question(req.File)
	if err != nil {
		return nil, err
	}
	return ask(q, req)
}

// questions are the ops about one loaded file.
var questions = map[string]func(*question, *request) (any, error){
	"expr":      func(q *question, r *request) (any, error) { return q.expr(r.Start, r.End), nil },
	"exprs":     func(q *question, r *request) (any, error) { return q.exprs(r.Spans), nil },
	"holds":     func(q *question, r *request) (any, error) { return q.holds(r.Start, r.End), nil },
	"refs":      func(q *question, r *request) (any, error) { return q.refs(r.Start, r.End), nil },
	"calls":     func(q *question, r *request) (any, error) { return q.calls(r.Start, r.End), nil },
	"functions": func(q *question, r *request) (any, error) { return q.functions(r.Offset) },
	"visible":   func(q *question, r *request) (any, error) { return q.visible(r.Offset) },
	"lookup":    func(q *question, r *request) (any, error) { return q.lookup(r.Offset, r.Name) },
}
