package main

import "bytes"

// hollow blanks the bodies of top-level functions in place, so that parsing the rest costs a fraction; no byte moves.
// It knows just enough of Go's tokens to tell a body's braces, and only functions whose "func" begins a line: where it is
// not sure, code stays as it is, which is merely slower. Bytes that end in the middle of something are left alone.
func hollow(src []byte) {
	var bodies [][2]int
	depth := 0
	signature := false   // inside of a top-level function's signature
	body := -1           // where the body being scanned begins
	typeLiteral := false // the token before was "struct" or "interface": its braces hold a type
	for i := 0; i < len(src); {
		switch c := src[i]; {
		case c == '/' && i+1 < len(src) && src[i+1] == '/':
			i = after(src, i, "\n")
			continue
		case c == '/' && i+1 < len(src) && src[i+1] == '*':
			end := bytes.Index(src[i+2:], []byte("*/"))
			if end < 0 {
				return
			}
			i += end + 4
			continue
		case c == '`':
			end := bytes.IndexByte(src[i+1:], '`')
			if end < 0 {
				return
			}
			i += end + 1
		case c == '"' || c == '\'':
			end := quoted(src, i)
			if end < 0 {
				return
			}
			i = end
		case c == '(' || c == '[' || c == '{':
			if c == '{' && depth == 0 && signature && !typeLiteral {
				body, signature = i, false
			}
			depth++
		case c == ')' || c == ']' || c == '}':
			if depth--; depth < 0 {
				return
			}
			if depth == 0 && body >= 0 {
				if c != '}' {
					return
				}
				bodies = append(bodies, [2]int{body + 1, i})
				body = -1
			}
		case letter(c):
			end := wordEnd(src, i)
			if depth == 0 {
				word := string(src[i:end])
				if i == 0 || src[i-1] == '\n' {
					signature = word == "func"
				}
				typeLiteral = word == "struct" || word == "interface"
			}
			i = end
			continue
		case c == ' ' || c == '\t' || c == '\r' || c == '\n':
			i++
			continue
		case c == '=' && depth == 0:
			signature = false // no function declaration has one in front of its body
		}
		if depth == 0 {
			typeLiteral = false
		}
		i++
	}
	if depth != 0 {
		return
	}
	for _, b := range bodies {
		blank(src[b[0]:b[1]])
	}
}

// after is the offset behind the next occurrence of what ends something, or the end.
func after(src []byte, from int, end string) int {
	if n := bytes.Index(src[from:], []byte(end)); n >= 0 {
		return from + n + len(end)
	}
	return len(src)
}

// quoted is the offset of the quote that ends a string or rune, -1 if its line ends before.
func quoted(src []byte, start int) int {
	for i := start + 1; i < len(src); i++ {
		switch src[i] {
		case '\\':
			i++
		case '\n':
			return -1
		case src[start]:
			return i
		}
	}
	return -1
}

func blank(b []byte) {
	for i := range b {
		b[i] = ' '
	}
}
