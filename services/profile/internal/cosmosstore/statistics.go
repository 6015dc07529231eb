package cosmosstore

import (
	"context"
	"errors"
	"net/http"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/profile"
	"supergame/services/profile/internal/statistics"
)

// Statistics is the [statistics.Store] on Cosmos DB: one document for all statistics of a player, and one for each request that changed
// them in the last 30 days.
type Statistics struct {
	players *cosmos.Container
	lives   *cosmos.Kind[liveDoc]
	stats   *cosmos.Kind[statisticsDoc]
	markers *cosmos.Kind[statisticsMarkerDoc]
}

// NewStatistics returns a store. It does no I/O.
func NewStatistics(client *cosmos.Client) *Statistics {
	players := client.Container(Players)
	return &Statistics{
		players: players,
		lives:   cosmos.NewKind[liveDoc](players, "live", schemaVersion),
		stats:   cosmos.NewKind[statisticsDoc](players, "stats", schemaVersion),
		markers: cosmos.NewKind[statisticsMarkerDoc](players, "stats-marker", schemaVersion),
	}
}

// Get is one point read: 1 RU while there are few statistics, about 2 RU for 256. Only for a player who has none yet there is a second,
// whether he exists.
func (s *Statistics) Get(ctx context.Context, playerID string) (statistics.Statistics, error) {
	doc, err := s.stats.Read(ctx, cosmos.PK(playerID), idStatistics)
	if err == nil {
		return doc.statistics(), nil
	}
	if fault.Is(err, fault.NotFound) {
		_, err = s.lives.Read(ctx, cosmos.PK(playerID), idLive)
	}
	return statistics.Statistics{PlayerID: playerID}, explain(playerID, err)
}

// GetMany is one ReadManyItems: the service charges a query for each physical partition.
func (s *Statistics) GetMany(ctx context.Context, playerIDs []string) ([]statistics.Statistics, error) {
	refs := make([]cosmos.Ref, len(playerIDs))
	for i, id := range playerIDs {
		refs[i] = cosmos.Ref{Key: cosmos.PK(id), ID: idStatistics}
	}
	docs, err := s.stats.ReadMany(ctx, refs)
	if err != nil {
		return nil, err
	}
	found := make([]statistics.Statistics, len(docs))
	for i, doc := range docs {
		found[i] = doc.statistics()
	}
	return found, nil
}

// Change is one read and one batch: live is read, the marker created, the statistics created or replaced.
func (s *Statistics) Change(
	ctx context.Context, c statistics.Change, decide func(*statistics.Statistics) (statistics.Statistics, error),
) (statistics.Statistics, error) {
	op := cosmos.NewOperation(c.Caller, c.RequestID, c.Content)
	var answer statistics.Statistics
	err := s.players.Decide(ctx, func(ctx context.Context) error {
		marker, err := s.try(ctx, c.PlayerID, op, decide)
		if err == nil {
			answer = marker.answer()
		}
		return err
	})
	return answer, err
}

// try reads, decides and writes once. The marker that it returns is the stored one.
func (s *Statistics) try(
	ctx context.Context, playerID string, op cosmos.Operation, decide func(*statistics.Statistics) (statistics.Statistics, error),
) (*statisticsMarkerDoc, error) {
	doc, err := readNewest(ctx, s.stats, playerID, idStatistics)
	if missing(err) {
		doc, err = &statisticsDoc{PlayerID: playerID}, nil
		doc.ID = idStatistics
	}
	if err != nil {
		return nil, err
	}
	stored := doc.statistics()
	answer, refusal := decide(&stored)
	if refusal != nil {
		return firstAnswer(ctx, s.markers, playerID, idStatistics, op, refusal)
	}
	doc.set(stored)
	marker := newStatisticsMarker(playerID, op, answer)
	batch := s.players.Batch(cosmos.PK(playerID), op).Read(idLive).CreateMarker(s.markers.Item(marker))
	if doc.ETag == "" {
		batch.Create(s.stats.Item(doc))
	} else {
		batch.Replace(s.stats.Item(doc))
	}
	_, err = batch.Execute(ctx)
	return marker, refusedWrite(playerID, idStatistics, err)
}

// readNewest reads a document from the primary replica, as batches are: what is decided on it may be a refusal, which no write would show to
// be made on an old version.
func readNewest[T any](ctx context.Context, kind *cosmos.Kind[T], playerID, id string) (*T, error) {
	out, err := kind.Container().Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(id).Execute(ctx)
	if err != nil {
		return nil, err
	}
	return kind.Decode(out.Bodies[0])
}

// firstAnswer returns the marker of a request that was carried out before, whose decision is refused for what it did itself, and the refusal
// when there is none.
func firstAnswer[T any, P interface {
	*T
	head() *cosmos.Header
}](ctx context.Context, markers *cosmos.Kind[T], playerID, family string, op cosmos.Operation, refusal error) (*T, error) {
	marker, err := readNewest(ctx, markers, playerID, markerID(family, op))
	if missing(err) {
		return nil, refusal
	}
	if err != nil {
		return nil, err
	}
	if _, err := op.AppliedTo(P(marker).head()); err != nil {
		return nil, err
	}
	return marker, nil
}

// refusedWrite says what the refusal of a batch means that begins by reading live and creates or replaces one document: there is no such player, or
// a rival has created the document since it was looked for, which is a lost race.
func refusedWrite(playerID, id string, err error) error {
	var refused *cosmos.BatchError
	if !errors.As(err, &refused) {
		return err
	}
	switch {
	case refused.Status == http.StatusNotFound && refused.ID == idLive:
		return profile.NotFound(playerID).Because(err)
	case refused.Status == http.StatusConflict && refused.ID == id:
		return fault.New(fault.Aborted, cosmos.ReasonEtagMismatch, "document %q was created by somebody else", id).Because(err)
	}
	return err
}

var _ statistics.Store = (*Statistics)(nil)
