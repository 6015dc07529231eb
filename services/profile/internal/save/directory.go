package save

import (
	"fmt"
	"maps"
	"slices"
	"time"
)

// keptVersions is how many versions before the one in a slot are remembered, for the answer about a conflict.
const keptVersions = 3

// base is the version that a write was made on.
type base struct {
	etag string // "" = an empty slot
	any  bool   // whatever there is
}

// check refuses a write that was made on another version than the one in the slot.
func (b base) check(d *Directory, slot string) error {
	stored, taken := d.Slots[slot]
	switch {
	case b.any:
		return nil
	case taken && b.etag == "":
		return exists(stored)
	case taken && b.etag != stored.ETag:
		return conflict(stored, b.etag)
	case !taken && b.etag != "":
		return conflictWithNothing(slot, b.etag)
	}
	return nil
}

// put stores a save in its slot, with the version that it has from now on, unless there is no room for it. The slots of d are replaced,
// never changed.
func (d *Directory) put(s Save, quota Quota, now time.Time) (Save, error) {
	before, taken := d.Slots[s.Slot]
	after := d.Usage()
	if !taken {
		after.Slots++
	}
	after.Bytes += s.Size - before.Size
	// A player whose quota was lowered may still write what takes no more room than before.
	if after.Slots > quota.Slots && !taken || after.Bytes > quota.Bytes && s.Size > before.Size {
		return Save{}, overQuota(after, quota)
	}
	d.Revision++
	s.ETag = fmt.Sprintf("%x-%.8s", d.Revision, s.Hash)
	s.CreateTime, s.UpdateTime = now, now
	slot := Slot{Save: s}
	if taken {
		slot.CreateTime, slot.UpdateTime = before.CreateTime, later(before.UpdateTime, now)
		earlier := append([]Version{before.Version}, before.Earlier...)
		slot.Earlier = earlier[:min(len(earlier), keptVersions)]
	}
	d.Slots = maps.Clone(d.Slots)
	if d.Slots == nil {
		d.Slots = map[string]Slot{}
	}
	d.Slots[s.Slot] = slot
	return slot.Save, nil
}

// remove empties a slot and returns what was in it.
func (d *Directory) remove(slot string) (Save, error) {
	stored, taken := d.Slots[slot]
	if !taken {
		return Save{}, NotFound(slot)
	}
	d.Revision++
	d.Slots = maps.Clone(d.Slots)
	delete(d.Slots, slot)
	return stored.Save, nil
}

// list returns the saves by slot.
func (d *Directory) list() []Save {
	saves := make([]Save, 0, len(d.Slots))
	for _, slot := range slices.Sorted(maps.Keys(d.Slots)) {
		saves = append(saves, d.Slots[slot].Save)
	}
	return saves
}

// later keeps times from going back where the clocks of two replicas disagree.
func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
