package cosmos

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// Create stores a new document. When one with its id exists: the one this operation created before is put into doc, and
// that is success; any other is ALREADY_EXISTS.
func (k *Kind[T]) Create(ctx context.Context, key Key, op Operation, doc *T) error {
	if k.header(doc).ETag != "" {
		return fault.New(fault.Internal, "HAS_ETAG", "document %q is created, but was read", k.header(doc).ID)
	}
	t, by := k.container.beginWrite(ctx), newStamp(op)
	err := k.store(ctx, t, key, by, doc)
	if by.named && fault.ReasonOf(err) == ReasonAlreadyExists {
		_, err = k.settle(ctx, t, key, by, doc, err)
	}
	return err
}

// Replace stores doc over the version it was read as: ABORTED with reason ETAG_MISMATCH when that is no longer the
// newest, NOT_FOUND when it is gone. A version that this operation wrote before is put into doc, and that is success.
func (k *Kind[T]) Replace(ctx context.Context, key Key, op Operation, doc *T) error {
	if k.header(doc).ETag == "" {
		return fault.New(fault.Internal, "NO_ETAG", "document %q is replaced without having been read", k.header(doc).ID)
	}
	t, by := k.container.beginWrite(ctx), newStamp(op)
	err := k.store(ctx, t, key, by, doc)
	if by.named && IsLostRace(err) {
		_, err = k.settle(ctx, t, key, by, doc, err)
	}
	return err
}

// stamp is the operation a write carries.
type stamp struct {
	op    Operation
	named bool // the caller named it, so an earlier call may have done it
}

func newStamp(op Operation) stamp {
	op, named := op.orMinted()
	return stamp{op, named}
}

// store creates doc, or replaces the version it was read as, until the outcome is known: whenever a try may have been carried
// out without an answer it looks at the store before it tries again. A conflict that stands after that is a rival's.
func (k *Kind[T]) store(ctx context.Context, t *task, key Key, by stamp, doc *T) error {
	next, err := k.encode(doc, by.op)
	if err != nil {
		return err
	}
	t.doubtful = false
	for try := 0; ; try++ {
		etag, err := t.put(ctx, key, k.header(doc).ETag, next)
		if err == nil {
			k.header(doc).written(next, etag)
			return nil
		}
		var open *unsettled
		if !errors.As(err, &open) && !t.doubtful {
			return err
		}
		untouched, err := k.settle(ctx, t, key, by, doc, err)
		if !untouched {
			return err
		}
		if open == nil || !t.pause(ctx, try, open.after) {
			return err
		}
	}
}

// put makes one try at a create (without an etag) or a guarded replace.
func (t *task) put(ctx context.Context, key Key, match string, next Header) (etag azcore.ETag, err error) {
	if err := checkID(next.ID); err != nil {
		return "", err
	}
	t.lookFirst = true
	defer func() { t.lookFirst = false }()
	if match == "" {
		err = t.call(ctx, "create_item", key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
			response, err := sdk.CreateItem(ctx, key.value, next.stored, nil)
			etag = response.ETag
			return err
		})
		return etag, err
	}
	options := &azcosmos.ItemOptions{IfMatchEtag: (*azcore.ETag)(&match)}
	err = t.call(ctx, "replace_item", key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		response, err := sdk.ReplaceItem(ctx, key.value, next.ID, next.stored, options)
		etag = response.ETag
		return err
	})
	return etag, err
}

// unsettled is the error of a write that may have been carried out.
type unsettled struct {
	fault *fault.Error
	after time.Duration // how long the service asks to wait
}

// Error gives the fault's words.
func (u *unsettled) Error() string { return u.fault.Error() }

// Unwrap gives the fault.
func (u *unsettled) Unwrap() error { return u.fault }

// settle looks whether a refused or unanswered write is our own success: then the stored document is put into doc and the
// error is nil. Else the error is what the caller should hear, and untouched says that the document is as it was when doc was
// read, so that the same write may be tried again.
func (k *Kind[T]) settle(ctx context.Context, t *task, key Key, by stamp, doc *T, refusal error) (untouched bool, err error) {
	base := k.header(doc)
	stored, err := k.read(ctx, t, key, base.ID)
	if fault.Is(err, fault.NotFound) {
		if base.ETag == "" {
			return true, refusal
		}
		return false, err
	}
	if err != nil {
		return false, err
	}
	head := k.header(stored)
	ours, err := by.op.appliedTo(head.Ops)
	switch {
	case err != nil:
		return false, err
	case ours:
		*doc = *stored
		return false, nil
	case head.ETag == base.ETag:
		return true, refusal
	case t.doubtful && !showsAll(base.Ops, head.Ops):
		return false, unknownOutcome().Because(refusal)
	}
	return false, lost(base.ETag == "", refusal)
}

// showsAll reports whether a document names every operation since a version that had the operations base: then one that it
// does not name was never carried out.
func showsAll(base, now []string) bool {
	if len(base) == 0 {
		return len(now) < keptOps
	}
	return slices.Contains(now, base[len(base)-1])
}

// unknownOutcome is said when so many others wrote behind an unanswered write that its trace is gone.
func unknownOutcome() *fault.Error {
	return fault.New(fault.Aborted, ReasonOutcomeUnknown, "it cannot be told whether the change was made, read again")
}

// lost is the conflict behind a refusal: itself when it is one, else that of a write whose answer was lost and that a rival
// has come before.
func lost(create bool, refusal error) error {
	if fault.ReasonOf(refusal) != ReasonUnavailable {
		return refusal
	}
	status := http.StatusPreconditionFailed
	if create {
		status = http.StatusConflict
	}
	return statusFault(status, 0, 0).Because(&answer{&azcore.ResponseError{StatusCode: status}})
}
