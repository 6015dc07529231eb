package cosmosstore

import (
	"context"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/profile"
)

// both are the documents that an update may change.
type both struct {
	public  *profileDoc
	private *privateDoc
}

func (b both) player() profile.Player {
	return profile.Player{Profile: b.public.profile(), Private: b.private.private()}
}

// answer is the player with the parts that the edit names.
func (b both) answer(e profile.Edit) profile.Player {
	p := profile.Player{Profile: b.public.profile()}
	if e.Touches.Private {
		p.Private = b.private.private()
	}
	return p
}

// carry reports whether one of the documents carries the operation.
func (b both) carry(op cosmos.Operation) (bool, error) {
	done, err := op.AppliedTo(&b.public.Header)
	if done || err != nil {
		return done, err
	}
	return op.AppliedTo(&b.private.Header)
}

// Update is one read and one write: 1 and 9.9 RU for a change of the public part without a request id, else one batch that reads both
// parts, because either may carry the request id, and a replace or a batch of two.
func (s *Store) Update(
	ctx context.Context, e profile.Edit, decide func(*profile.Player) (profile.Parts, error),
) (profile.Player, error) {
	switch {
	case e.RequestID == "" && !e.Touches.Private && s.outbox != nil:
		return s.updateTold(ctx, e.PlayerID, decide)
	case e.RequestID == "" && !e.Touches.Private:
		return s.updatePublic(ctx, e.PlayerID, decide)
	}
	op := cosmos.NewOperation(e.Caller, e.RequestID, e.Content)
	var answer profile.Player
	err := s.players.Decide(ctx, func(ctx context.Context) error {
		docs, err := s.tryUpdate(ctx, e.PlayerID, op, decide)
		if err == nil {
			answer = docs.answer(e)
		}
		return err
	})
	return answer, explain(e.PlayerID, err)
}

func (s *Store) updatePublic(
	ctx context.Context, playerID string, decide func(*profile.Player) (profile.Parts, error),
) (profile.Player, error) {
	doc, err := s.profiles.Update(ctx, cosmos.PK(playerID), idProfile, cosmos.Operation{}, func(d *profileDoc) (bool, error) {
		p := profile.Player{Profile: d.profile()}
		changed, err := decide(&p)
		d.set(p.Profile)
		return changed.Public, err
	})
	if err != nil {
		return profile.Player{}, explain(playerID, err)
	}
	return profile.Player{Profile: doc.profile()}, nil
}

// tryUpdate reads, decides and writes once.
func (s *Store) tryUpdate(
	ctx context.Context, playerID string, op cosmos.Operation, decide func(*profile.Player) (profile.Parts, error),
) (both, error) {
	docs, err := s.readBoth(ctx, playerID)
	if err != nil {
		return both{}, err
	}
	if done, err := docs.carry(op); done || err != nil {
		return docs, err
	}
	p := docs.player()
	before := p.Country
	changed, err := decide(&p)
	if err != nil {
		return both{}, err
	}
	docs.public.set(p.Profile)
	docs.private.set(p.Private)
	if s.outbox != nil && p.Country != before {
		return docs, s.writeTold(ctx, docs, changed, op)
	}
	return docs, s.write(ctx, docs, changed, op)
}

// write stores the parts that are different, both or none. It leaves docs as they are stored then.
func (s *Store) write(ctx context.Context, docs both, changed profile.Parts, op cosmos.Operation) error {
	key := cosmos.PK(docs.public.PlayerID)
	switch {
	case changed.Public && changed.Private:
		_, err := s.players.Batch(key, op).Replace(s.profiles.Item(docs.public)).Replace(s.privates.Item(docs.private)).Execute(ctx)
		return err
	case changed.Public:
		return s.profiles.Replace(ctx, key, op, docs.public)
	case changed.Private:
		return s.privates.Replace(ctx, key, op, docs.private)
	}
	return nil
}

// readBoth reads both parts as of one moment.
func (s *Store) readBoth(ctx context.Context, playerID string) (both, error) {
	out, err := s.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idProfile).Read(idPrivate).Execute(ctx)
	if err != nil {
		return both{}, err
	}
	public, err := s.profiles.Decode(out.Bodies[0])
	if err != nil {
		return both{}, err
	}
	private, err := s.privates.Decode(out.Bodies[1])
	return both{public, private}, err
}
