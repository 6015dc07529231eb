package engine

// heap keeps tickets by their wake-ups, the earliest first, equal ones in the order the tickets came. Each knows its place.
type heap []*ticket

func (h heap) less(i, j int) bool {
	return h[i].wake < h[j].wake || h[i].wake == h[j].wake && h[i].seq < h[j].seq
}

func (h heap) swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].slot, h[j].slot = i, j
}

func (h *heap) push(t *ticket) {
	t.slot = len(*h)
	*h = append(*h, t)
	h.up(t.slot)
}

func (h *heap) pop() *ticket {
	t := (*h)[0]
	h.remove(t)
	return t
}

// remove takes a ticket out; one that is not in does not matter.
func (h *heap) remove(t *ticket) {
	i := t.slot
	if i < 0 {
		return
	}
	last := len(*h) - 1
	h.swap(i, last)
	(*h)[last] = nil
	*h = (*h)[:last]
	t.slot = -1
	if i < last {
		h.down(i)
		h.up(i)
	}
}

func (h heap) up(i int) {
	for i > 0 && h.less(i, (i-1)/2) {
		h.swap(i, (i-1)/2)
		i = (i - 1) / 2
	}
}

func (h heap) down(i int) {
	for {
		child := 2*i + 1
		if child >= len(h) {
			return
		}
		if child+1 < len(h) && h.less(child+1, child) {
			child++
		}
		if !h.less(child, i) {
			return
		}
		h.swap(i, child)
		i = child
	}
}
