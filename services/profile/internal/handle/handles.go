package handle

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/profile/internal/profile"
)

// Reserved is how long a handle that was given up is kept for its former owner.
const Reserved = 30 * 24 * time.Hour

// Grace is how long the call that made a claim has to finish it. It is far more than any call takes.
const Grace = 30 * time.Second

// Moderator judges texts that others will see.
type Moderator interface {
	// Check returns the fault that refuses a handle of a player; nil = it may be shown. Path is the field of the request that holds it.
	Check(ctx context.Context, playerID, path, handle string) error
}

// Handles gives handles to players and finds players by them.
type Handles struct {
	Profiles     Profiles
	Reservations Reservations
	Moderator    Moderator // nil = every well-formed handle passes
	Key          []byte    // names former owners, for those who know the player and the key
	Now          func() time.Time
	// Erased reports whether a player is being erased, so that he is gone before his documents are; nil = nobody is.
	Erased func(playerID string) bool
	Tokens pagetoken.Codec
}

// Request is a request for a handle.
type Request struct {
	PlayerID  string // whose; "" = the caller's own
	Handle    string // "" = give up the one there is
	RequestID string
}

// maxTries bounds how often a step begins again because somebody else was faster. Each time one of them got on.
const maxTries = 16

// errOpen says that a claim is open already.
var errOpen = errors.New("a claim is open")

// Claim gives a player the handle he asks for and returns his profile.
func (h *Handles) Claim(ctx context.Context, caller profile.Caller, r Request) (profile.Profile, error) {
	playerID, err := whose(caller, r.PlayerID)
	if err != nil {
		return profile.Profile{}, err
	}
	var want Name
	if r.Handle != "" {
		if want, err = Parse(r.Handle); err != nil {
			return profile.Profile{}, err
		}
		if h.Moderator != nil {
			if err := h.Moderator.Check(ctx, playerID, "handle", want.Shown); err != nil {
				return profile.Profile{}, err
			}
		}
	}
	edit := Edit{PlayerID: playerID, Caller: nameOf(caller), RequestID: r.RequestID, Content: []byte("handle " + want.Shown)}
	for range maxTries {
		owner, began, err := h.begin(ctx, edit, want)
		if errors.Is(err, errOpen) {
			if err = h.Resume(ctx, playerID); err == nil {
				continue
			}
		}
		switch {
		case err != nil:
			return profile.Profile{}, err
		case owner.Claim == nil && (!began || owner.Handle == want.Shown):
			return owner.Profile, nil // there is nothing to do, or it was done before
		}
		if owner, err = h.finish(ctx, owner); err != nil {
			return profile.Profile{}, err
		}
		if began && owner.Handle == want.Shown {
			return owner.Profile, nil
		}
		// Others finished the claim. They may have undone it: then it is forgotten, and begins anew; else it is answered as done before.
	}
	return profile.Profile{}, contention()
}

// begin writes the claim into the profile, unless the edit was stored before: then it reports false. A name that is taken is refused before
// anything is written.
func (h *Handles) begin(ctx context.Context, e Edit, want Name) (owner Owner, began bool, err error) {
	owner, err = h.Profiles.Update(ctx, e, func(o *Owner) (bool, error) {
		began = true
		switch {
		case o.Claim != nil:
			return false, errOpen
		case o.Handle == want.Shown:
			return false, nil
		}
		for _, key := range want.Keys {
			if err := h.look(ctx, o.PlayerID, want, key); err != nil {
				return false, err
			}
		}
		o.open(want, h.now())
		return true, nil
	})
	return owner, began, err
}

// open begins a claim. To give up a handle is to leave it at once.
func (o *Owner) open(want Name, now time.Time) {
	o.Claims++
	o.Claim = &Claim{Number: o.Claims, State: Take, Name: want.Shown, Due: now.Add(Grace)}
	if want.Shown == "" {
		o.Claim.State, o.Claim.Name = Drop, o.Handle
		o.show("", now)
	}
}

// show makes a name the player's.
func (o *Owner) show(handle string, now time.Time) {
	o.Handle = handle
	if now.After(o.UpdateTime) {
		o.UpdateTime = now
	}
}

// look refuses a name when one of its looks is taken, as far as reading tells.
func (h *Handles) look(ctx context.Context, playerID string, want Name, key string) error {
	held, err := h.Reservations.Newest(ctx, key)
	switch {
	case err != nil:
		return err
	case held == nil || held.Owner == playerID:
		return nil
	case held.Owner == "":
		if h.free(held, playerID) {
			return nil
		}
		return taken(want)
	}
	other, err := h.Profiles.Newest(ctx, held.Owner)
	switch {
	case fault.Is(err, fault.NotFound):
		return nil
	case err == nil && other.names(held):
		return taken(want)
	}
	return err
}

// free reports whether a player may take a reservation that was released.
func (h *Handles) free(released *Reservation, playerID string) bool {
	return !h.now().Before(released.Until) || hmac.Equal([]byte(released.Former), []byte(h.former(released.Key, playerID)))
}

// former names a player as the former owner of one reservation. It is another name on each, so that nobody can tell from the released ones
// which belonged together.
func (h *Handles) former(key, playerID string) string {
	mac := hmac.New(sha256.New, h.Key)
	mac.Write([]byte(key + " " + playerID)) // a hash does not fail; neither holds a blank
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)[:16])
}

// names reports whether a player's profile says that a reservation is his: of the handle he has, or of one that a claim is about.
func (o *Owner) names(r *Reservation) bool {
	return o.isNamed(o.Handle, r) || o.Claim != nil && o.isNamed(o.Claim.Name, r)
}

// isNamed compares the names too: the tables that the keys came from may have been others.
func (*Owner) isNamed(name string, r *Reservation) bool {
	return name != "" && (name == r.Handle || stored(name).has(r.Key))
}

// now has the resolution that is stored.
func (h *Handles) now() time.Time { return h.Now().UTC().Truncate(time.Millisecond) }

// whose returns the id of the player whom a caller wants to change.
func whose(c profile.Caller, playerID string) (string, error) {
	switch {
	case playerID == "" && !c.Player:
		return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case playerID == "":
		return c.Subject, nil
	case !c.Operator && (!c.Player || c.Subject != playerID):
		return "", fault.New(fault.PermissionDenied, "NOT_YOUR_PROFILE", "a player changes his own profile only")
	}
	return playerID, nil
}

// nameOf tells callers of different roles apart, even when their subjects are the same text.
func nameOf(c profile.Caller) string {
	if c.Player {
		return "player " + c.Subject
	}
	return "operator " + c.Subject
}
