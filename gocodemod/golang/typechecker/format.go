package main

import (
	"errors"
	"fmt"
	"go/format"
	"go/parser"
	"go/scanner"
	"go/token"
)

type formatted struct {
	Content []byte `json:"content"`
	Error   string `json:"error"`
}

// formatSource is gofmt for whole files; go/format alone would accept fragments too.
func formatSource(content []byte) formatted {
	if message := parseSource(content); message != "" {
		return formatted{Error: message}
	}
	out, err := format.Source(content)
	if err != nil {
		return formatted{Error: firstError(err)}
	}
	return formatted{Content: out}
}

// parseSource returns what go/parser says about a file, "" if it accepts it.
func parseSource(content []byte) string {
	_, err := parser.ParseFile(token.NewFileSet(), "", content, parser.SkipObjectResolution|parser.ParseComments)
	return firstError(err)
}

func commentsOf(content []byte) []string {
	comments := []string{}
	file, _ := parser.ParseFile(token.NewFileSet(), "", content, parser.SkipObjectResolution|parser.ParseComments)
	if file != nil {
		for _, group := range file.Comments {
			for _, comment := range group.List {
				comments = append(comments, comment.Text)
			}
		}
	}
	return comments
}

// firstError is "line:column: message" of the first syntax error.
func firstError(err error) string {
	var list scanner.ErrorList
	switch {
	case err == nil:
		return ""
	case errors.As(err, &list) && len(list) > 0:
		return fmt.Sprintf("%d:%d: %s", list[0].Pos.Line, list[0].Pos.Column, list[0].Msg)
	default:
		return err.Error()
	}
}
