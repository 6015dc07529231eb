package board

import "maps"

// Mark writes into an entry how its player stands, and reports whether that changed it. A tombstone stays as it is.
func (b *Board) Mark(e *Entry, country string, suspended bool) (changed bool) {
	if e.Deleted {
		return false
	}
	if e.Suspended != suspended {
		e.Suspended, changed = suspended, true
	}
	for i := range b.Segments {
		g := &b.Segments[i]
		if g.Source != FromCountry || e.Segments[g.Name] == country {
			continue
		}
		e.Segments = maps.Clone(e.Segments)
		if country == "" {
			delete(e.Segments, g.Name)
		} else {
			if e.Segments == nil {
				e.Segments = map[string]string{}
			}
			e.Segments[g.Name] = country
		}
		changed = true
	}
	return changed
}
