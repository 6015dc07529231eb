package profile

import (
	"context"
	"slices"
	"time"
)

// View says how much of a player to return.
type View int

// The views.
const (
	Public View = iota // what every player may see
	Full               // the private part too; for the player himself and operators
)

// Profiles answers questions about players and changes them.
type Profiles struct {
	Store Store
	Now   func() time.Time // for join and update times
	// Erased reports whether a player is being erased, so that he is gone before his documents are; nil = nobody is.
	Erased func(playerID string) bool
	// Changed is called when something changed of which other services keep copies; nil = there are none.
	Changed func(ctx context.Context, playerID string)
	// Moderator decides about names; nil = every name is good.
	Moderator Moderator
}

// Get returns one player; an empty id is the caller's own. A caller who may not have the full view is refused before anything is read, so that the answer
// does not tell whether the player exists.
func (p *Profiles) Get(ctx context.Context, caller Caller, playerID string, view View) (Player, error) {
	playerID, err := caller.orOwn(playerID, "player_id")
	if err != nil {
		return Player{}, err
	}
	if view != Full {
		public, err := p.Store.Get(ctx, playerID)
		return Player{Profile: public}, err
	}
	if !caller.is(playerID) && !caller.Operator {
		return Player{}, privateProfile()
	}
	return p.Store.GetFull(ctx, playerID)
}

// GetMany returns the public parts of those who exist, in the order of playerIDs, and the ids of the others, erased players among
// them.
func (p *Profiles) GetMany(ctx context.Context, playerIDs []string) (found []Profile, missing []string, err error) {
	asked := playerIDs
	if p.Erased != nil {
		asked = slices.DeleteFunc(slices.Clone(playerIDs), p.Erased)
	}
	var stored []Profile
	if len(asked) > 0 {
		if stored, err = p.Store.GetMany(ctx, asked); err != nil {
			return nil, nil, err
		}
	}
	byID := make(map[string]Profile, len(stored))
	for _, s := range stored {
		byID[s.PlayerID] = s
	}
	found = make([]Profile, 0, len(stored))
	for _, id := range playerIDs {
		if s, ok := byID[id]; ok {
			found = append(found, s)
		} else {
			missing = append(missing, id)
		}
	}
	return found, missing, nil
}

// Update is a request to change a player.
type Update struct {
	Player    Player   // the new values, whose (empty = the caller's), and the versions they are based on
	Mask      []string // the fields to change, see the proto
	RequestID string
}

// Update changes the fields of the mask and returns the player as he is now, with his private part when the mask names a
// field of it. Nothing is written, and no time changes, when nothing is different.
func (p *Profiles) Update(ctx context.Context, caller Caller, u Update) (Player, error) {
	playerID, err := whose(caller, u.Player.PlayerID)
	if err != nil {
		return Player{}, err
	}
	m, err := parseMask(u.Mask, caller)
	if err != nil {
		return Player{}, err
	}
	c, err := newChange(m, u.Player)
	if err != nil {
		return Player{}, err
	}
	if err := p.moderate(ctx, playerID, c); err != nil {
		return Player{}, err
	}
	edit := Edit{
		PlayerID: playerID, Caller: caller.name(), RequestID: u.RequestID, Content: c.content(), Touches: m.touches(),
	}
	moved := false
	player, err := p.Store.Update(ctx, edit, func(stored *Player) (Parts, error) {
		if err := c.check(stored); err != nil {
			return Parts{}, err
		}
		before := stored.Country
		parts := c.apply(stored, p.now())
		moved = stored.Country != before
		return parts, nil
	})
	if err == nil && moved && p.Changed != nil {
		p.Changed(ctx, playerID)
	}
	return player, err
}

// whose returns the id of the player whom a caller wants to change.
func whose(caller Caller, playerID string) (string, error) {
	playerID, err := caller.orOwn(playerID, "profile.player_id")
	if err == nil && !caller.is(playerID) && !caller.Operator {
		return "", notYours()
	}
	return playerID, err
}

// Ensure creates the player when he is not there. It reports whether this call did.
func (p *Profiles) Ensure(ctx context.Context, playerID string) (created bool, err error) {
	now := p.now()
	return p.Store.Create(ctx, Player{
		Profile: Profile{PlayerID: playerID, JoinTime: now, UpdateTime: now},
		Private: &Private{UpdateTime: now},
	})
}

// now has the resolution that is stored, so that an answer is the same before and after a round through the store.
func (p *Profiles) now() time.Time { return p.Now().UTC().Truncate(time.Millisecond) }
