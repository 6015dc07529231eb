// Package policy reads the indexing policy of a container: which paths are indexed, and what a write adds to the index and
// removes from it. It holds no index.
package policy

import (
	"encoding/json"
	"fmt"
	"strings"
)

// Policy is an indexing policy. It is immutable.
type Policy struct {
	// None is true when nothing is indexed, indexingMode "none".
	None bool
	// Composites are the composite indexes.
	Composites [][]Path
	root       *node
}

// Path is one path of a composite index.
type Path struct {
	Segments   []string
	Descending bool
}

// node is one step of the policy's paths. A decision is given where a path ends: exact for "/?", subtree for "/*".
type node struct {
	children       map[string]*node
	exact, subtree decision
	explicit       bool // an included path ends here
}

type decision uint8

const (
	undecided decision = iota
	included
	excluded
)

// arrayStep is the segment of "every element of an array" in a path.
const arrayStep = "[]"

type document struct {
	IndexingPolicy *struct {
		IndexingMode  string `json:"indexingMode"`
		IncludedPaths []struct {
			Path string `json:"path"`
		} `json:"includedPaths"`
		ExcludedPaths []struct {
			Path string `json:"path"`
		} `json:"excludedPaths"`
		CompositeIndexes [][]struct {
			Path  string `json:"path"`
			Order string `json:"order"`
		} `json:"compositeIndexes"`
	} `json:"indexingPolicy"`
}

// Parse reads the policy out of the JSON of a container. A container without one indexes everything but _etag.
func Parse(container []byte) (*Policy, error) {
	var d document
	if err := json.Unmarshal(container, &d); err != nil {
		return nil, fmt.Errorf("indexing policy: %w", err)
	}
	p := &Policy{root: &node{}}
	given := d.IndexingPolicy
	if given == nil {
		return p, p.addAll(included, "/*")
	}
	switch strings.ToLower(given.IndexingMode) {
	case "", "consistent", "lazy":
	case "none":
		p.None = true
	default:
		return nil, fmt.Errorf("indexing policy: indexingMode %q is neither consistent nor none", given.IndexingMode)
	}
	if len(given.IncludedPaths) == 0 && len(given.ExcludedPaths) == 0 {
		p.root.subtree = included
	}
	for _, path := range given.IncludedPaths {
		if err := p.addAll(included, path.Path); err != nil {
			return nil, err
		}
	}
	for _, path := range given.ExcludedPaths {
		if err := p.addAll(excluded, path.Path); err != nil {
			return nil, err
		}
	}
	for _, index := range given.CompositeIndexes {
		if len(index) < 2 {
			return nil, fmt.Errorf("indexing policy: a composite index needs at least two paths")
		}
		var paths []Path
		for _, part := range index {
			segments, err := split(part.Path)
			if err != nil {
				return nil, err
			}
			paths = append(paths, Path{Segments: segments, Descending: strings.EqualFold(part.Order, "descending")})
		}
		p.Composites = append(p.Composites, paths)
	}
	return p, nil
}

func (p *Policy) addAll(d decision, path string) error {
	segments, err := split(path)
	if err != nil {
		return err
	}
	if len(segments) == 0 {
		return fmt.Errorf("indexing policy: path %q ends neither with /* nor with /?", path)
	}
	last := segments[len(segments)-1]
	at := p.root
	for _, s := range segments[:len(segments)-1] {
		if at.children == nil {
			at.children = map[string]*node{}
		}
		if at.children[s] == nil {
			at.children[s] = &node{}
		}
		at = at.children[s]
	}
	switch last {
	case "?":
		at.exact = decide(at.exact, d)
	case "*":
		at.subtree = decide(at.subtree, d)
	default:
		return fmt.Errorf("indexing policy: path %q ends neither with /* nor with /?", path)
	}
	at.explicit = at.explicit || d == included && at != p.root
	return nil
}

// decide lets an included path win over the same path excluded.
func decide(old, d decision) decision {
	if old == included {
		return old
	}
	return d
}

// split takes /a/"b c"/[]/? apart. Quotes are removed.
func split(path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") {
		return nil, fmt.Errorf("indexing policy: path %q does not begin with a slash", path)
	}
	var out []string
	rest := path
	for rest != "" {
		rest = rest[1:] // the slash
		if !strings.HasPrefix(rest, `"`) {
			step, _, _ := strings.Cut(rest, "/")
			if step == "" {
				return nil, fmt.Errorf("indexing policy: path %q has an empty step", path)
			}
			out = append(out, step)
			rest = rest[len(step):]
			continue
		}
		end := strings.IndexByte(rest[1:], '"')
		if end < 0 || len(rest) > end+2 && rest[end+2] != '/' {
			return nil, fmt.Errorf("indexing policy: path %q has an open quote", path)
		}
		out = append(out, rest[1:end+1])
		rest = rest[end+2:]
	}
	return out, nil
}

// Indexes says whether the scalars at a path of a document are in the index.
func (p *Policy) Indexes(segments []string) bool {
	if p.None {
		return false
	}
	if always(segments) {
		return true
	}
	at, now := p.root, p.root.subtree
	for _, s := range segments {
		at, now = at.step(s, now)
	}
	return at.decide(now) == included
}

// Explicit says whether an included path names this path itself and not only one above it.
func (p *Policy) Explicit(segments []string) bool {
	at := p.root
	for _, s := range segments {
		if at, _ = at.step(s, undecided); at == nil {
			return false
		}
	}
	return at.explicit
}

func always(segments []string) bool {
	return len(segments) == 1 && (segments[0] == "id" || segments[0] == "_ts")
}

func (n *node) step(segment string, now decision) (*node, decision) {
	if n == nil {
		return nil, now
	}
	child := n.children[segment]
	if child != nil && child.subtree != undecided {
		now = child.subtree
	}
	return child, now
}

func (n *node) decide(now decision) decision {
	if n != nil && n.exact != undecided {
		return n.exact
	}
	return now
}
