package cosmosstore

import (
	"context"

	"supergame/services/identity/internal/player"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// PlayerStore is the [player.Store] of container identity-players.
type PlayerStore struct {
	kind *cosmos.Kind[playerDoc]
}

// NewPlayers returns the store. It does no I/O.
func NewPlayers(client *cosmos.Client) *PlayerStore {
	return &PlayerStore{kind: cosmos.NewKind[playerDoc](client.Container(Players), "player", 1)}
}

// Create is one write.
func (s *PlayerStore) Create(ctx context.Context, p player.Player) error {
	doc := &playerDoc{}
	doc.set(p)
	return s.kind.Create(ctx, cosmos.PK(p.ID), cosmos.Operation{}, doc)
}

// Update is one read, and one write where the rule changes something. A player who is not found costs another write.
func (s *PlayerStore) Update(ctx context.Context, id string, rule func(*player.Player) bool) error {
	return s.apply(ctx, id, cosmos.Operation{}, rule)
}

// Apply costs what Update does.
func (s *PlayerStore) Apply(ctx context.Context, id string, r player.Request, rule func(*player.Player) bool) (again bool, err error) {
	again = true
	err = s.apply(ctx, id, cosmos.NewOperation(r.Caller, r.ID, []byte(r.Asks)), func(p *player.Player) bool {
		again = false
		return rule(p)
	})
	return again && err == nil, err
}

func (s *PlayerStore) apply(ctx context.Context, id string, op cosmos.Operation, rule func(*player.Player) bool) error {
	err := s.update(ctx, id, op, rule)
	if !fault.Is(err, fault.NotFound) {
		return err
	}
	gone, err := s.gone(ctx, id)
	switch {
	case err != nil:
		return err
	case gone:
		return player.NotFound(id)
	}
	if err = s.update(ctx, id, op, rule); fault.Is(err, fault.NotFound) {
		return fault.New(fault.Unavailable, "PLAYER_CHANGING", "the player is being written, try again").Because(err)
	}
	return err
}

// gone makes sure that a player is not there. A read may be behind, and a client that is told so forgets its session; a write is not. This
// one is always refused: 404 for nobody, 412 for a player, whom the next read then sees.
func (s *PlayerStore) gone(ctx context.Context, id string) (bool, error) {
	err := s.kind.Delete(ctx, cosmos.PK(id), playerDocID, player.NoVersion)
	switch {
	case err == nil, fault.Is(err, fault.NotFound):
		return true, nil
	case fault.Is(err, fault.Aborted):
		return false, nil
	}
	return false, err
}

func (s *PlayerStore) update(ctx context.Context, id string, op cosmos.Operation, rule func(*player.Player) bool) error {
	_, err := s.kind.Update(ctx, cosmos.PK(id), playerDocID, op, func(d *playerDoc) (bool, error) {
		p := d.decode()
		if !rule(&p) {
			return false, nil
		}
		d.set(p)
		return true, nil
	})
	return err
}
