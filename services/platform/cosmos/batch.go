package cosmos

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// MaxBatch is how many operations a batch may have.
const MaxBatch = 100

// Item is a document on its way into a batch, made by [Kind.Item].
type Item struct {
	head   func() *Header
	encode func(Operation) (Header, error)
	load   func(body []byte, etag azcore.ETag) error // from what the store has
}

// Item binds a document to its kind for a [Batch]. After a commit doc carries its new ETag.
func (k *Kind[T]) Item(doc *T) Item {
	return Item{
		head:   func() *Header { return k.header(doc) },
		encode: func(op Operation) (Header, error) { return k.encode(doc, op) },
		load: func(body []byte, etag azcore.ETag) error {
			stored, err := k.decode(body, etag)
			if err == nil {
				*doc = *stored
			}
			return err
		},
	}
}

// Batch is a list of operations on one partition that happen all together or not at all, in their order. Build it, then
// [Batch.Execute] it once.
//
// A batch that adds up, or spans documents, names one of the documents it creates as its marker: that one's id is derived
// from the request ([Operation.ID]), and it holds the answer. When the marker is there already, the request was carried out
// before: Execute loads it and reports a replay.
type Batch struct {
	container *Container
	key       Key
	by        stamp
	sdk       azcosmos.TransactionalBatch
	steps     []step
	marker    int // index of the step, -1 without
	err       error
}

// step is one operation of a batch.
type step struct {
	verb string
	id   string
	item *Item    // of the verbs that write a document
	base []string // operations of the version it was read as
	next Header   // of the version that is written
}

const (
	verbRead    = "read"
	verbCreate  = "create"
	verbReplace = "replace"
	verbUpsert  = "upsert"
	verbDelete  = "delete"
)

// Batch starts a batch in one partition. The operation is stamped into every document it writes.
func (c *Container) Batch(key Key, op Operation) *Batch {
	return &Batch{container: c, key: key, by: newStamp(op), sdk: c.client.current.Load().container(c.name).NewTransactionalBatch(key.value), marker: -1}
}

// Len is the number of operations so far.
func (b *Batch) Len() int { return len(b.steps) }

// Read requires a document to exist: the batch fails with NOT_FOUND when it does not. Its body is in the outcome.
func (b *Batch) Read(id string) *Batch {
	if b.add(step{verb: verbRead, id: id}) {
		b.sdk.ReadItem(jsonInner(id), nil)
	}
	return b
}

// Create requires that no document with this id exists: else ALREADY_EXISTS.
func (b *Batch) Create(item Item) *Batch {
	if body := b.write(verbCreate, item); body != nil {
		b.sdk.CreateItem(body, nil)
	}
	return b
}

// CreateMarker is [Batch.Create] for the batch's marker. Its TTL is how long a request may come again: far more than
// [Options.Patience], within which Execute itself looks for it.
func (b *Batch) CreateMarker(item Item) *Batch {
	if b.Create(item); b.err == nil {
		b.marker = len(b.steps) - 1
	}
	return b
}

// Replace requires the stored version to be the one the document was read as: else ABORTED, ETAG_MISMATCH.
func (b *Batch) Replace(item Item) *Batch {
	head := item.head()
	match := azcore.ETag(head.ETag)
	if match == "" && b.err == nil {
		b.err = fault.New(fault.Internal, "NO_ETAG", "document %q is replaced without having been read", head.ID)
	}
	if body := b.write(verbReplace, item); body != nil {
		b.sdk.ReplaceItem(jsonInner(head.ID), body, &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &match})
	}
	return b
}

// Upsert creates the document or writes over whatever is there; a document that was read is guarded by its ETag. One that is not
// guarded may, behind a lost answer, be written again over what came in between.
func (b *Batch) Upsert(item Item) *Batch {
	var options *azcosmos.TransactionalBatchItemOptions
	if match := azcore.ETag(item.head().ETag); match != "" {
		options = &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &match}
	}
	if body := b.write(verbUpsert, item); body != nil {
		b.sdk.UpsertItem(body, options)
	}
	return b
}

