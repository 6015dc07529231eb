package cosmosstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/moderation"
)

// ReviewsContainer is the container of the texts that operators look at. Each is a partition of its own.
const ReviewsContainer = "reviews"

// keepDecided is how long a decided review stays, in seconds: so long a decision binds the same text, and can be looked up.
const keepDecided = 90 * 24 * 60 * 60

// reviewDoc is one review. A pending one has no TTL: what nobody looked at does not go away.
type reviewDoc struct {
	cosmos.Header
	Player      string   `json:"player"`
	Field       string   `json:"field"`
	Text        string   `json:"text"`
	Why         string   `json:"why"`
	Severity    int      `json:"severity,omitempty"`
	State       string   `json:"state"`
	CreateTime  instant  `json:"createTime"`
	DecideTime  *instant `json:"decideTime,omitempty"`
	DecidedBy   string   `json:"decidedBy,omitempty"`
	Note        string   `json:"note,omitempty"`
	Replacement string   `json:"replacement,omitempty"`
	TextRemoved bool     `json:"textRemoved,omitempty"`
}

func (d *reviewDoc) review() moderation.Review {
	r := moderation.Review{
		ID: d.ID, PlayerID: d.Player, Field: moderation.Field(d.Field), Text: d.Text, Why: d.Why, Severity: d.Severity,
		State: moderation.State(d.State), CreateTime: time.Time(d.CreateTime), DecidedBy: d.DecidedBy, Note: d.Note,
		Replacement: d.Replacement, TextRemoved: d.TextRemoved, ETag: d.ETag,
	}
	if d.DecideTime != nil {
		r.DecideTime = time.Time(*d.DecideTime)
	}
	return r
}

func (d *reviewDoc) set(r moderation.Review) {
	d.Player, d.Field, d.Text, d.Why, d.Severity = r.PlayerID, string(r.Field), r.Text, r.Why, r.Severity
	d.State, d.CreateTime = string(r.State), instant(r.CreateTime)
	d.DecidedBy, d.Note, d.Replacement, d.TextRemoved = r.DecidedBy, r.Note, r.Replacement, r.TextRemoved
	if !r.DecideTime.IsZero() {
		decided := instant(r.DecideTime)
		d.DecideTime = &decided
	}
	if r.State == moderation.StateAccepted || r.State == moderation.StateRemoved {
		d.TTL = keepDecided
	}
}

// reviewID is the same whenever the same player brings the same text for the same field.
func reviewID(playerID string, field moderation.Field, text string) string {
	h := sha256.New()
	var size [8]byte
	for _, part := range []string{playerID, string(field), text} {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:]) // a hash does not fail
		h.Write([]byte(part))
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Reviews is the [moderation.Store] on Cosmos DB.
type Reviews struct {
	container *cosmos.Container
	kind      *cosmos.Kind[reviewDoc]
}

// NewReviews returns the store. It does no I/O.
func NewReviews(client *cosmos.Client) *Reviews {
	container := client.Container(ReviewsContainer)
	return &Reviews{container: container, kind: cosmos.NewKind[reviewDoc](container, "review", schemaVersion)}
}

// Open is one write, and when the review is there already a refused one and a read.
func (s *Reviews) Open(ctx context.Context, r moderation.Review) (moderation.Review, error) {
	doc := &reviewDoc{}
	doc.set(r)
	doc.ID = reviewID(r.PlayerID, r.Field, r.Text)
	key := cosmos.PK(doc.ID)
	err := s.kind.Create(ctx, key, cosmos.Operation{}, doc)
	if fault.Is(err, fault.AlreadyExists) {
		if doc, err = s.kind.Read(ctx, key, doc.ID); fault.Is(err, fault.NotFound) { // it expired just now
			err = fault.New(fault.Unavailable, "REVIEW_GONE", "a review went away while it was opened, try again").Because(err)
		}
	}
	if err != nil {
		return moderation.Review{}, err
	}
	return doc.review(), nil
}

// Get is one point read.
func (s *Reviews) Get(ctx context.Context, id string) (moderation.Review, error) {
	doc, err := s.kind.Read(ctx, cosmos.PK(id), id)
	if err != nil {
		return moderation.Review{}, explainReview(id, err)
	}
	return doc.review(), nil
}

// Update is one read, and one write when something is different.
func (s *Reviews) Update(
	ctx context.Context, e moderation.Edit, decide func(*moderation.Review) (bool, error),
) (moderation.Review, error) {
	op := cosmos.NewOperation(e.Caller, e.RequestID, e.Content)
	doc, err := s.kind.Update(ctx, cosmos.PK(e.ID), e.ID, op, func(d *reviewDoc) (bool, error) {
		r := d.review()
		changed, err := decide(&r)
		if changed {
			d.set(r)
		}
		return changed, err
	})
	if err != nil {
		return moderation.Review{}, explainReview(e.ID, err)
	}
	return doc.review(), nil
}

// reviewsWhere is the statement of a filter. State and player are indexed.
func reviewsWhere(f moderation.Filter) cosmos.Statement {
	switch {
	case f.State != "" && f.PlayerID != "":
		return cosmos.SQL("SELECT * FROM c WHERE c.player = @player AND c.state = @state").
			With("@player", f.PlayerID).With("@state", string(f.State))
	case f.State != "":
		return cosmos.SQL("SELECT * FROM c WHERE c.state = @state").With("@state", string(f.State))
	case f.PlayerID != "":
		return cosmos.SQL("SELECT * FROM c WHERE c.player = @player").With("@player", f.PlayerID)
	}
	return cosmos.SQL("SELECT * FROM c")
}

// List is one query over all partitions, or a few when the service answers with empty pages first.
func (s *Reviews) List(ctx context.Context, f moderation.Filter, size int, position string) (found []moderation.Review, next string, err error) {
	options := cosmos.PageOptions{Size: size, Continuation: position}
	for {
		page, err := s.kind.QueryPage(ctx, cosmos.Key{}, reviewsWhere(f), options)
		if err != nil {
			return nil, "", err
		}
		for _, doc := range page.Items {
			found = append(found, doc.review())
		}
		if len(found) > 0 || page.Continuation == "" {
			return found, page.Continuation, nil
		}
		options.Continuation = page.Continuation
	}
}

// Scan reads all pages at low priority.
func (s *Reviews) Scan(ctx context.Context, state moderation.State, each func(moderation.Review) error) error {
	return s.kind.Scan(ctx, reviewsWhere(moderation.Filter{State: state}), func(doc *reviewDoc) error { return each(doc.review()) })
}

func explainReview(id string, err error) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.NotFound, "REVIEW_NOT_FOUND", "there is no review %s", id).With("review_id", id).Because(err)
	}
	return err
}
