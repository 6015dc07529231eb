// Package cosmosstore keeps players in Cosmos DB: their documents, and how a change of them is made once however often it is
// tried.
package cosmosstore

import (
	"context"
	"errors"
	"net/http"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/profile"
)

// Players is the container of everything that belongs to one player.
const Players = "players"

// Store is the [profile.Store] on Cosmos DB.
type Store struct {
	players  *cosmos.Container
	lives    *cosmos.Kind[liveDoc]
	profiles *cosmos.Kind[profileDoc]
	privates *cosmos.Kind[privateDoc]

	outbox *cosmos.Kind[outboxDoc] // nil = nobody keeps copies, see Telling
	now    func() time.Time
}

// New returns a store. It does no I/O.
func New(client *cosmos.Client) *Store {
	players := client.Container(Players)
	return &Store{
		players:  players,
		lives:    cosmos.NewKind[liveDoc](players, "live", schemaVersion),
		profiles: cosmos.NewKind[profileDoc](players, "profile", schemaVersion),
		privates: cosmos.NewKind[privateDoc](players, "private", schemaVersion),
	}
}

// Create makes a player's first three documents in one batch. A partition that an erase has begun with refuses it:
// FAILED_PRECONDITION, PLAYER_ERASED.
func (s *Store) Create(ctx context.Context, p profile.Player) (bool, error) {
	live := &liveDoc{PlayerID: p.PlayerID, JoinTime: instant(p.JoinTime)}
	public, private := &profileDoc{}, &privateDoc{PlayerID: p.PlayerID}
	live.ID, public.ID, private.ID = idLive, idProfile, idPrivate
	public.set(p.Profile)
	private.set(p.Private)

	_, err := s.players.Batch(cosmos.PK(p.PlayerID), cosmos.Operation{}).
		Create(s.lives.Item(live)).Create(s.profiles.Item(public)).Create(s.privates.Item(private)).
		Execute(ctx)
	if !fault.Is(err, fault.AlreadyExists) {
		return err == nil, err
	}
	var refused *cosmos.BatchError
	if errors.As(err, &refused) && refused.ID != idLive {
		return false, fault.New(fault.FailedPrecondition, "PLAYER_ERASED", "player %s is being erased", p.PlayerID).Because(err)
	}
	return false, nil
}

// Get is one point read: 1 RU.
func (s *Store) Get(ctx context.Context, playerID string) (profile.Profile, error) {
	doc, err := s.profiles.Read(ctx, cosmos.PK(playerID), idProfile)
	if err != nil {
		return profile.Profile{}, explain(playerID, err)
	}
	return doc.profile(), nil
}

// GetFull is one batch of two reads: 2 RU while the private part is small.
func (s *Store) GetFull(ctx context.Context, playerID string) (profile.Player, error) {
	docs, err := s.readBoth(ctx, playerID)
	if err != nil {
		return profile.Player{}, explain(playerID, err)
	}
	return docs.player(), nil
}

// GetMany is one ReadManyItems: the service charges a query for each physical partition.
func (s *Store) GetMany(ctx context.Context, playerIDs []string) ([]profile.Profile, error) {
	refs := make([]cosmos.Ref, len(playerIDs))
	for i, id := range playerIDs {
		refs[i] = cosmos.Ref{Key: cosmos.PK(id), ID: idProfile}
	}
	docs, err := s.profiles.ReadMany(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make([]profile.Profile, len(docs))
	for i, doc := range docs {
		found[i] = doc.profile()
	}
	return found, nil
}

// explain says which player it is that does not exist.
func explain(playerID string, err error) error {
	if missing(err) {
		return profile.NotFound(playerID).Because(err)
	}
	return err
}

// missing reports whether an operation failed because its document is not there. After a try whose answer was lost, that is the
// cause of an unknown outcome where a batch deletes.
func missing(err error) bool {
	var refused *cosmos.BatchError
	return fault.Is(err, fault.NotFound) || errors.As(err, &refused) && refused.Status == http.StatusNotFound
}
