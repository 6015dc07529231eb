package cosmosstore

import (
	"context"
	"errors"
	"net/http"

	"golang.org/x/sync/errgroup"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/friends"
	"supergame/services/profile/internal/profile"
)

// HalfType is the type of the document of a half.
const HalfType = "friend"

// Friends is the [friends.Store] on Cosmos DB. A player's halves, and their counts, are documents of his own partition.
type Friends struct {
	players *cosmos.Container
	halves  *cosmos.Kind[halfDoc]
	counts  *cosmos.Kind[friendsDoc]
}

// NewFriends returns the store. It does no I/O.
func NewFriends(client *cosmos.Client) *Friends { return friendsIn(client.Container(Players)) }

func friendsIn(players *cosmos.Container) *Friends {
	return &Friends{
		players: players,
		halves:  cosmos.NewKind[halfDoc](players, HalfType, schemaVersion),
		counts:  cosmos.NewKind[friendsDoc](players, "friends", schemaVersion),
	}
}

// Counts is one batch of two reads, which the primary replica carries out: 2 RU.
func (f *Friends) Counts(ctx context.Context, playerID string) (friends.Counts, error) {
	out, err := f.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idLive).Read(idFriends).Execute(ctx)
	if refused(err, idFriends) == http.StatusNotFound {
		return friends.Counts{}, nil
	}
	if err != nil {
		return friends.Counts{}, explainLive(playerID, err)
	}
	doc, err := f.counts.Decode(out.Bodies[1])
	if err != nil {
		return friends.Counts{}, err
	}
	return doc.counts(), nil
}

// Get is one point read: 1 RU.
func (f *Friends) Get(ctx context.Context, playerID, otherID string) (friends.Half, error) {
	doc, err := f.readHalf(ctx, playerID, otherID)
	if err != nil {
		return friends.Half{}, err
	}
	return doc.half(), nil
}

// Decode makes a half of its document, as the change feed shows it.
func (f *Friends) Decode(body []byte) (friends.Half, error) {
	doc, err := f.halves.Decode(body)
	if err != nil {
		return friends.Half{}, err
	}
	return doc.half(), nil
}

// Update is two reads and one batch of the half and the counts, or of the half alone where they stay the same.
func (f *Friends) Update(
	ctx context.Context, e friends.Edit, decide func(*friends.Half, friends.Counts) (bool, error),
) (friends.Half, error) {
	op := cosmos.NewOperation(e.Caller, e.RequestID, e.Content)
	var answer friends.Half
	err := f.players.Decide(ctx, func(ctx context.Context) error {
		half, err := f.tryUpdate(ctx, e, op, decide)
		answer = half
		return raced(err, e.RequestID == "")
	})
	if err != nil {
		return friends.Half{}, explainLive(e.PlayerID, err)
	}
	return answer, nil
}

// tryUpdate reads, decides and writes once.
func (f *Friends) tryUpdate(
	ctx context.Context, e friends.Edit, op cosmos.Operation, decide func(*friends.Half, friends.Counts) (bool, error),
) (friends.Half, error) {
	doc, counts, err := f.read(ctx, e.PlayerID, e.OtherID)
	if err != nil {
		return friends.Half{}, err
	}
	half := doc.half()
	if done, err := op.AppliedTo(&doc.Header); done || err != nil {
		return half, err
	}
	before := half.State()
	if changed, err := decide(&half, counts.counts()); !changed || err != nil {
		return half, err
	}
	doc.set(half)
	batch := f.players.Batch(cosmos.PK(e.PlayerID), op).Read(idLive)
	putHalf(batch, doc.ETag, f.halves.Item(doc))
	if f.count(counts, before, half.State()) {
		putHalf(batch, counts.ETag, f.counts.Item(counts))
	}
	_, err = batch.Execute(ctx)
	return doc.half(), err
}

