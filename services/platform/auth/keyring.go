package auth

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"supergame/services/platform/fault"
)

// fetchTimeout bounds one question to the source.
const fetchTimeout = 5 * time.Second

// keyring is the key set in memory.
type keyring struct {
	source KeySource
	now    func() time.Time
	pause  time.Duration

	current atomic.Pointer[map[string]Key] // nil until the first fetch
	group   singleflight.Group
	mu      sync.Mutex
	asked   time.Time // when a fetch last began
}

// find returns a key by id, asking the source again for one that is not known.
func (k *keyring) find(ctx context.Context, kid string) (Key, error) {
	key, found := k.lookup(kid)
	if !found && k.mayAsk() {
		if err := k.fetch(ctx); err == nil {
			key, found = k.lookup(kid)
		}
	}
	switch {
	case k.current.Load() == nil:
		return Key{}, fault.New(fault.Unavailable, ReasonKeysUnavailable, "this server cannot verify access tokens yet; try again").After(time.Second)
	case !found:
		return Key{}, refuse(ReasonTokenKey, "the access token's key is not known")
	case k.expired(key):
		return Key{}, refuse(ReasonTokenKey, "the access token's key has expired")
	}
	return key, nil
}

// valid reports whether what a key has verified still counts: the key may be withdrawn before its time, or end sooner.
func (k *keyring) valid(kid string) bool {
	key, found := k.lookup(kid)
	return found && !k.expired(key)
}

func (k *keyring) expired(key Key) bool {
	return !key.ExpireTime.IsZero() && !k.now().Before(key.ExpireTime)
}

func (k *keyring) lookup(kid string) (Key, bool) {
	keys := k.current.Load()
	if keys == nil {
		return Key{}, false
	}
	key, found := (*keys)[kid]
	return key, found
}

// mayAsk limits how often callers with made-up key ids can make this server ask the source. Those who come while a question is
// under way share its answer.
func (k *keyring) mayAsk() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	since := k.now().Sub(k.asked)
	return k.asked.IsZero() || since >= k.pause || since < 0
}

// fetch replaces the set by the source's answer.
func (k *keyring) fetch(ctx context.Context) error {
	_, err, _ := k.group.Do("", func() (any, error) {
		// The answer is everybody's, so the one who happens to ask first must not take it away by leaving.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), fetchTimeout)
		defer cancel()
		keys, err := k.source.Keys(ctx)
		k.mu.Lock()
		k.asked = k.now()
		k.mu.Unlock()
		if err != nil {
			return nil, err
		}
		next := make(map[string]Key, len(keys))
		for _, key := range keys {
			next[key.ID] = key
		}
		k.current.Store(&next)
		return nil, nil
	})
	return err
}
