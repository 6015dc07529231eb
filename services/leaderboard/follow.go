package leaderboard

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/metric"

	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/loop"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// heartbeatsName names the lease of who writes heartbeats.
const heartbeatsName = "heartbeats"

// follow builds what reads the change feed, and what tells how old it is.
func (s *Service) follow(freshness *loop.Freshness) {
	s.follower = &loop.Follower{
		Feed:      entriesFeed{&cosmos.Feed{Container: s.deps.Cosmos.Container(cosmosstore.Entries)}},
		Freshness: freshness, Interval: s.cfg.FeedInterval, Log: s.deps.Logger, Now: s.deps.Now,
	}
	s.follower.Handlers = map[string]loop.Handler{
		cosmosstore.EntryType:     s.entries.Handle,
		cosmosstore.HeartbeatType: s.sawHeartbeat,
	}
	if s.cfg.Heartbeat <= 0 {
		return
	}
	s.heartbeats = &loop.Heartbeats{
		Lease: cosmos.NewLease(s.deps.Cosmos.Container(cosmosstore.Leases), heartbeatsName, freshness.Owner),
		Beats: beats{cosmosstore.NewHeartbeats(s.deps.Cosmos)}, Freshness: freshness, Every: s.cfg.Heartbeat, Log: s.deps.Logger, Now: s.deps.Now,
	}
}

// sawHeartbeat takes a heartbeat from the feed. One of a range that is not known tells that the container was split.
func (s *Service) sawHeartbeat(ctx context.Context, change loop.Change) error {
	beat, err := cosmosstore.DecodeHeartbeat(change.Body)
	if err != nil {
		return err
	}
	seen := loop.Beat{Range: loop.Range{Min: beat.Min, Max: beat.Max}, Owner: beat.Owner, At: beat.At, Store: beat.Store}
	if s.follower.Freshness.Saw(seen) {
		return nil
	}
	s.follower.Relook(ctx)
	s.follower.Freshness.Saw(seen)
	return nil
}

// beats stores heartbeats as the loop wants it.
type beats struct{ store *cosmosstore.Heartbeats }

func (b beats) Beat(ctx context.Context, r loop.Range, owner string, at time.Time) error {
	return b.store.Beat(ctx, r.Min, r.Max, owner, at)
}

// entriesFeed is the feed of a container as the loop wants it.
type entriesFeed struct{ feed *cosmos.Feed }

func (f entriesFeed) Begin(ctx context.Context) ([]loop.Position, error) {
	positions, err := f.feed.Positions(ctx)
	list := make([]loop.Position, len(positions))
	for i, at := range positions {
		list[i] = loop.Position(at)
	}
	return list, err
}

func (f entriesFeed) Poll(ctx context.Context, at loop.Position) ([]loop.Change, loop.Position, error) {
	page, err := f.feed.Poll(ctx, cosmos.FeedPosition(at))
	if err != nil {
		return nil, at, err
	}
	changes := make([]loop.Change, len(page.Changes))
	for i, change := range page.Changes {
		changes[i] = loop.Change{Type: change.Type, Body: change.Body, Time: time.Unix(change.Timestamp, 0)}
	}
	return changes, loop.Position(page.Next), nil
}

// Refused tells a token that the service or its client does not take from everything else that may be wrong.
func (f entriesFeed) Refused(err error) bool {
	switch fault.ReasonOf(err) {
	case "FEED_POSITION", "STORE_BAD_REQUEST":
		return true
	}
	return false
}

// measure registers the gauges of the view.
func (s *Service) measure() error {
	if s.deps.Meter == nil {
		return nil
	}
	meter := s.deps.Meter.Meter("supergame/services/leaderboard")
	entries, err := meter.Int64ObservableGauge("supergame.leaderboard.view.entries", metric.WithUnit("{entry}"),
		metric.WithDescription("entries that the view knows, ranked or not"))
	if err != nil {
		return fmt.Errorf("leaderboard: %w", err)
	}
	size, err := meter.Int64ObservableGauge("supergame.leaderboard.view.size", metric.WithUnit("By"), metric.WithDescription("memory of the view"))
	if err != nil {
		return fmt.Errorf("leaderboard: %w", err)
	}
	age, err := meter.Float64ObservableGauge("supergame.leaderboard.view.age", metric.WithUnit("s"),
		metric.WithDescription("how old answers about ranks are"))
	if err != nil {
		return fmt.Errorf("leaderboard: %w", err)
	}
	_, err = meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		known, bytes := s.view.Size()
		o.ObserveInt64(entries, known)
		o.ObserveInt64(size, bytes)
		if asOf := s.follower.Freshness.View().AsOf; !asOf.IsZero() {
			o.ObserveFloat64(age, s.deps.Now().Sub(asOf).Seconds())
		}
		return nil
	}, entries, size, age)
	return err
}
