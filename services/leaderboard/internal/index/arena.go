package index

// arena hands out memory that holds no pointers. Small regions are of the Go heap, large ones are asked of the system in huge pages where it
// has them.
type arena struct {
	regions [][]byte // to give back
	rest    []byte   // of the newest region
	scrap   []byte   // of a block that was given back
	unused  map[int][][]byte
	size    int // of all regions, less what was left over of them
	next    int // size of the next region
}

const (
	firstRegion = 64 << 10
	largeRegion = 2 << 20 // from here on of the system: a huge page
	lastRegion  = 64 << 20
	align       = 64 // a cache line
)

// alloc returns n bytes, aligned to a cache line, with whatever was in them.
func (a *arena) alloc(n int) []byte {
	size := (n + align - 1) &^ (align - 1)
	if list := a.unused[size]; len(list) > 0 {
		b := list[len(list)-1]
		a.unused[size] = list[:len(list)-1]
		return b[:n:size]
	}
	if size > len(a.scrap) {
		a.recycle(size)
	}
	from := &a.scrap
	if size > len(a.scrap) {
		if from = &a.rest; size > len(a.rest) {
			a.grow(size)
		}
	}
	b := (*from)[:n:size]
	*from = (*from)[size:]
	return b
}

// recycle finds a block that was given back and is much larger than what is needed, to be cut up: a table that grew leaves one.
func (a *arena) recycle(size int) {
	for n, list := range a.unused {
		if len(list) > 0 && n >= 4*size {
			a.scrap = list[len(list)-1][:n:n]
			a.unused[n] = list[:len(list)-1]
			return
		}
	}
}

func (a *arena) grow(atLeast int) {
	a.next = min(max(2*a.next, firstRegion), lastRegion)
	n := max(a.next, atLeast)
	var region []byte
	if n >= largeRegion {
		n = (n + largeRegion - 1) &^ (largeRegion - 1)
		region = reserve(n)
	} else {
		region = make([]byte, n)
	}
	a.regions = append(a.regions, region)
	a.size += n - len(a.rest)
	a.rest = region
}

// free takes back what alloc gave, for the next one of the same size.
func (a *arena) free(b []byte) {
	size := (cap(b) + align - 1) &^ (align - 1)
	if a.unused == nil {
		a.unused = map[int][][]byte{}
	}
	a.unused[size] = append(a.unused[size], b)
}

func (a *arena) close() {
	for _, region := range a.regions {
		if len(region) >= largeRegion {
			release(region)
		}
	}
	*a = arena{}
}
