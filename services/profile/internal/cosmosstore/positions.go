package cosmosstore

import (
	"context"
	"slices"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// Leases is the container of leases and of positions in the change feed.
const Leases = "profile-leases"

// Positions remembers how far a change feed was read, in one document of the container of leases.
type Positions struct {
	kind *cosmos.Kind[positionsDoc]
	id   string
}

// positionsDoc holds the positions of all ranges, in the order of the ranges.
type positionsDoc struct {
	cosmos.Header
	Positions []cosmos.FeedPosition `json:"positions"`
}

// NewPositions returns the positions of a name. It does no I/O.
func NewPositions(client *cosmos.Client, name string) *Positions {
	return &Positions{kind: cosmos.NewKind[positionsDoc](client.Container(Leases), "feedPositions", schemaVersion), id: name + "-positions"}
}

// Load returns all positions; none when there are none, or when they do not cover the container.
func (p *Positions) Load(ctx context.Context) ([]cosmos.FeedPosition, error) {
	doc, err := p.kind.Read(ctx, cosmos.PK(p.id), p.id)
	if fault.Is(err, fault.NotFound) {
		return nil, nil
	}
	if err != nil || !covers(doc.Positions) {
		return nil, err
	}
	return doc.Positions, nil
}

// Start saves all positions in place of those that there are.
func (p *Positions) Start(ctx context.Context, all []cosmos.FeedPosition) error {
	_, err := p.kind.UpdateOrCreate(ctx, cosmos.PK(p.id), p.id, cosmos.Operation{}, func(d *positionsDoc) (bool, error) {
		d.Positions = all
		return true, nil
	})
	return err
}

// Save saves the position of one range, when it is still one of those that there are.
func (p *Positions) Save(ctx context.Context, one cosmos.FeedPosition) error {
	_, err := p.kind.Update(ctx, cosmos.PK(p.id), p.id, cosmos.Operation{}, func(d *positionsDoc) (bool, error) {
		i := slices.IndexFunc(d.Positions, func(at cosmos.FeedPosition) bool { return at.Min == one.Min && at.Max == one.Max })
		if i < 0 || d.Positions[i] == one {
			return false, nil
		}
		d.Positions[i] = one
		return true, nil
	})
	return err
}

// The ends of the space of hashed keys.
const (
	firstKey = ""
	lastKey  = "FF"
)

// covers reports whether the ranges of positions leave no gap.
func covers(positions []cosmos.FeedPosition) bool {
	end := firstKey
	for _, at := range positions {
		if at.Min != end {
			return false
		}
		end = at.Max
	}
	return end == lastKey
}
