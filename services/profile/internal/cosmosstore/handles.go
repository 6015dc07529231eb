package cosmosstore

import (
	"context"
	"math"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/handle"
)

// HandlesContainer is the container of the reservations of handles. Its partition key is /id.
const HandlesContainer = "handles"

// reservationDoc is a reservation of a handle. Its id is the hash of a look. It is read by its id, by its owner for an erase and an
// export, and by the beginning of `search`.
type reservationDoc struct {
	cosmos.Header
	Owner  string `json:"owner,omitempty"`  // the player; none once it is released
	Number int64  `json:"number"`           // of the claim that wrote it last
	Handle string `json:"handle,omitempty"` // the name that it is a look of
	Search string `json:"search,omitempty"` // the folded name, on one reservation of a name
	Former string `json:"former,omitempty"` // HMAC of who had it, under which he may take it back
	Until  int64  `json:"until,omitempty"`  // until when he may, seconds since 1970
}

// Handles is the [handle.Reservations] on Cosmos DB.
type Handles struct {
	reservations *cosmos.Kind[reservationDoc]
}

// NewHandles returns the store. It does no I/O.
func NewHandles(client *cosmos.Client) *Handles {
	return &Handles{cosmos.NewKind[reservationDoc](client.Container(HandlesContainer), "handle", schemaVersion)}
}

// Newest is a batch of one read: the primary replica carries it out, so it sees what other callers wrote. 1 RU.
func (s *Handles) Newest(ctx context.Context, key string) (*handle.Reservation, error) {
	out, err := s.reservations.Container().Batch(cosmos.PK(key), cosmos.Operation{}).Read(key).Execute(ctx)
	if missing(err) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	doc, err := s.reservations.Decode(out.Bodies[0])
	if err != nil {
		return nil, err
	}
	r := doc.reservation()
	return &r, nil
}

func (d *reservationDoc) reservation() handle.Reservation {
	r := handle.Reservation{
		Key: d.ID, Owner: d.Owner, Number: d.Number, Handle: d.Handle, Search: d.Search, Former: d.Former, ETag: d.ETag,
	}
	if d.Until > 0 {
		r.Until = time.Unix(d.Until, 0).UTC()
	}
	return r
}

// Put is one write: about 6 RU for a new one, 10 to replace.
func (s *Handles) Put(ctx context.Context, r handle.Reservation, keep time.Duration) (bool, error) {
	doc := &reservationDoc{Owner: r.Owner, Number: r.Number, Handle: r.Handle, Search: r.Search, Former: r.Former}
	doc.ID, doc.ETag = r.Key, r.ETag
	if !r.Until.IsZero() {
		doc.Until = r.Until.Unix()
	}
	if keep > 0 {
		doc.TTL = int32(max(1, min(keep/time.Second, math.MaxInt32))) //nolint:gosec // bounded
	}
	if r.ETag == "" {
		return kept(s.reservations.Create(ctx, cosmos.PK(r.Key), cosmos.Operation{}, doc))
	}
	return kept(s.reservations.Replace(ctx, cosmos.PK(r.Key), cosmos.Operation{}, doc))
}

// Delete is one write.
func (s *Handles) Delete(ctx context.Context, r handle.Reservation) (bool, error) {
	return kept(s.reservations.Delete(ctx, cosmos.PK(r.Key), r.Key, r.ETag))
}

// kept tells a write that met another version, or may have, from one that failed.
func kept(err error) (bool, error) {
	switch fault.ReasonOf(err) {
	case cosmos.ReasonAlreadyExists, cosmos.ReasonEtagMismatch, cosmos.ReasonNotFound, cosmos.ReasonOutcomeUnknown:
		return false, nil
	}
	return err == nil, err
}

// Search is one page of a query over all partitions, served by the index of `search`.
func (s *Handles) Search(ctx context.Context, prefix string, size int, after string) (handle.Page, error) {
	statement := cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.search, @prefix)").With("@prefix", prefix)
	page, err := s.reservations.QueryPage(ctx, cosmos.Key{}, statement, cosmos.PageOptions{Size: size, Continuation: after})
	found := make([]handle.Reservation, len(page.Items))
	for i, doc := range page.Items {
		found[i] = doc.reservation()
	}
	return handle.Page{Found: found, Next: page.Continuation}, err
}
