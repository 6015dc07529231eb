package text

// flags is what a match in progress remembers besides the node it has reached.
type flags uint32

// A part is what stands between two breaks.
const (
	partOne  flags = 1 << iota // the part has one letter so far
	partMore                   // it has more
	single                     // it may have one only: the one before, across a blank, has more
	crossed                    // a break lies behind that the entry does not have
	middle                     // it began inside of a word
	lettered                   // one letter at least is written as a letter
)

const partBits = partOne | partMore

// state is a match in progress.
type state struct {
	node int32
	flags
}

// scratch is the memory of one run. A state is followed once for each glyph, so a run takes at most as many steps for each as
// the list has states.
type scratch struct {
	now, then []state
	added     map[state]struct{} // those in then
	work      int                // states followed, for a test
}

func (s *scratch) reset() {
	s.then, s.work = s.then[:0], 0
}

// advance begins the next glyph.
func (s *scratch) advance() {
	s.now, s.then = s.then, s.now[:0]
	clear(s.added)
}

func (s *scratch) add(next state) {
	if _, known := s.added[next]; !known {
		s.added[next] = struct{}{}
		s.then = append(s.then, next)
	}
}

// run follows all matches at once, and returns the first that ends.
func (w *WordList) run(s *scratch, glyphs []glyph) (hit int32) {
	for i := range glyphs {
		g := &glyphs[i]
		s.advance()
		if g.sep {
			for _, at := range s.now {
				w.skip(s, at, g)
			}
		}
		for _, at := range s.now {
			if hit := w.spellOn(s, at, g); hit > 0 {
				return hit
			}
		}
		s.work += len(s.now) + roots
		if hit := w.begin(s, g); hit > 0 {
			return hit
		}
	}
	return 0
}

// begin starts matches at a glyph.
func (w *WordList) begin(s *scratch, g *glyph) (hit int32) {
	fresh := flags(0)
	if g.starts {
		hit = w.spellOn(s, state{rootWord, fresh}, g)
	} else {
		fresh = middle
	}
	if hit == 0 {
		hit = w.spellOn(s, state{rootAnywhere, fresh}, g)
	}
	return hit
}

// spellOn reads a glyph as one of the letters that it may be: the next one of the entry, or the last one again.
func (w *WordList) spellOn(s *scratch, at state, g *glyph) (hit int32) {
	n := &w.nodes[at.node]
	for i, letter := range g.options {
		if letter == 0 {
			break
		}
		f := at.flags
		if g.strict || g.foreign || letter == g.raw {
			f |= lettered
		}
		if letter == n.self && (i == 0 || !g.strict) { // a real l is no repeated i: "tilt" has no "tit"
			hit = max(hit, w.reach(s, state{at.node, f | partIfNone(f)}, g))
		}
		if child, ok := n.next[letter]; ok && f&(single|partOne) != single|partOne {
			hit = max(hit, w.reach(s, state{child, longer(f)}, g))
		}
	}
	return hit
}

// partIfNone begins a part with a repeated letter.
func partIfNone(f flags) flags {
	if f&partBits == 0 {
		return partOne
	}
	return 0
}

// longer counts a letter of the part.
func longer(f flags) flags {
	if f&partBits == 0 {
		return f | partOne
	}
	return f&^partOne | partMore
}

// reach adds a state, and reports the category of an entry that ends there.
func (w *WordList) reach(s *scratch, at state, g *glyph) (hit int32) {
	s.add(at)
	n := &w.nodes[at.node]
	switch {
	case at.flags&lettered == 0:
		return 0
	case g.ends:
		return max(n.whole, n.open)
	case at.flags&crossed == 0:
		return n.open
	}
	return 0
}

// skip reads a glyph as a break.
func (w *WordList) skip(s *scratch, at state, g *glyph) {
	if gap := w.nodes[at.node].gap; gap > 0 {
		s.add(state{gap, at.flags &^ (partBits | single)})
	}
	f := at.flags
	switch {
	case f&partBits == 0: // one break behind another
	case f&middle != 0: // what began inside of a word is not sought across breaks
		return
	case g.space && f&partMore != 0:
		f = f&^partBits | crossed | single
	default:
		f = f&^(partBits|single) | crossed
	}
	s.add(state{at.node, f})
}