// Delete removes a document if etag is still its version; an empty etag removes any. NOT_FOUND when there is none.
func (b *Batch) Delete(id, etag string) *Batch {
	var options *azcosmos.TransactionalBatchItemOptions
	if match := azcore.ETag(etag); match != "" {
		options = &azcosmos.TransactionalBatchItemOptions{IfMatchETag: &match}
	}
	if b.add(step{verb: verbDelete, id: id}) {
		b.sdk.DeleteItem(jsonInner(id), options)
	}
	return b
}

func (b *Batch) write(verb string, item Item) []byte {
	if b.err != nil {
		return nil
	}
	next, err := item.encode(b.by.op)
	if err != nil {
		b.err = err
		return nil
	}
	if !b.add(step{verb: verb, id: next.ID, item: &item, base: item.head().Ops, next: next}) {
		return nil
	}
	return next.stored
}

func (b *Batch) add(s step) bool {
	if b.err == nil {
		b.err = checkID(s.id)
	}
	if b.err == nil && len(b.steps) == MaxBatch {
		b.err = fault.New(fault.InvalidArgument, ReasonTooLarge, "a batch takes at most %d operations", MaxBatch)
	}
	if b.err != nil {
		return false
	}
	b.steps = append(b.steps, s)
	return true
}

// jsonInner escapes an id for the SDK, which puts it between quotes as it is.
func jsonInner(id string) string {
	quoted, _ := json.Marshal(id) // a string always encodes
	return string(quoted[1 : len(quoted)-1])
}

// Outcome is what a committed batch gave.
type Outcome struct {
	// Replayed says that the batch had been carried out before this try: by an earlier call with the same operation, or by an
	// earlier try whose answer was lost. The marker was then loaded and holds the answer; the other documents of the batch are
	// as they were. Without a marker every document was loaded as it is now.
	Replayed bool
	Bodies   [][]byte // by operation: the document as it now is, nil for Delete; empty after a replay
}

// BatchError is the cause of the fault of a batch that was not carried out: the operation that failed first.
type BatchError struct {
	Index  int    // of the operation
	Verb   string // read, create, replace, upsert or delete
	ID     string // of its document
	Status int    // HTTP status of the service
}

// Error names the operation and its status.
func (e *BatchError) Error() string {
	return fmt.Sprintf("batch operation %d (%s %q) was refused with status %d", e.Index, e.Verb, e.ID, e.Status)
}

// Execute carries the batch out. When an operation is refused nothing happened, the error is the fault of that operation
// and has a [*BatchError] in its chain.
func (b *Batch) Execute(ctx context.Context) (Outcome, error) {
	if b.err != nil {
		return Outcome{}, b.err
	}
	if len(b.steps) == 0 {
		return Outcome{}, nil
	}
	t := b.container.beginWrite(ctx)
	var response azcosmos.TransactionalBatchResponse
	err := t.call(ctx, "execute_batch", b.key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		var err error
		// With content: without it the service need not say which operation failed.
		response, err = sdk.ExecuteTransactionalBatch(ctx, b.sdk, &azcosmos.TransactionalBatchOptions{EnableContentResponseOnWrite: true})
		if err != nil {
			return err
		}
		return passing(response)
	})
	if err != nil {
		return Outcome{}, err
	}
	if !response.Success {
		return b.settle(ctx, t, b.refused(response.OperationResults))
	}
	return b.committed(response.OperationResults)
}

// passing turns a batch that failed for a passing reason into the error of that reason, which is tried again or, for 429,
// handed on with the service's advice when to.
func passing(response azcosmos.TransactionalBatchResponse) error {
	if response.Success {
		return nil
	}
	for _, result := range response.OperationResults {
		if status := int(result.StatusCode); transientStatus(status) || status == http.StatusTooManyRequests {
			return &azcore.ResponseError{StatusCode: status, RawResponse: response.RawResponse}
		}
	}
	return nil
}

func (b *Batch) committed(results []azcosmos.TransactionalBatchResult) (Outcome, error) {
	if len(results) != len(b.steps) {
		return Outcome{}, fault.New(fault.Internal, "STORE_BAD_ANSWER", "the store answered %d of %d operations", len(results), len(b.steps))
	}
	out := Outcome{Bodies: make([][]byte, len(results))}
	for i, s := range b.steps {
		out.Bodies[i] = results[i].ResourceBody
		if s.item != nil {
			s.item.head().written(s.next, results[i].ETag)
		}
	}
	return out, nil
}

