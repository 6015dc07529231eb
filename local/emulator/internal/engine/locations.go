package engine

import (
	"hash/maphash"
	"sync"
	"sync/atomic"

	"supergame/local/emulator/internal/rawjson"
)

// locations remembers where items stand, so that finding one by its id costs one read of the store and not two. It is a guess: who
// uses it looks whether the item really stands there, and else asks the store. An entry is put over another one in its slot.
type locations struct {
	seed  maphash.Seed
	slots atomic.Pointer[[]location]

	mu     sync.Mutex // of growing
	stored int
}

// location is a slot. Its two words are not read together: a mix of two entries is a wrong guess like any other.
type location struct{ hash, at atomic.Uint64 }

const (
	ways          = uint64(2) // slots where an item may be, side by side
	fewLocations  = 1 << 10
	mostLocations = 1 << 21 // 32 MB
)

func (l *locations) init() {
	l.seed = maphash.MakeSeed()
	slots := make([]location, fewLocations)
	l.slots.Store(&slots)
}

func (l *locations) hash(idKey []byte) uint64 { return maphash.Bytes(l.seed, idKey) }

func (l *locations) find(hash uint64) docID {
	slots := *l.slots.Load()
	for i := range ways {
		if s := &slots[(hash^i)%uint64(len(slots))]; s.hash.Load() == hash {
			return docID(s.at.Load())
		}
	}
	return 0
}

// store takes the item's own slot of two, or a free one, or the second.
func (l *locations) store(hash uint64, at docID) {
	slots := *l.slots.Load()
	var s *location
	fresh := false
	for i := range ways {
		s = &slots[(hash^i)%uint64(len(slots))]
		known := s.hash.Load()
		if fresh = known == 0; fresh || known == hash {
			break
		}
	}
	s.at.Store(uint64(at))
	s.hash.Store(hash)
	if fresh && len(slots) < mostLocations {
		l.grow(len(slots))
	}
}

// grow counts a slot that was taken, and doubles the slots when half of them are.
func (l *locations) grow(known int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	old := *l.slots.Load()
	if l.stored++; len(old) != known || l.stored*2 < len(old) {
		return
	}
	slots := make([]location, 2*len(old))
	for i := range old {
		hash := old[i].hash.Load()
		s := &slots[hash%uint64(len(slots))]
		if s.hash.Load() != 0 {
			s = &slots[(hash^1)%uint64(len(slots))]
		}
		s.at.Store(old[i].at.Load())
		s.hash.Store(hash)
	}
	l.slots.Store(&slots)
}

// hasID tells whether a version is of the item with an id.
func (v *version) hasID(id string) bool {
	s := rawjson.Scanner{Data: v.user}
	s.Open('{')
	for !s.Closed('}') {
		name, value := s.Name(), s.Value()
		if string(name) == `"id"` {
			return string(rawjson.Text(value)) == id
		}
	}
	return false
}
