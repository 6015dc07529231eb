package cosmosstore

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"

	"supergame/services/identity/internal/revocation"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// RevocationStore is the [revocation.Store] of container revocations.
//
// The list is the container's change feed: the service itself orders each range by commit, so a reader who follows the feed cannot
// step over a row that another replica is just writing, whatever the clocks say, and an empty poll is one cheap call a range.
type RevocationStore struct {
	kind *cosmos.Kind[revocationDoc]
	feed cosmos.Feed
}

// NewRevocations returns the store. It does no I/O.
func NewRevocations(client *cosmos.Client) *RevocationStore {
	container := client.Container(Revocations)
	return &RevocationStore{
		kind: cosmos.NewKind[revocationDoc](container, "revocation", 1),
		feed: cosmos.Feed{Container: container, PageSize: 1000},
	}
}

// Put is one write; a row that is there stays as it is.
func (s *RevocationStore) Put(ctx context.Context, r revocation.Row) error {
	err := s.kind.Create(ctx, cosmos.PK(r.ID), cosmos.Operation{}, encodeRevocation(r))
	if fault.Is(err, fault.AlreadyExists) {
		return nil
	}
	return err
}

const (
	// pollsPerRange is how often one list polls a range that has news. A range that was split is read in turns, a page of one part each
	// time, so this is also the number of parts that one list is sure to see.
	pollsPerRange = 8
	// rowsPerList is about how many rows one answer holds, some hundred kilobytes; each range adds a page to it at least.
	rowsPerList = 4000
)

// List polls every range of the feed until it has no news, but not for ever: where rows come as fast as they are read, the list ends
// with what was there when it began.
func (s *RevocationStore) List(ctx context.Context, cursor string) (revocation.Page, error) {
	positions, err := s.positions(ctx, cursor)
	if err != nil {
		return revocation.Page{}, err
	}
	var page revocation.Page
	for i := range positions {
		if err := s.drain(ctx, &positions[i], &page); err != nil {
			return revocation.Page{}, s.refuse(cursor, err)
		}
	}
	page.Cursor, err = encodeCursor(positions)
	return page, err
}

// drain adds what is new in a range, and says that there is more when it stops behind a full page.
func (s *RevocationStore) drain(ctx context.Context, position *cosmos.FeedPosition, page *revocation.Page) error {
	full := false
	for range pollsPerRange {
		read, err := s.feed.Poll(ctx, *position)
		if err != nil {
			return err
		}
		*position = read.Next
		if len(read.Changes) == 0 {
			return nil
		}
		if page.Rows, err = s.append(page.Rows, read.Changes); err != nil {
			return err
		}
		full = full || len(read.Changes) >= int(s.feed.PageSize) || len(page.Rows) >= rowsPerList
		if len(page.Rows) >= rowsPerList {
			break
		}
	}
	page.More = page.More || full
	return nil
}

func (s *RevocationStore) append(rows []revocation.Row, changes []cosmos.Change) ([]revocation.Row, error) {
	for _, change := range changes {
		doc, err := s.kind.Decode(change.Body)
		if err != nil {
			return nil, err
		}
		if r := doc.decode(); r.Kind != 0 && r.Target != "" {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// refuse blames the cursor for what only a wrong one causes: the caller then begins again.
func (s *RevocationStore) refuse(cursor string, err error) error {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.DeadlineExceeded, fault.Canceled, fault.ResourceExhausted, fault.DataLoss:
		return err
	}
	if cursor == "" {
		return err
	}
	return badCursor(err)
}

func badCursor(cause error) error {
	return fault.Invalid("cursor", "is not one of this list; begin again without one").Because(cause)
}

// positions reads a cursor: where each range of the feed is continued.
func (s *RevocationStore) positions(ctx context.Context, cursor string) ([]cosmos.FeedPosition, error) {
	if cursor == "" {
		return s.feed.Positions(ctx)
	}
	text, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, badCursor(err)
	}
	var positions []cosmos.FeedPosition
	if err := json.Unmarshal(text, &positions); err != nil || len(positions) == 0 {
		return nil, badCursor(err)
	}
	for _, p := range positions {
		if p.Max == "" || p.Token == "" {
			return nil, badCursor(nil)
		}
	}
	return positions, nil
}

func encodeCursor(positions []cosmos.FeedPosition) (string, error) {
	text, err := json.Marshal(positions)
	if err != nil {
		return "", fmt.Errorf("encoding a cursor: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}
