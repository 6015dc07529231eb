// Package profile holds the rules of player profiles: which names, countries and languages may stand in one, who may see
// and change what, and what a change does. It knows neither gRPC nor Cosmos DB; [Store] is what it needs of a database.
package profile

import (
	"maps"
	"slices"
	"time"

	"supergame/services/platform/fault"
)

// Profile is the public part of a player: what every other player may see.
type Profile struct {
	PlayerID    string    // ULID
	Handle      string    // "" = none; what ClaimHandle makes his alone
	DisplayName string    // "" until the player chooses one; not unique
	Avatar      string    // a key of the game's own catalog
	Country     string    // ISO 3166-1 alpha-2, "" = not said
	Languages   []string  // BCP 47 in canonical form, the preferred one first
	JoinTime    time.Time // first sign-in
	UpdateTime  time.Time // last change of the public part
	ETag        string    // version of the public part; opaque
	Suspended   bool      // set by identity only
}

// Private is the part of a player that only he and operators see.
type Private struct {
	Settings   map[string]string
	Flags      map[string]bool // set by operators only
	UpdateTime time.Time       // last change of the private part
	ETag       string          // version of the private part; opaque
}

// Player is a profile with its private part, or without where that was not asked for.
type Player struct {
	Profile
	Private *Private
}

// Caller is who asks.
type Caller struct {
	Subject  string // the player's id, or the name of an operator
	Player   bool   // Subject is a player
	Operator bool
}

// is reports whether the caller is this player himself.
func (c Caller) is(playerID string) bool { return c.Player && c.Subject == playerID }

// orOwn returns playerID, or the caller's own when it is empty; a caller who is no player must name one in the field.
func (c Caller) orOwn(playerID, field string) (string, error) {
	switch {
	case playerID != "":
		return playerID, nil
	case !c.Player:
		return "", fault.Invalid(field, "is empty; only a player may leave his own id out")
	}
	return c.Subject, nil
}

// name tells callers of different roles apart, even when their subjects are the same text.
func (c Caller) name() string {
	if c.Player {
		return "player " + c.Subject
	}
	return "operator " + c.Subject
}

// NotFound is the answer about a player who does not exist, or no longer.
func NotFound(playerID string) *fault.Error {
	return fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", playerID).With("player_id", playerID)
}

func privateProfile() *fault.Error {
	return fault.New(fault.PermissionDenied, "PRIVATE_PROFILE", "the full view is for the player himself and operators")
}

func notYours() *fault.Error {
	return fault.New(fault.PermissionDenied, "NOT_YOUR_PROFILE", "a player changes his own profile only")
}

// equal reports whether two public parts say the same, whatever their versions.
func (p *Profile) equal(q *Profile) bool {
	return p.DisplayName == q.DisplayName && p.Avatar == q.Avatar && p.Country == q.Country &&
		slices.Equal(p.Languages, q.Languages)
}

// equal reports whether two private parts say the same, whatever their versions.
func (p *Private) equal(q *Private) bool {
	return maps.Equal(p.Settings, q.Settings) && maps.Equal(p.Flags, q.Flags)
}
