package save

import (
	"fmt"
	"strconv"
	"time"

	"supergame/services/platform/fault"
)

// NotFound is the answer about an empty slot.
func NotFound(slot string) *fault.Error {
	return fault.New(fault.NotFound, "SAVE_NOT_FOUND", "slot %s is empty", slot).With("slot", slot)
}

// notPublic is the same whether the slot, or the player, exists or not.
func notPublic() *fault.Error {
	return fault.New(fault.PermissionDenied, "SAVE_NOT_PUBLIC", "this slot is not for other players")
}

func exists(stored Slot) *fault.Error {
	refused := fault.New(fault.AlreadyExists, "SAVE_EXISTS", "slot %s is not empty: send the etag of the version to replace", stored.Slot).
		With("slot", stored.Slot)
	return name(refused, "stored", stored.Version)
}

// conflict names the version in the slot, and that which the write was based on.
func conflict(stored Slot, base string) *fault.Error {
	refused := fault.New(fault.Aborted, "SAVE_CONFLICT", "slot %s holds another version than the one this was based on", stored.Slot).
		With("slot", stored.Slot)
	refused = name(refused, "stored", stored.Version)
	for _, version := range stored.Earlier {
		if version.ETag == base {
			return name(refused, "base", version)
		}
	}
	return refused.With("base_etag", base)
}

// conflictWithNothing is the conflict with a slot that was emptied.
func conflictWithNothing(slot, base string) *fault.Error {
	return fault.New(fault.Aborted, "SAVE_CONFLICT", "slot %s is empty, the version this was based on is gone", slot).
		With("slot", slot).With("base_etag", base)
}

func name(refused *fault.Error, which string, v Version) *fault.Error {
	refused = refused.With(which+"_etag", v.ETag).With(which+"_sha256", v.Hash).With(which+"_size", strconv.FormatInt(v.Size, 10)).
		With(which+"_update_time", v.UpdateTime.UTC().Format(time.RFC3339Nano))
	if v.Device == "" {
		return refused
	}
	return refused.With(which+"_device", v.Device)
}

// overQuota has no time to come back: only a deletion helps.
func overQuota(u Usage, q Quota) *fault.Error {
	return fault.New(fault.ResourceExhausted, "SAVE_QUOTA", "the player would have %d saves of %d bytes in all, %d saves of %d bytes are allowed: delete some",
		u.Slots, u.Bytes, q.Slots, q.Bytes).
		With("slots", fmt.Sprint(u.Slots)).With("max_slots", fmt.Sprint(q.Slots)).
		With("bytes", fmt.Sprint(u.Bytes)).With("max_bytes", fmt.Sprint(q.Bytes))
}
