package cosmos

import (
	"context"
	"errors"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"supergame/services/platform/fault"
)

// Update reads the document, lets change decide, and stores the result under the version read; on a lost race it reads and
// decides again, for as long as [Options.Patience] allows. Change may run several times and must only change its argument.
// It returns false to leave the document as it is, or an error, which Update hands on.
//
// An operation that the document already carries is not decided again: Update returns the document as it is now. The
// returned document is the stored one; NOT_FOUND when there is none. One read and one write when nobody interferes.
func (k *Kind[T]) Update(ctx context.Context, key Key, id string, op Operation, change func(*T) (bool, error)) (*T, error) {
	return k.update(ctx, key, id, op, change, false)
}

// UpdateOrCreate is [Kind.Update] for a document that may not exist: change then gets a new one with nothing but its id,
// whose ETag is empty.
func (k *Kind[T]) UpdateOrCreate(ctx context.Context, key Key, id string, op Operation, change func(*T) (bool, error)) (*T, error) {
	return k.update(ctx, key, id, op, change, true)
}

func (k *Kind[T]) update(ctx context.Context, key Key, id string, op Operation, change func(*T) (bool, error), create bool) (*T, error) {
	t, by := k.container.beginWrite(ctx), newStamp(op)
	for {
		doc, err := k.read(ctx, t, key, id)
		if create && fault.Is(err, fault.NotFound) {
			doc, err = new(T), nil
			k.header(doc).ID = id
		}
		if err != nil {
			return nil, err
		}
		done, err := by.op.appliedTo(k.header(doc).Ops)
		if err != nil {
			return nil, err
		}
		if done {
			return doc, nil
		}
		write, err := change(doc)
		if err != nil {
			return nil, err
		}
		if !write {
			return doc, nil
		}
		if err = k.store(ctx, t, key, by, doc); err == nil {
			return doc, nil
		}
		if !lostRace(err, create) {
			return nil, err
		}
		if err := t.conflicted(ctx); err != nil {
			return nil, err
		}
	}
}

// lostRace tells the conflicts that another read settles from errors that stand.
func lostRace(err error, create bool) bool {
	switch fault.ReasonOf(err) {
	case ReasonEtagMismatch, ReasonAlreadyExists:
		return true
	case ReasonNotFound:
		return create
	}
	return false
}

// Decide is [Kind.Update] for a decision over several documents: attempt reads them, decides and writes, usually by a
// [Batch]; while it fails because a document changed in between ([IsLostRace]) Decide lets it begin again, for as long
// as [Options.Patience] allows, which bounds the calls inside it too. Its context has a session, so that each attempt sees what the
// one before lost against. An attempt looks for its operation in what it reads ([Operation.AppliedTo]), or has a marker, before it decides.
func (c *Container) Decide(ctx context.Context, attempt func(context.Context) error) error {
	t := c.beginWrite(ctx)
	ctx = context.WithValue(WithSession(ctx, t.session), untilKey{}, t.until)
	for {
		err := attempt(ctx)
		if !IsLostRace(err) {
			return err
		}
		if err := t.conflicted(ctx); err != nil {
			return err
		}
	}
}

// IsLostRace reports whether a write was refused because the document is no longer the version it was decided on. A fault
// that a caller made with the same reason, as for a stale etag of his client, is none.
func IsLostRace(err error) bool {
	if fault.ReasonOf(err) != ReasonEtagMismatch {
		return false
	}
	var single *azcore.ResponseError
	var several *BatchError
	return errors.As(err, &single) || errors.As(err, &several)
}
