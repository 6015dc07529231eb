package engine

import "hash/maphash"

// index finds tickets by id: an open hash table of numbers into the engine's table of tickets. Unlike a map of strings it keeps the
// hashes, so that it reads a ticket only when it has found it, and gives the collector nothing to look at.
type index struct {
	seed  maphash.Seed
	slots []slot // a power of two of them, at most three quarters taken
	n     int
}

// slot holds a ticket's hash and its number plus one; zero is an empty slot.
type slot struct {
	hash uint32
	id   int32
}

func newIndex() index {
	return index{seed: maphash.MakeSeed(), slots: make([]slot, 64)}
}

func (x *index) hash(id string) uint32 { return uint32(maphash.String(x.seed, id)) }

// find returns the ticket of an id, or nil.
func (x *index) find(table []*ticket, hash uint32, id string) *ticket {
	mask := uint32(len(x.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := x.slots[i]
		switch {
		case s.id == 0:
			return nil
		case s.hash == hash && table[s.id-1].source.ID == id:
			return table[s.id-1]
		}
	}
}

// insert adds a ticket whose id is not there.
func (x *index) insert(t *ticket) {
	if x.n++; 4*x.n > 3*len(x.slots) {
		old := x.slots
		x.slots = make([]slot, 2*len(old))
		for _, s := range old {
			if s.id != 0 {
				x.place(s)
			}
		}
	}
	x.place(slot{t.hash, t.id + 1})
}

func (x *index) place(s slot) {
	mask := uint32(len(x.slots) - 1)
	i := s.hash & mask
	for x.slots[i].id != 0 {
		i = (i + 1) & mask
	}
	x.slots[i] = s
}

// remove takes a ticket out that is there, and moves those up that had to make way.
func (x *index) remove(t *ticket) {
	mask := uint32(len(x.slots) - 1)
	hole := t.hash & mask
	for x.slots[hole].id != t.id+1 {
		hole = (hole + 1) & mask
	}
	for i := (hole + 1) & mask; x.slots[i].id != 0; i = (i + 1) & mask {
		// It may stand in the hole if that is no earlier than where it belongs, counted around the table.
		if home := x.slots[i].hash & mask; (i-home)&mask >= (i-hole)&mask {
			x.slots[hole] = x.slots[i]
			hole = i
		}
	}
	x.slots[hole] = slot{}
	x.n--
}
