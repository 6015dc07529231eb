package signing

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"supergame/services/platform/fault"
)

// Ring is the keys as this process knows them. It is safe for concurrent use; Refresh fills it.
type Ring struct {
	store    Store
	sealer   *Sealer
	schedule Schedule
	now      func() time.Time

	mu    sync.Mutex // one refresh at a time
	asked time.Time  // when the last one began
	keys  atomic.Pointer[[]Key]
}

// NewRing makes an empty ring.
func NewRing(store Store, sealer *Sealer, schedule Schedule, now func() time.Time) *Ring {
	return &Ring{store: store, sealer: sealer, schedule: schedule, now: now}
}

// SealError says that a stored key cannot be opened with the sealing keys of this process.
type SealError struct {
	KID   string
	Cause error
}

// Error says what to do about it.
func (e *SealError) Error() string {
	return fmt.Sprintf("signing key %s cannot be unsealed (%v): IDENTITY_SEALING_KEY is not the one that it was sealed with; "+
		"set IDENTITY_SEALING_KEY_BEFORE to that one, or delete the documents in signing-keys", e.KID, e.Cause)
}

// Unwrap returns the cause.
func (e *SealError) Unwrap() error { return e.Cause }

// Refresh reads the keys of all replicas and makes those that are due. A [*SealError] will not go away by itself; the keys that could
// be opened before it stay in use, and the first time there are none.
func (r *Ring) Refresh(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.refresh(ctx)
}

const (
	publishPause   = 5 * time.Second // between two questions to the store by Published
	publishTimeout = time.Second     // of such a question, where keys are known already
)

// Published gives every key that verifies tokens now or soon, also one that another replica has just made. Trouble with the store is
// no reason to hide the keys that are known, nor to wait long.
func (r *Ring) Published(ctx context.Context) ([]Key, error) {
	if r.keys.Load() == nil {
		if err := r.first(ctx); err != nil {
			return nil, err
		}
		return r.Keys(), nil
	}
	if !r.mu.TryLock() { // somebody is asking
		return r.Keys(), nil
	}
	defer r.mu.Unlock()
	if r.now().Sub(r.asked) >= publishPause {
		ctx, cancel := context.WithTimeout(ctx, publishTimeout)
		defer cancel()
		_ = r.refresh(ctx) // the loop asks too, and tells
	}
	return r.Keys(), nil
}

func (r *Ring) first(ctx context.Context) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.keys.Load() != nil {
		return nil
	}
	return r.refresh(ctx)
}

func (r *Ring) refresh(ctx context.Context) error {
	r.asked = r.now()
	stored, err := r.store.List(ctx)
	if err != nil {
		return err
	}
	due := r.schedule.due(r.now(), stored)
	for _, k := range due {
		fresh, err := newKey(r.sealer)
		if err != nil {
			return err
		}
		fresh.ID, fresh.CreateTime, fresh.SignFrom, fresh.ExpireTime = k.ID, k.CreateTime, k.SignFrom, k.ExpireTime
		if err := r.store.Create(ctx, fresh); err != nil {
			return err
		}
	}
	if len(due) > 0 { // another replica's key may stand where ours was meant to
		if stored, err = r.store.List(ctx); err != nil {
			return err
		}
	}
	if err := r.load(stored); err != nil {
		return err
	}
	return r.Ready() // not so when a key that another replica has just made cannot be seen yet
}

func (r *Ring) load(stored []Sealed) error {
	now, keys := r.now(), make([]Key, 0, len(stored))
	var sealed error
	for _, s := range stored {
		if !s.ExpireTime.After(now) {
			continue
		}
		k, known := r.find(s.KID)
		if !known {
			var err error
			if k, err = s.open(r.sealer); err != nil {
				sealed = &SealError{KID: s.KID, Cause: err}
				continue
			}
		}
		keys = append(keys, k)
	}
	// No keys at all is a store that is behind or a new one, not an answer to give to those who would then refuse every token.
	if len(keys) > 0 && (sealed == nil || r.keys.Load() != nil) {
		r.keys.Store(&keys)
	}
	return sealed
}

func (r *Ring) find(kid string) (Key, bool) {
	for _, k := range r.Keys() {
		if k.KID == kid {
			return k, true
		}
	}
	return Key{}, false
}

// Keys gives every key that verifies tokens now or soon. The slice is not to be changed.
func (r *Ring) Keys() []Key {
	if keys := r.keys.Load(); keys != nil {
		return *keys
	}
	return nil
}

// Signer gives the key to sign with: Unavailable while none is known.
func (r *Ring) Signer() (Key, error) {
	k, ok := signer(r.Keys(), r.now())
	if !ok {
		return Key{}, fault.New(fault.Unavailable, "NO_SIGNING_KEY", "no signing key is ready yet, try again").After(time.Second)
	}
	return k, nil
}

// Ready returns nil when tokens can be signed.
func (r *Ring) Ready() error {
	_, err := r.Signer()
	return err
}