// Drop deletes the half under its version.
func (f *Friends) Drop(ctx context.Context, playerID, otherID string) (bool, error) {
	dropped := false
	err := f.players.Decide(ctx, func(ctx context.Context) error {
		doc, counts, err := f.read(ctx, playerID, otherID)
		if err != nil || doc.ETag == "" {
			return err
		}
		half := doc.half()
		batch := f.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Delete(doc.ID, doc.ETag)
		if counts.ETag != "" && f.count(counts, half.State(), friends.None) {
			batch.Replace(f.counts.Item(counts))
		}
		_, err = batch.Execute(ctx)
		// When the outcome is unknown, it is most likely this call that did.
		dropped = dropped || err == nil || fault.ReasonOf(err) == cosmos.ReasonOutcomeUnknown
		return raced(err, true)
	})
	return dropped && err == nil, err
}

// read reads a half and the counts, or makes new ones.
func (f *Friends) read(ctx context.Context, playerID, otherID string) (*halfDoc, *friendsDoc, error) {
	var half *halfDoc
	var counts *friendsDoc
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		half, err = f.readHalf(ctx, playerID, otherID)
		return err
	})
	group.Go(func() (err error) {
		counts, err = f.counts.Read(ctx, cosmos.PK(playerID), idFriends)
		if fault.Is(err, fault.NotFound) {
			counts, err = &friendsDoc{PlayerID: playerID}, nil
			counts.ID = idFriends
		}
		return err
	})
	err := group.Wait()
	return half, counts, err
}

func (f *Friends) readHalf(ctx context.Context, playerID, otherID string) (*halfDoc, error) {
	doc, err := f.halves.Read(ctx, cosmos.PK(playerID), idHalf+otherID)
	if fault.Is(err, fault.NotFound) {
		doc, err = &halfDoc{PlayerID: playerID, Other: otherID}, nil
		doc.ID = idHalf + otherID
	}
	return doc, err
}

// count moves one half from a state to another. It reports whether that is a difference.
func (f *Friends) count(doc *friendsDoc, from, to friends.State) bool {
	before := doc.counts()
	after := before
	after.Move(from, to)
	doc.set(after)
	return after != before
}

// putHalf adds a document to a batch, as a new one or over the version it was read as.
func putHalf(batch *cosmos.Batch, etag string, item cosmos.Item) {
	if etag == "" {
		batch.Create(item)
	} else {
		batch.Replace(item)
	}
}

// raced makes a lost race of a refusal because a document is there that was not when it was read, or the other way round. With again
// it does so with an unknown outcome too, for a decision that may be made once more upon what is there then.
func raced(err error, again bool) error {
	var cause *cosmos.BatchError
	if !errors.As(err, &cause) || cause.ID == idLive {
		return err
	}
	reason := fault.ReasonOf(err)
	if reason == cosmos.ReasonNotFound || reason == cosmos.ReasonAlreadyExists || again && reason == cosmos.ReasonOutcomeUnknown {
		return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "a half was made, changed or removed by somebody else").Because(cause)
	}
	return err
}

// refused returns the status with which a batch was refused because of a document, 0 when it was not.
func refused(err error, id string) int {
	var cause *cosmos.BatchError
	if errors.As(err, &cause) && cause.ID == id {
		return cause.Status
	}
	return 0
}

// explainLive says which player it is that does not exist.
func explainLive(playerID string, err error) error {
	if refused(err, idLive) == http.StatusNotFound {
		return profile.NotFound(playerID).Because(err)
	}
	return err
}

// listed selects a page of halves by the range of their ids, which the service always keeps an index of; what else the partition
// holds is not read.
const listed = `SELECT TOP @limit * FROM c WHERE c.id > @after AND c.id < @beyond
	AND (ARRAY_CONTAINS(@states, c.state) OR @blockers AND c.theirs.says = 'block') ORDER BY c.id`

// List is one query in the player's partition.
func (f *Friends) List(
	ctx context.Context, playerID string, which friends.Filter, after string, limit int,
) ([]friends.Half, error) {
	statement := cosmos.SQL(listed).With("@limit", limit).With("@after", idHalf+after).With("@beyond", idHalfsBeyond).
		With("@states", which.States).With("@blockers", which.BlockedByOther)
	docs, err := f.halves.Query(ctx, cosmos.PK(playerID), statement)
	if err != nil {
		return nil, err
	}
	halves := make([]friends.Half, len(docs))
	for i, doc := range docs {
		halves[i] = doc.half()
	}
	return halves, nil
}
