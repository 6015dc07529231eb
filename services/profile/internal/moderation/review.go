package moderation

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// State is what became of a text in review.
type State string

// The states. A removal goes over StateRemoving, because a write of the text that was let through before the decision may still
// be on its way.
const (
	StatePending  State = "pending"
	StateAccepted State = "accepted"
	StateRemoving State = "removing"
	StateRemoved  State = "removed"
)

// Settle is how long after a decision the text may still be written by a call that was let through before it: longer than a call tries to
// write, with a wide margin for clocks that disagree.
const Settle = 2 * time.Minute

// Review is one text that a person looks at.
type Review struct {
	ID          string // given by the store: the same for the same player, field and text
	PlayerID    string
	Field       Field
	Text        string
	Why         string // a category, or Unanswered
	Severity    int
	State       State
	CreateTime  time.Time
	DecideTime  time.Time // zero while it is pending
	DecidedBy   string    // the operator
	Note        string
	Replacement string
	TextRemoved bool   // the decision took the text away
	ETag        string // opaque
}

// Remover takes texts of one field away. It is what a room whose texts are reviewed gives to [Reviews].
type Remover interface {
	// Normalize returns the form in which a replacement would be stored, or a fault that names the field `replacement`. The empty text, no
	// replacement, is always allowed.
	Normalize(replacement string) (string, error)

	// Remove puts the replacement where the text stands, if it is still that text, and reports whether it was. The text must be compared and
	// replaced as one step. It is called again after a failure, and once more when every earlier write has come to its end. A player who
	// is not there shows no text.
	Remove(ctx context.Context, playerID, text, replacement string) (removed bool, err error)
}

// Reviews is the queue.
type Reviews struct {
	Store    Store
	Removers map[Field]Remover
	Tokens   pagetoken.Codec
	Now      func() time.Time
	Log      *slog.Logger // of the decisions
}

// open queues a text, and returns the state of its review.
func (r *Reviews) open(ctx context.Context, review Review) (State, error) {
	review.State, review.CreateTime = StatePending, r.now()
	stored, err := r.Store.Open(ctx, review)
	return stored.State, err
}

// Get returns one review.
func (r *Reviews) Get(ctx context.Context, id string) (Review, error) { return r.Store.Get(ctx, id) }

// defaultPage is the size of a page when the caller does not say.
const defaultPage = 50

// List returns one page of the reviews that a filter selects.
func (r *Reviews) List(ctx context.Context, f Filter, size int, pageToken string) (found []Review, next string, err error) {
	list := r.Tokens.For("ModerationService.ListReviews", string(f.State), f.PlayerID)
	position, err := list.Position(pageToken)
	if err != nil {
		return nil, "", err
	}
	if size == 0 {
		size = defaultPage
	}
	found, position, err = r.Store.List(ctx, f, size, position)
	return found, list.Token(position), err
}

// Decision is what an operator decides about a review.
type Decision struct {
	ID          string
	Operator    string
	RequestID   string
	ETag        string // of the review that the operator saw; "" = any
	Remove      bool   // else it is accepted
	Replacement string
	Note        string
}

// content is what the decision asks for, in a stable encoding. The version is no part of it, see [Store.Update].
func (d Decision) content() []byte {
	b, err := json.Marshal([]any{d.ID, d.Remove, d.Replacement, d.Note})
	if err != nil { // strings and booleans always encode
		panic(err)
	}
	return b
}

// Decide writes the decision, and then carries it out. It is safe to repeat, also after a failure in between; [Reviews.Finish] carries out
// what nobody repeats.
func (r *Reviews) Decide(ctx context.Context, d Decision) (Review, error) {
	if !d.Remove && d.Replacement != "" {
		return Review{}, fault.Invalid("replacement", "stands beside a decision to accept: it is for a removal")
	}
	edit := Edit{ID: d.ID, Caller: "operator " + d.Operator, RequestID: d.RequestID, Content: d.content()}
	decided := false
	review, err := r.Store.Update(ctx, edit, func(review *Review) (bool, error) {
		var err error
		decided, err = r.decide(review, d)
		return decided, err
	})
	if err != nil {
		return Review{}, err
	}
	if decided {
		r.Log.InfoContext(ctx, "a review was decided", "review", review.ID, "player", review.PlayerID, "field", string(review.Field),
			"state", string(review.State), "operator", review.DecidedBy)
	}
	if review.State == StateRemoving {
		return r.remove(ctx, review)
	}
	return review, nil
}

