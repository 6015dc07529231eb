// Package moderation decides which texts of players others may see, and keeps the queue of those that a person has to look at. It
// knows neither gRPC, nor HTTP, nor Cosmos DB.
//
// A room that stores a text others will see asks [Moderator.Check] before it stores it. A text to review is queued first and stored
// after that, so none is visible without being in the queue; one that is in the queue and was never stored is found not to be visible
// when it is decided.
//
// To add a kind of text: choose a [Field], which is stored and never changes; give every new text of it to Check before anything is
// stored; and put a [Remover] of that field into [Reviews], where the service is built. A review whose field has no Remover can be accepted and
// not removed.
package moderation

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"supergame/services/platform/fault"
)

// Field is a place where a text of a player stands. It is stored.
type Field string

// The fields.
const (
	DisplayName     Field = "display_name"     // the name in a profile
	Handle          Field = "handle"           // the name that is his alone
	SaveDescription Field = "save_description" // of a public save
)

// Of returns a moderator of one field, for a room that has no other.
func (m *Moderator) Of(field Field) FieldModerator { return FieldModerator{m, field} }

// FieldModerator decides about the texts of one field.
type FieldModerator struct {
	moderator *Moderator
	field     Field
}

// Check is [Moderator.Check] for a text of the field. Path is where it stands in the request.
func (f FieldModerator) Check(ctx context.Context, playerID, path, text string) error {
	return f.moderator.Check(ctx, Text{PlayerID: playerID, Field: f.field, Path: path, Text: text})
}

// Text is what a player wants others to see.
type Text struct {
	PlayerID string
	Field    Field
	Path     string // of the field in the request, for the answer: "profile.display_name"
	Text     string // as it will be stored; a review holds all of it, so its room keeps it well below the 2 MB of a document
}

// Why a text is refused or reviewed, besides the categories of the word list and of the analyzer.
const (
	Unanswered = "Unanswered" // the analyzer did not answer
	Blocklist  = "Blocklist"  // one of the analyzer's blocklists has it
	Removed    = "Removed"    // an operator removed this text of this player before
)

// ReasonRefused is the reason of the fault of a text that is refused.
const ReasonRefused = "TEXT_REFUSED"

// WordList finds words that may not stand in a text.
type WordList interface {
	// Match returns the category of a word that the text contains.
	Match(text string) (category string, found bool)
}

// Analyzer asks somebody who understands texts.
type Analyzer interface {
	// Analyze rates a text in these categories. Any error means that it did not answer.
	Analyze(ctx context.Context, text string, categories []Category) (Analysis, error)
}

// Analysis is what an analyzer says about a text.
type Analysis struct {
	Severities map[Category]int // of every category asked for, unless Blocked
	Blocked    bool             // a blocklist has the text
}

// Moderator decides about texts.
type Moderator struct {
	Words    WordList // nil = none
	Analyzer Analyzer // nil = none
	Policy   Policy   // of the analyzer
	Reviews  *Reviews
	Log      *slog.Logger
}

// Check returns nil when the text may be stored. Then it is either good, or stands in the queue of reviews already. A text that is not good is
// INVALID_ARGUMENT naming the field, reason TEXT_REFUSED, with the category and never the word; a check that cannot be made is UNAVAILABLE
// when the policy says so. It is safe to repeat: the same text is queued once.
func (m *Moderator) Check(ctx context.Context, t Text) error {
	if t.Text == "" {
		return nil
	}
	if m.Words != nil {
		if category, found := m.Words.Match(t.Text); found {
			return refused(t.Path, category)
		}
	}
	if m.Analyzer == nil {
		return nil
	}
	analysis, err := m.analyze(ctx, t.Text)
	if err != nil {
		return m.unanswered(ctx, t, err)
	}
	v := m.Policy.judge(analysis)
	switch v.kind {
	case refuse:
		return refused(t.Path, v.why)
	case review:
		return m.review(ctx, t, v)
	}
	return nil
}

// analyze gives the analyzer the time of the policy, or half of what the caller has left when that is less: the rest is for what follows.
func (m *Moderator) analyze(ctx context.Context, text string) (Analysis, error) {
	timeout := m.Policy.Timeout
	if deadline, ok := ctx.Deadline(); ok {
		timeout = min(timeout, time.Until(deadline)/2)
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	return m.Analyzer.Analyze(ctx, text, m.Policy.categories())
}

// unanswered is what happens to a text that could not be rated. A caller who went away gets nothing queued.
func (m *Moderator) unanswered(ctx context.Context, t Text, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	m.Log.WarnContext(ctx, "the text analyzer did not answer", "field", string(t.Field), "then", string(m.Policy.Unanswered), "error", cause)
	if m.Policy.Unanswered == ThenRefuse {
		return fault.New(fault.Unavailable, "MODERATION_UNAVAILABLE", "%s cannot be checked at the moment, try again", t.Path).
			With("field", t.Path).After(retryUnanswered).Because(cause)
	}
	return m.review(ctx, t, verdict{kind: review, why: Unanswered})
}

const retryUnanswered = 5 * time.Second

// review queues the text. An operator's decision about the same text stands.
func (m *Moderator) review(ctx context.Context, t Text, v verdict) error {
	state, err := m.Reviews.open(ctx, Review{PlayerID: t.PlayerID, Field: t.Field, Text: t.Text, Why: v.why, Severity: v.severity})
	if err != nil {
		return fmt.Errorf("queueing %s for review: %w", t.Path, err)
	}
	if state == StateRemoving || state == StateRemoved {
		return refused(t.Path, Removed)
	}
	return nil
}

func refused(path, category string) error {
	f := fault.Invalid(path, "is refused: %s", category)
	f.Reason = ReasonRefused
	return f.With("field", path).With("category", category)
}
