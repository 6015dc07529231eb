package friends

import (
	"context"
	"log/slog"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/profile/internal/profile"
)

// Friends answers questions about who stands how with whom, and changes it.
type Friends struct {
	Store  Store
	Tokens pagetoken.Codec
	Now    func() time.Time
	// Erased reports whether a player is being erased, so that he is gone from lists before his documents are; nil = nobody is.
	Erased func(playerID string) bool
	Log    *slog.Logger
}

// Caller is who asks.
type Caller struct {
	Subject  string // the player's id, or the name of an operator
	Player   bool   // Subject is a player
	Operator bool
}

// Pair names the two players of a request, and the request.
type Pair struct {
	PlayerID  string // who acts; "" = the caller
	OtherID   string
	RequestID string // "" = the caller will not repeat it
}

// Request asks the other to be friends, or accepts when he has asked.
func (f *Friends) Request(ctx context.Context, caller Caller, p Pair) (Half, error) {
	edit, err := p.edit(caller, requestFriend)
	if err != nil {
		return Half{}, err
	}
	theirs, err := f.Store.Counts(ctx, p.OtherID)
	if err != nil {
		return Half{}, err
	}
	return f.change(ctx, edit, func(h *Half) (bool, error) {
		said, err := requestFriend.make(h, f.Now())
		if said && h.State() == Outgoing && theirs.Incoming >= MaxIncoming {
			return false, full("OTHER_REQUESTS_FULL", MaxIncoming, "unanswered requests")
		}
		return said, err
	})
}

// Accept says yes to the other's request.
func (f *Friends) Accept(ctx context.Context, caller Caller, p Pair) (Half, error) {
	return f.plain(ctx, caller, p, acceptFriend)
}

// Remove ends a friendship or a request, of whichever side.
func (f *Friends) Remove(ctx context.Context, caller Caller, p Pair) (Half, error) {
	return f.plain(ctx, caller, p, removeFriend)
}

// Block keeps the other out.
func (f *Friends) Block(ctx context.Context, caller Caller, p Pair) (Half, error) {
	return f.plain(ctx, caller, p, blockPlayer)
}

// Unblock lifts a block.
func (f *Friends) Unblock(ctx context.Context, caller Caller, p Pair) (Half, error) {
	return f.plain(ctx, caller, p, unblockPlayer)
}

// plain makes a change that asks for nothing but that the other exists.
func (f *Friends) plain(ctx context.Context, caller Caller, p Pair, c change) (Half, error) {
	edit, err := p.edit(caller, c)
	if err != nil {
		return Half{}, err
	}
	if _, err := f.Store.Counts(ctx, p.OtherID); err != nil {
		return Half{}, err
	}
	return f.change(ctx, edit, func(h *Half) (bool, error) { return c.make(h, f.Now()) })
}

// change stores the player's own word and then shows it to the other. The first decides; a second step that fails is made up for by
// [Friends.Repair].
func (f *Friends) change(ctx context.Context, edit Edit, decide func(*Half) (bool, error)) (Half, error) {
	idle := false
	half, err := f.Store.Update(ctx, edit, func(h *Half, c Counts) (bool, error) {
		before := h.State()
		said, err := decide(h)
		if err == nil && said {
			err = c.admit(before, h.State())
		}
		idle = !said
		return said, err
	})
	if err != nil || idle {
		return half, err
	}
	err = f.show(ctx, half)
	if fault.Is(err, fault.NotFound) {
		return Half{}, err
	}
	if err != nil {
		f.Log.WarnContext(ctx, "what a player says of another could not be shown to him now", "error", err)
	}
	return half, nil
}

// show copies the player's own word into the other's half. It drops the half of a player whose other is gone: an erase passed between.
func (f *Friends) show(ctx context.Context, half Half) error {
	_, err := f.Store.Update(ctx, Edit{PlayerID: half.OtherID, OtherID: half.PlayerID}, func(h *Half, _ Counts) (bool, error) {
		return h.learn(&half), nil
	})
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	if _, failed := f.Store.Drop(ctx, half.PlayerID, half.OtherID); failed != nil {
		return failed
	}
	return err
}

// Repair shows the other what a half says that has changed, if he does not know yet. It costs one read when he does, as he usually
// does. It comes to an end: it writes only what has a higher number than is there.
func (f *Friends) Repair(ctx context.Context, half Half) error {
	if half.Mine.Seq == 0 {
		return nil
	}
	other, err := f.Store.Get(ctx, half.OtherID, half.PlayerID)
	if err != nil || !other.learn(&half) {
		return err
	}
	// The change may be an old one of a player who was erased since: nothing of him may come back.
	if _, err := f.Store.Counts(ctx, half.PlayerID); err != nil {
		return gone(err)
	}
	return gone(f.show(ctx, half))
}

// gone is no trouble to a repair.
func gone(err error) error {
	if fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}

// edit checks who acts upon whom.
func (p Pair) edit(caller Caller, c change) (Edit, error) {
	playerID, err := caller.orOwn(p.PlayerID)
	if err != nil {
		return Edit{}, err
	}
	if p.OtherID == playerID {
		return Edit{}, self()
	}
	return Edit{PlayerID: playerID, OtherID: p.OtherID, Caller: caller.name(), RequestID: p.RequestID, Content: c.content(p.OtherID)}, nil
}

// orOwn returns playerID, or the caller's own when it is empty, if the caller may act for that player.
func (c Caller) orOwn(playerID string) (string, error) {
	switch {
	case playerID == "" && !c.Player:
		return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case playerID == "":
		return c.Subject, nil
	case c.Operator, c.Player && c.Subject == playerID:
		return playerID, nil
	}
	return "", fault.New(fault.PermissionDenied, "NOT_YOUR_FRIENDS", "a player sees and changes his own friends only")
}

// name tells callers of different roles apart, even when their subjects are the same text.
func (c Caller) name() string {
	if c.Player {
		return "player " + c.Subject
	}
	return "operator " + c.Subject
}

func self() error {
	return fault.Invalid("other_player_id", "is the player himself")
}

func (f *Friends) erased(playerID string) bool { return f.Erased != nil && f.Erased(playerID) }

// Get returns how a player stands with another.
func (f *Friends) Get(ctx context.Context, caller Caller, playerID, otherID string) (Half, error) {
	playerID, err := caller.orOwn(playerID)
	if err != nil {
		return Half{}, err
	}
	if otherID == playerID {
		return Half{}, self()
	}
	half, err := f.Store.Get(ctx, playerID, otherID)
	if err == nil && half.State() == None {
		_, err = f.Store.Counts(ctx, otherID)
	}
	if err == nil && f.erased(otherID) {
		err = profile.NotFound(otherID)
	}
	return half, err
}
