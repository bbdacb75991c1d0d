package main

import (
	"slices"
	"sync"
)

// A wordIndex tells which packages' files hold a word, without parsing them: what does not is not looked into further. Of
// packages that are not ours only words that an interface's method may be are known: what goes before a parenthesis.
type wordIndex struct {
	session *session
	mu      sync.Mutex
	disk    map[string][]uint32 // by the package's key, sorted hashes of the words on disk
}

// holds tells whether any file of a package may hold the word, be it in a comment.
func (x *wordIndex) holds(meta *packageMeta, word string) bool {
	_, found := slices.BinarySearch(x.of(meta), hash([]byte(word)))
	return found
}

// read makes the words of many packages known, in parallel.
func (x *wordIndex) read(packages []*packageMeta) {
	x.session.current.parallel(len(packages), func(i int) { x.of(packages[i]) })
}

func (x *wordIndex) of(meta *packageMeta) []uint32 {
	view := x.session.current
	overlaid := slices.ContainsFunc(meta.files, func(path string) bool { return view.overlay[path] != nil })
	if !overlaid {
		x.mu.Lock()
		known, ok := x.disk[meta.key]
		x.mu.Unlock()
		if ok {
			return known
		}
	}
	seen := map[uint32]bool{}
	for _, path := range meta.files {
		data := readFile(path)
		if o := view.overlay[path]; o != nil {
			data = o.data
		}
		eachWord(data, func(word []byte, called bool) {
			if called || !meta.foreign {
				seen[hash(word)] = true
			}
		})
	}
	found := make([]uint32, 0, len(seen))
	for h := range seen {
		found = append(found, h)
	}
	slices.Sort(found)
	if !overlaid {
		x.mu.Lock()
		x.disk[meta.key] = found
		x.mu.Unlock()
	}
	return found
}

// eachWord goes through what may be an identifier. called: a parenthesis follows, and no selector's dot goes before.
func eachWord(data []byte, do func(word []byte, called bool)) {
	for i := 0; i < len(data); {
		if !letter(data[i]) {
			i++
			continue
		}
		end := wordEnd(data, i)
		next := end
		for next < len(data) && (data[next] == ' ' || data[next] == '\t') {
			next++
		}
		do(data[i:end], next < len(data) && data[next] == '(' && (i == 0 || data[i-1] != '.'))
		i = end
	}
}

// wordEnd is the offset behind the identifier that starts somewhere.
func wordEnd(data []byte, start int) int {
	end := start + 1
	for end < len(data) && (letter(data[end]) || '0' <= data[end] && data[end] <= '9') {
		end++
	}
	return end
}

// letter counts every byte of a character beyond ASCII as one.
func letter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_' || c >= 0x80
}

// hash is FNV-1a: https://datatracker.ietf.org/doc/html/draft-eastlake-fnv
func hash(word []byte) uint32 {
	h := uint32(2166136261)
	for _, c := range word {
		h = (h ^ uint32(c)) * 16777619
	}
	return h
}