// refused finds the operation that failed; the others have 424.
func (b *Batch) refused(results []azcosmos.TransactionalBatchResult) error {
	for i, result := range results {
		status := int(result.StatusCode)
		if status < http.StatusBadRequest || status == http.StatusFailedDependency || i >= len(b.steps) {
			continue
		}
		cause := &BatchError{Index: i, Verb: b.steps[i].verb, ID: b.steps[i].id, Status: status}
		return statusFault(status, 0, 0).Because(cause)
	}
	return fault.New(fault.Internal, "STORE_BAD_ANSWER", "the store refused a batch and does not say why")
}

// settle finds out whether the refusal is our own success: by the marker, else by the documents the batch writes.
func (b *Batch) settle(ctx context.Context, t *task, refusal error) (Outcome, error) {
	switch fault.KindOf(refusal) {
	case fault.NotFound, fault.AlreadyExists, fault.Aborted:
	default:
		return Outcome{}, refusal
	}
	if !b.by.named && !t.doubtful || b.only(verbRead) {
		return Outcome{}, refusal
	}
	effect := noTrace
	for _, witness := range b.witnesses() {
		seen, err := b.ask(ctx, t, witness)
		if err != nil {
			return Outcome{}, err
		}
		if seen == carriedOut {
			return Outcome{Replayed: true}, b.reload(ctx, t, witness)
		}
		if effect = max(effect, seen); effect != noTrace && !t.doubtful {
			break
		}
	}
	if t.doubtful && (effect == covered || effect == noTrace && b.deletes()) {
		return Outcome{}, unknownOutcome().Because(refusal)
	}
	return Outcome{}, refusal
}

// effect is what a document tells of the batch that wants to write it.
type effect int

const (
	noTrace    effect = iota // it is not there: whatever the batch did to it is gone
	covered                  // so many others wrote that a trace of the batch would be gone
	untouched                // it shows every write, and ours is not among them
	carriedOut               // it carries the batch's operation
)

// ask reads a witness, and loads it when it shows that the batch was carried out.
func (b *Batch) ask(ctx context.Context, t *task, witness *step) (effect, error) {
	body, etag, err := t.read(ctx, b.key, witness.id)
	if fault.Is(err, fault.NotFound) {
		return noTrace, nil
	}
	if err != nil {
		return noTrace, err
	}
	var stored Header
	if err := json.Unmarshal(body, &stored); err != nil {
		return noTrace, fault.New(fault.DataLoss, "BAD_DOCUMENT", "document %q cannot be read", witness.id).Because(err)
	}
	ours, err := b.by.op.appliedTo(stored.Ops)
	switch {
	case err != nil:
		return noTrace, err
	case ours:
		return carriedOut, witness.item.load(body, etag)
	case b.marker < 0 && !showsAll(witness.base, stored.Ops):
		return covered, nil
	}
	return untouched, nil
}

// reload brings the other documents of a batch without a marker up to what is stored.
func (b *Batch) reload(ctx context.Context, t *task, witness *step) error {
	for i := range b.steps {
		s := &b.steps[i]
		if b.marker >= 0 || s.item == nil || s == witness {
			continue
		}
		body, etag, err := t.read(ctx, b.key, s.id)
		if fault.Is(err, fault.NotFound) { // deleted since
			continue
		}
		if err == nil {
			err = s.item.load(body, etag)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// witnesses are the documents that show whether the batch was carried out.
func (b *Batch) witnesses() []*step {
	if b.marker >= 0 {
		return []*step{&b.steps[b.marker]}
	}
	var list []*step
	for i := range b.steps {
		if b.steps[i].item != nil {
			list = append(list, &b.steps[i])
		}
	}
	return list
}

// only reports whether all operations are of one verb.
func (b *Batch) only(verb string) bool {
	return !slices.ContainsFunc(b.steps, func(s step) bool { return s.verb != verb })
}

// deletes reports whether the batch leaves something changed of which no document tells. A batch with a marker does not: the
// marker tells.
func (b *Batch) deletes() bool {
	return b.marker < 0 && slices.ContainsFunc(b.steps, func(s step) bool { return s.verb == verbDelete })
}
