package policy

import (
	"hash/fnv"
	"slices"

	"supergame/local/emulator/internal/rawjson"
)

// termsPerScalar is what one indexed scalar adds to the index: an inverted term for its path and value, and a forward one.
const termsPerScalar = 2

// Changes counts the terms that a write removes and inserts. before is nil for a create, after for a delete; both are valid JSON.
// The id and _ts of an item are always indexed; its other system properties never are.
func (p *Policy) Changes(before, after []byte) (removed, inserted int) {
	if p.None {
		return 0, 0
	}
	old, fresh := p.terms(before), p.terms(after)
	removed = termsPerScalar*missing(old.scalars, fresh.scalars) + missing(old.composites, fresh.composites)
	inserted = termsPerScalar*missing(fresh.scalars, old.scalars) + missing(fresh.composites, old.composites)
	return removed, inserted
}

type termSet struct{ scalars, composites []uint64 } // hashes, sorted, no duplicates

// missing counts what is in a and not in b.
func missing(a, b []uint64) (n int) {
	j := 0
	for _, term := range a {
		for j < len(b) && b[j] < term {
			j++
		}
		if j >= len(b) || b[j] != term {
			n++
		}
	}
	return n
}

func (p *Policy) terms(doc []byte) termSet {
	if doc == nil {
		return termSet{}
	}
	w := walker{Scanner: rawjson.Scanner{Data: doc}}
	w.object(p.root, p.root.subtree, offset64, true)
	slices.Sort(w.terms)
	set := termSet{scalars: slices.Compact(w.terms)}
	for _, index := range p.Composites {
		if term, ok := compositeTerm(doc, index); ok {
			set.composites = append(set.composites, term)
		}
	}
	slices.Sort(set.composites)
	return set
}

// compositeTerm hashes the values of a composite index; an item that lacks one of them is not in it.
func compositeTerm(doc []byte, index []Path) (uint64, bool) {
	h := fnv.New64a()
	for _, path := range index {
		value, ok := lookup(doc, path.Segments)
		if !ok || value[0] == '{' || value[0] == '[' {
			return 0, false
		}
		for _, segment := range path.Segments {
			_, _ = h.Write([]byte(segment))
		}
		_, _ = h.Write(value)
	}
	return h.Sum64(), true
}

// walker visits the scalars of a document together with the policy.
type walker struct {
	rawjson.Scanner
	terms []uint64
}

const (
	offset64 = 14695981039346656037
	prime64  = 1099511628211
)

func mix(h uint64, b []byte) uint64 {
	for _, c := range b {
		h = (h ^ uint64(c)) * prime64
	}
	return (h ^ 0xff) * prime64
}

func (w *walker) object(at *node, now decision, path uint64, root bool) {
	w.Open('{')
	for !w.Closed('}') {
		name := rawjson.Text(w.Name())
		if root && isSystem(name) {
			w.Value()
			continue
		}
		child, inherited := at.step(string(name), now)
		if root && (string(name) == "id" || string(name) == "_ts") {
			child, inherited = nil, included
		}
		w.value(child, inherited, mix(path, name))
	}
}

func (w *walker) array(at *node, now decision, path uint64) {
	child, inherited := at.step(arrayStep, now)
	path = mix(path, []byte(arrayStep))
	w.Open('[')
	for !w.Closed(']') {
		w.value(child, inherited, path)
	}
}

func (w *walker) value(at *node, now decision, path uint64) {
	if at == nil && now != included { // nothing below can be in the index
		w.Value()
		return
	}
	switch w.Peek() {
	case '{':
		w.object(at, now, path, false)
	case '[':
		w.array(at, now, path)
	default:
		raw := w.Value()
		if at.decide(now) == included {
			w.terms = append(w.terms, mix(path, raw))
		}
	}
}

func isSystem(name []byte) bool {
	switch string(name) {
	case "_rid", "_self", "_etag", "_attachments", "_lsn":
		return true
	}
	return false
}

// lookup gives the value at a path of properties.
func lookup(doc []byte, segments []string) ([]byte, bool) {
	s := rawjson.New(doc)
	for _, want := range segments {
		if s.Peek() != '{' {
			return nil, false
		}
		s.Open('{')
		found := false
		for !found && !s.Closed('}') {
			if found = string(rawjson.Text(s.Name())) == want; !found {
				s.Value()
			}
		}
		if !found {
			return nil, false
		}
	}
	value := s.Value()
	return value, s.OK()
}