// decide changes a pending review. The same decision again changes nothing.
func (r *Reviews) decide(review *Review, d Decision) (bool, error) {
	replacement, err := r.normalize(review, d)
	if err != nil {
		return false, err
	}
	if review.State != StatePending {
		if d.sameAs(review, replacement) {
			return false, nil
		}
		return false, fault.New(fault.FailedPrecondition, "REVIEW_DECIDED", "review %s was decided before", review.ID).
			With("state", string(review.State)).With("decided_by", review.DecidedBy)
	}
	if d.ETag != "" && d.ETag != review.ETag {
		return false, fault.New(fault.Aborted, "ETAG_MISMATCH", "etag is not the version stored now: read the review again").
			With("field", "etag").With("etag", review.ETag)
	}
	review.State = StateAccepted
	if d.Remove {
		review.State, review.Replacement = StateRemoving, replacement
	}
	review.DecideTime, review.DecidedBy, review.Note = r.now(), d.Operator, d.Note
	return true, nil
}

// normalize checks the replacement, and that this program can remove the text at all.
func (r *Reviews) normalize(review *Review, d Decision) (string, error) {
	if !d.Remove {
		return "", nil
	}
	remover, ok := r.Removers[review.Field]
	if !ok {
		return "", unknownField(review)
	}
	replacement, err := remover.Normalize(d.Replacement)
	if err == nil && replacement != "" && replacement == review.Text {
		err = fault.Invalid("replacement", "is the text that is to be removed")
	}
	return replacement, err
}

func (d Decision) sameAs(review *Review, replacement string) bool {
	if !d.Remove {
		return review.State == StateAccepted
	}
	return review.State != StateAccepted && review.Replacement == replacement
}

func unknownField(review *Review) error {
	return fault.New(fault.FailedPrecondition, "REVIEW_FIELD_UNKNOWN", "this service cannot remove a text of the field %q", review.Field).
		With("field", string(review.Field))
}

// remove takes the text away, and notes it.
func (r *Reviews) remove(ctx context.Context, review Review) (Review, error) {
	remover, ok := r.Removers[review.Field]
	if !ok {
		return Review{}, unknownField(&review)
	}
	removed, err := remover.Remove(ctx, review.PlayerID, review.Text, review.Replacement)
	if err != nil {
		return Review{}, fmt.Errorf("removing the text of review %s: %w", review.ID, err)
	}
	done := !r.now().Before(review.DecideTime.Add(Settle))
	if !removed && !done {
		return review, nil
	}
	return r.Store.Update(ctx, Edit{ID: review.ID}, func(stored *Review) (bool, error) {
		if stored.State != StateRemoving {
			return false, nil
		}
		if done {
			stored.State = StateRemoved
		}
		stored.TextRemoved = stored.TextRemoved || removed
		return true, nil
	})
}

// Finish carries out removals that were interrupted, and is the end of every one: when no call from before the decision can be under way any
// more, the text is taken away once more if it came back, and the review is done. It is a chore: safe to repeat, and at the same time. One
// review that fails does not keep the others.
func (r *Reviews) Finish(ctx context.Context) error {
	var failed error
	err := r.Store.Scan(ctx, StateRemoving, func(review Review) error {
		if _, err := r.remove(ctx, review); err != nil && !fault.Is(err, fault.NotFound) { // erased meanwhile
			failed = err
		}
		return ctx.Err()
	})
	if err == nil {
		err = failed
	}
	return err
}

// now has the resolution that is stored.
func (r *Reviews) now() time.Time { return r.Now().UTC().Truncate(time.Millisecond) }
