package cosmos

import (
	"bytes"
	"context"
	"encoding/json"
	"reflect"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// Kind is one type of document in one container: how it is stored, and the methods to read and write it. T is a struct
// that embeds [Header]. A Kind is safe for concurrent use; the documents it returns are the caller's.
type Kind[T any] struct {
	container *Container
	name      string
	version   int
	shape     *shape
	header    func(*T) *Header
}

// NewKind declares the documents of a type. Name is stored as `type`; version is the schema this program writes: older
// documents are raised to it when rewritten, newer ones can be read but are never rewritten (FAILED_PRECONDITION,
// SCHEMA_TOO_NEW).
func NewKind[T any, P interface {
	*T
	Document
}](container *Container, name string, version int) *Kind[T] {
	return &Kind[T]{
		container: container, name: name, version: version,
		shape:  shapeOf(reflect.TypeFor[T]()),
		header: func(doc *T) *Header { return P(doc).header() },
	}
}

// Container is where the documents live.
func (k *Kind[T]) Container() *Container { return k.container }

// Read returns the document: NOT_FOUND when there is none. One SDK call, 1 RU up to 1 KB.
func (k *Kind[T]) Read(ctx context.Context, key Key, id string) (*T, error) {
	return k.read(ctx, k.container.begin(ctx), key, id)
}

func (k *Kind[T]) read(ctx context.Context, t *task, key Key, id string) (*T, error) {
	body, etag, err := t.read(ctx, key, id)
	if err != nil {
		return nil, err
	}
	return k.decode(body, etag)
}

// read gets the bytes of one item. It leaves open what a write before it left open, and opens nothing.
func (t *task) read(ctx context.Context, key Key, id string) (body []byte, etag azcore.ETag, err error) {
	if err := checkID(id); err != nil {
		return nil, "", err
	}
	defer func(before bool) { t.doubtful = before }(t.doubtful)
	err = t.call(ctx, "read_item", key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		response, err := sdk.ReadItem(ctx, key.value, id, nil)
		body, etag = response.Value, response.ETag
		return err
	})
	return body, etag, err
}

// ReadMany returns those of the documents that exist, in no particular order. The service charges it as queries, one for
// each physical partition, so a single document is read by [Kind.Read].
func (k *Kind[T]) ReadMany(ctx context.Context, refs []Ref) ([]*T, error) {
	if len(refs) == 0 {
		return nil, nil
	}
	if len(refs) == 1 {
		doc, err := k.Read(ctx, refs[0].Key, refs[0].ID)
		if fault.Is(err, fault.NotFound) {
			return nil, nil
		}
		return []*T{doc}, err
	}
	items := make([]azcosmos.ItemIdentity, len(refs))
	for i, ref := range refs {
		if err := checkID(ref.ID); err != nil {
			return nil, err
		}
		items[i] = azcosmos.ItemIdentity{ID: ref.ID, PartitionKey: ref.Key.value}
	}
	t := k.container.begin(ctx)
	var bodies [][]byte
	err := t.call(ctx, "read_many_items", Key{}, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		response, err := sdk.ReadManyItems(ctx, items, nil)
		bodies = response.Items
		return err
	})
	if err != nil {
		return nil, err
	}
	return k.decodeAll(bodies)
}

// Delete removes the document if etag is still its version; an empty etag removes any. NOT_FOUND when there is none.
//
// Success says that the document is gone, not who removed it: behind a lost answer that cannot be told. So a delete is no way to
// claim something. When the answer is lost and another version is there then, the error is ABORTED, OUTCOME_UNKNOWN.
func (k *Kind[T]) Delete(ctx context.Context, key Key, id, etag string) error {
	return k.container.Delete(ctx, key, id, etag)
}

// Delete removes a document of any kind, see [Kind.Delete].
func (c *Container) Delete(ctx context.Context, key Key, id, etag string) error {
	if err := checkID(id); err != nil {
		return err
	}
	var options *azcosmos.ItemOptions
	if etag != "" {
		match := azcore.ETag(etag)
		options = &azcosmos.ItemOptions{IfMatchEtag: &match}
	}
	t := c.begin(ctx)
	err := t.call(ctx, "delete_item", key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		_, err := sdk.DeleteItem(ctx, key.value, id, options)
		return err
	})
	switch {
	case t.doubtful && fault.Is(err, fault.NotFound):
		return nil
	case t.doubtful && IsLostRace(err): // changed by somebody else, or removed by us and created again
		return unknownOutcome().Because(err)
	}
	return err
}

// Decode makes a document of bytes that the store returned, such as a body of an [Outcome] or [Change]; it can be rewritten
// like one that was read by [Kind.Read]. DATA_LOSS when the bytes are of another type of document.
func (k *Kind[T]) Decode(body []byte) (*T, error) { return k.decode(body, "") }

// decode makes a document of an item's bytes, which it keeps. It is DATA_LOSS when they are of another type.
func (k *Kind[T]) decode(body []byte, etag azcore.ETag) (*T, error) {
	doc := new(T)
	if err := json.Unmarshal(body, doc); err != nil {
		return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a stored %s cannot be read", k.name).Because(err)
	}
	head := k.header(doc)
	if head.Type != k.name {
		return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "document %q in %s is a %q, not a %q", head.ID, k.container.name, head.Type, k.name)
	}
	if etag != "" {
		head.ETag = string(etag)
	}
	head.stored = body
	return doc, nil
}

func (k *Kind[T]) decodeAll(bodies [][]byte) ([]*T, error) {
	docs := make([]*T, len(bodies))
	for i, body := range bodies {
		doc, err := k.decode(body, "")
		if err != nil {
			return nil, err
		}
		docs[i] = doc
	}
	return docs, nil
}

// encode gives the header of the version to store, whose stored bytes are the struct's properties and those it does not
// know, stamped with the operation.
func (k *Kind[T]) encode(doc *T, op Operation) (Header, error) {
	image := *doc
	head := k.header(&image)
	if head.SchemaVersion > k.version {
		return Header{}, fault.New(fault.FailedPrecondition, ReasonSchemaTooNew,
			"document %q has schema version %d, this program knows %d", head.ID, head.SchemaVersion, k.version)
	}
	head.Type, head.SchemaVersion, head.Ops = k.name, k.version, op.stamp(head.Ops)
	head.ETag, head.Timestamp = "", 0
	body, err := asJSON(&image)
	if err != nil {
		return Header{}, fault.New(fault.Internal, "BAD_DOCUMENT", "a %s cannot be encoded", k.name).Because(err)
	}
	if head.stored != nil {
		if body, err = k.shape.restore(head.stored, body); err != nil {
			return Header{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "stored document %q cannot be read", head.ID).Because(err)
		}
	}
	head.stored = body
	return *head, nil
}

// asJSON is json.Marshal without the escapes for HTML, which would make six bytes of a "<".
func asJSON(value any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(value)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// written brings a document's header up to the version that was just stored.
func (h *Header) written(next Header, etag azcore.ETag) {
	*h = next
	h.ETag = string(etag)
}
