package profile

import (
	"context"
	"crypto/rand"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/friends"
	"supergame/services/profile/internal/loop"
)

// playersFeedName names the lease of who follows the change feed of the container players, and his position in it.
const playersFeedName = "players-feed"

// newFollower follows the changes of players. A noun that wants to hear of its documents adds a handler for their type.
func newFollower(cfg Config, deps Deps, f *friends.Friends) (*loop.Follower, error) {
	lag, err := lagGauge(deps.Meter)
	if err != nil {
		return nil, err
	}
	halves := cosmosstore.NewFriends(deps.Cosmos)
	feed := &cosmos.Feed{Container: deps.Cosmos.Container(cosmosstore.Players)}
	return &loop.Follower{
		Lease:     cosmos.NewLease(deps.Cosmos.Container(cosmosstore.Leases), playersFeedName, rand.Text()),
		Feed:      playersFeed{feed},
		Positions: feedPositions{cosmosstore.NewPositions(deps.Cosmos, playersFeedName)},
		Handlers: map[string]loop.Handler{
			cosmosstore.HalfType: func(ctx context.Context, change loop.Change) error {
				half, err := halves.Decode(change.Body)
				if err != nil {
					return err
				}
				return f.Repair(ctx, half)
			},
		},
		Interval: cfg.FeedInterval, Log: deps.Logger, Now: deps.Now, Lag: lag,
	}, nil
}

// lagGauge records how far behind the follower is, by the range's first key.
func lagGauge(provider metric.MeterProvider) (func(context.Context, loop.Position, time.Duration), error) {
	if provider == nil {
		provider = noop.NewMeterProvider()
	}
	gauge, err := provider.Meter("supergame/services/profile").Float64Gauge("supergame.profile.feed.lag", metric.WithUnit("s"),
		metric.WithDescription("age of the last change of players that was dealt with, 0 without news"))
	if err != nil {
		return nil, err
	}
	return func(ctx context.Context, at loop.Position, behind time.Duration) {
		gauge.Record(ctx, behind.Seconds(), metric.WithAttributes(attribute.String("range", at.Min)))
	}, nil
}

// playersFeed is the feed of a container as the loop wants it.
type playersFeed struct{ feed *cosmos.Feed }

func (p playersFeed) Begin(ctx context.Context) ([]loop.Position, error) {
	positions, err := p.feed.Positions(ctx)
	return loopPositions(positions), err
}

func (p playersFeed) Poll(ctx context.Context, at loop.Position) ([]loop.Change, loop.Position, error) {
	page, err := p.feed.Poll(ctx, cosmos.FeedPosition(at))
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
func (p playersFeed) Refused(err error) bool {
	switch fault.ReasonOf(err) {
	case "FEED_POSITION", "STORE_BAD_REQUEST":
		return true
	}
	return false
}

// feedPositions are the stored positions as the loop wants them.
type feedPositions struct{ stored *cosmosstore.Positions }

func (p feedPositions) Load(ctx context.Context) ([]loop.Position, error) {
	positions, err := p.stored.Load(ctx)
	return loopPositions(positions), err
}

func (p feedPositions) Start(ctx context.Context, all []loop.Position) error {
	positions := make([]cosmos.FeedPosition, len(all))
	for i, at := range all {
		positions[i] = cosmos.FeedPosition(at)
	}
	return p.stored.Start(ctx, positions)
}

func (p feedPositions) Save(ctx context.Context, one loop.Position) error {
	return p.stored.Save(ctx, cosmos.FeedPosition(one))
}

func loopPositions(positions []cosmos.FeedPosition) []loop.Position {
	list := make([]loop.Position, len(positions))
	for i, at := range positions {
		list[i] = loop.Position(at)
	}
	return list
}
