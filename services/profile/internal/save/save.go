// Package save holds the rules of saved games: who may read and write them, which version a write must be based on, and how much a
// player may keep. It knows neither gRPC nor Cosmos DB; [Store] is what it needs of a database.
package save

import (
	"time"

	"supergame/services/platform/fault"
)

// MaxContent is how many bytes a save may have.
const MaxContent = 1 << 20

// Version is one state of a slot.
type Version struct {
	ETag       string // opaque
	Hash       string // SHA-256 of the content, in small hexadecimal digits
	Size       int64  // bytes of the content
	UpdateTime time.Time
	Device     string // that wrote it, as it calls itself
}

// Save is what is known of a save besides its content.
type Save struct {
	Version

	Slot        string
	Description string
	PlayTime    time.Duration
	Attributes  map[string]string // the game's own
	Public      bool              // every player may read it
	CreateTime  time.Time         // of the first version since the slot was empty
}

// Slot is a save in the directory.
type Slot struct {
	Save

	Earlier []Version // those before, newest first, as far as they are remembered
}

// Directory is what is known of all saves of a player.
type Directory struct {
	PlayerID string
	Revision int64 // counts writes, so that no version comes twice
	Slots    map[string]Slot
}

// Usage is how much a player keeps.
type Usage struct {
	Slots int
	Bytes int64
}

// Quota is how much a player may keep.
type Quota struct {
	Slots int
	Bytes int64
}

// Usage adds up all slots.
func (d *Directory) Usage() Usage {
	usage := Usage{Slots: len(d.Slots)}
	for _, slot := range d.Slots {
		usage.Bytes += slot.Size
	}
	return usage
}

// Caller is who asks.
type Caller struct {
	Role    string // as callers of different roles may have the same name
	Subject string
	Player  bool // Subject is a player: he reads what is public, and his own
}

// orOwn returns playerID, or the caller's own when it is empty.
func (c Caller) orOwn(playerID string) (string, error) {
	switch {
	case playerID != "":
		return playerID, nil
	case !c.Player:
		return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	}
	return c.Subject, nil
}

// isOther reports whether the caller is a player, and not this one.
func (c Caller) isOther(playerID string) bool { return c.Player && c.Subject != playerID }

// target returns the player whose saves a caller wants to write.
func (c Caller) target(playerID string) (string, error) {
	playerID, err := c.orOwn(playerID)
	if err == nil && c.isOther(playerID) {
		return "", fault.New(fault.PermissionDenied, "NOT_YOUR_SAVE", "a player writes his own saves only")
	}
	return playerID, err
}

// forOthers is a public save without what only its owner sees.
func (s Save) forOthers() Save {
	s.Device, s.Attributes = "", nil
	return s
}
