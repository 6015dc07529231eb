package save

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"supergame/services/platform/fault"
)

// Moderator decides whether others may see a text of a player.
type Moderator interface {
	// Check returns nil when the text may be stored; path is the field of the request that holds it. A refusal is a fault, INVALID_ARGUMENT
	// naming the path as a rule.
	Check(ctx context.Context, playerID, path, text string) error
}

// Saves reads and writes saved games.
type Saves struct {
	Store     Store
	Quota     Quota
	Moderator Moderator        // of the descriptions of public saves; nil = everything passes
	Now       func() time.Time // for create and update times
}

// Put is a request to write a save.
type Put struct {
	PlayerID     string // "" = the caller
	Save         Save   // what is to be known of it; versions and times are not read
	Content      []byte
	ExpectedHash string // what the client has as the hash of the content; "" = not checked
	ETag         string // the version it is based on; "" = none
	Overwrite    bool   // whatever the slot holds
	RequestID    string
}

// Put stores a save and returns what is known of it then.
func (s *Saves) Put(ctx context.Context, caller Caller, p Put) (Save, error) {
	playerID, err := caller.target(p.PlayerID)
	if err != nil {
		return Save{}, err
	}
	next, err := p.save()
	if err != nil {
		return Save{}, err
	}
	if next.Public && next.Description != "" && s.Moderator != nil {
		if err := s.Moderator.Check(ctx, playerID, descriptionField, next.Description); err != nil {
			return Save{}, err
		}
	}
	change := Change{
		PlayerID: playerID, Slot: next.Slot, Caller: caller.name(), RequestID: p.RequestID, Request: asked("put", next), Content: p.Content,
	}
	return s.Store.Change(ctx, change, func(d *Directory) (Save, error) {
		if err := (base{p.ETag, p.Overwrite}).check(d, next.Slot); err != nil {
			return Save{}, err
		}
		return d.put(next, s.Quota, s.now())
	})
}

// save checks the request and returns what it wants to be known of the save.
func (p Put) save() (Save, error) {
	next := p.Save
	if p.Overwrite && p.ETag != "" {
		return Save{}, fault.Invalid("etag", "is set although `overwrite` is: there is no version to compare then")
	}
	if n := len(p.Content); n == 0 || n > MaxContent {
		return Save{}, fault.Invalid("content", "has %d bytes, 1 to %d are allowed", n, MaxContent)
	}
	sum := sha256.Sum256(p.Content)
	next.Hash, next.Size = hex.EncodeToString(sum[:]), int64(len(p.Content))
	if p.ExpectedHash != "" && p.ExpectedHash != next.Hash {
		return Save{}, fault.Invalid("content_sha256", "is not the hash of `content`, which is %s: it was damaged on its way", next.Hash)
	}
	next.ETag, next.UpdateTime, next.CreateTime = "", time.Time{}, time.Time{}
	next.PlayTime = next.PlayTime.Truncate(time.Millisecond)
	return next, next.checkTexts()
}

// Get returns a save and its content.
func (s *Saves) Get(ctx context.Context, caller Caller, playerID, slot string) (Save, []byte, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return Save{}, nil, err
	}
	if !caller.isOther(playerID) {
		return s.Store.Read(ctx, playerID, slot)
	}
	// What is said of the save is read first: a content that the caller may not have costs a hundred times as much.
	if d, err := s.Store.Directory(ctx, playerID); !d.Slots[slot].Public {
		return Save{}, nil, hidden(err)
	}
	found, content, err := s.Store.Read(ctx, playerID, slot)
	if err != nil || !found.Public {
		return Save{}, nil, hidden(err)
	}
	return found.forOthers(), content, nil
}

// hidden is what another player hears about a save that he may not read, or that is not there.
func hidden(err error) error {
	if err == nil || fault.Is(err, fault.NotFound) {
		return notPublic()
	}
	return err
}

// List returns the saves of a player that the caller may read, by slot, and how much the player keeps; another player does not
// learn that (nil).
func (s *Saves) List(ctx context.Context, caller Caller, playerID string) ([]Save, *Usage, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return nil, nil, err
	}
	d, err := s.Store.Directory(ctx, playerID)
	if err != nil {
		return nil, nil, err
	}
	if !caller.isOther(playerID) {
		usage := d.Usage()
		return d.list(), &usage, nil
	}
	var public []Save
	for _, one := range d.list() {
		if one.Public {
			public = append(public, one.forOthers())
		}
	}
	return public, nil, nil
}

// Deletion is a request to empty a slot.
type Deletion struct {
	PlayerID   string // "" = the caller
	Slot       string
	ETag       string // the version to delete
	AnyVersion bool   // whatever the slot holds
	RequestID  string
}

// Delete empties a slot and returns what was known of the save in it.
func (s *Saves) Delete(ctx context.Context, caller Caller, r Deletion) (Save, error) {
	playerID, err := caller.target(r.PlayerID)
	if err != nil {
		return Save{}, err
	}
	if r.AnyVersion == (r.ETag != "") {
		return Save{}, fault.Invalid("etag", "name the version to delete, or set `any_version`, and not both")
	}
	change := Change{
		PlayerID: playerID, Slot: r.Slot, Caller: caller.name(), RequestID: r.RequestID, Request: asked("delete", Save{Slot: r.Slot}),
	}
	return s.Store.Change(ctx, change, func(d *Directory) (Save, error) {
		if stored, taken := d.Slots[r.Slot]; taken && !r.AnyVersion && stored.ETag != r.ETag {
			return Save{}, conflict(stored, r.ETag)
		}
		return d.remove(r.Slot)
	})
}

func (c Caller) name() string { return c.Role + " " + c.Subject }

// asked is what a request asks for, in a stable encoding. The version that it is based on is no part of it, as a caller who repeats
// a request may have learned a newer one.
func asked(verb string, s Save) []byte {
	text, err := json.Marshal([]any{verb, s})
	if err != nil { // texts and numbers always encode
		panic(err)
	}
	return text
}

// now has the resolution that is stored, so that an answer is the same before and after a round through the store.
func (s *Saves) now() time.Time { return s.Now().UTC().Truncate(time.Millisecond) }
