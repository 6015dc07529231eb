package cosmos

import (
	"context"
	"encoding/json"
	"slices"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/services/platform/fault"
)

// Statement is a query in the SQL dialect of the service, with its parameters.
type Statement struct {
	text   string
	params []azcosmos.QueryParameter
}

// SQL starts a statement: values go in by [Statement.With], never into the text.
func SQL(text string) Statement { return Statement{text: text} }

// With returns the statement with one more parameter. The name begins with @.
func (s Statement) With(name string, value any) Statement {
	s.params = append(slices.Clip(s.params), azcosmos.QueryParameter{Name: name, Value: value})
	return s
}

// Page is one page of a query. An empty page may be followed by others.
type Page[T any] struct {
	Items        []T
	Continuation string // hand it to the next call; "" = that was the last page
}

// PageOptions choose a page.
type PageOptions struct {
	Size         int    // at most so many items; 0 = as the service likes
	Continuation string // of the page before; "" = the first

	LowPriority bool // for sweeps and listings: the first to be refused when there is too much to do
}

// Query returns all documents the statement selects (SELECT * FROM c ...) in one partition.
func (k *Kind[T]) Query(ctx context.Context, key Key, statement Statement) ([]*T, error) {
	var docs []*T
	err := k.container.drain(ctx, key, statement, nil, func(bodies [][]byte) error {
		page, err := k.decodeAll(bodies)
		docs = append(docs, page...)
		return err
	})
	return docs, err
}

// QueryPage returns one page of documents, for RPCs that list. The zero key asks all partitions: the service then refuses
// ORDER BY, TOP, DISTINCT, GROUP BY and aggregates. A continuation that is not one of this query is INVALID_ARGUMENT.
func (k *Kind[T]) QueryPage(ctx context.Context, key Key, statement Statement, options PageOptions) (Page[*T], error) {
	bodies, next, err := k.container.page(ctx, k.container.begin(ctx), pageRequest{key: key, statement: statement, PageOptions: options})
	if err != nil {
		return Page[*T]{}, err
	}
	docs, err := k.decodeAll(bodies)
	return Page[*T]{Items: docs, Continuation: next}, err
}

// Scan hands every document that the statement selects, over all partitions, to each, page by page and in no order. It
// works at low priority, for sweeps and listings, takes as long as it needs and stops at the first error.
func (k *Kind[T]) Scan(ctx context.Context, statement Statement, each func(*T) error) error {
	low := azcosmos.PriorityLevelLow
	return k.container.drain(ctx, Key{}, statement, &low, func(bodies [][]byte) error {
		for _, body := range bodies {
			doc, err := k.decode(body, "")
			if err != nil {
				return err
			}
			if err := each(doc); err != nil {
				return err
			}
		}
		return nil
	})
}

// Select returns what a projection selects in one partition (SELECT c.id, c.name FROM c, SELECT VALUE c.n FROM c).
func Select[R any](ctx context.Context, c *Container, key Key, statement Statement) ([]R, error) {
	var rows []R
	err := c.drain(ctx, key, statement, nil, func(bodies [][]byte) error {
		page, err := decodeRows[R](bodies)
		rows = append(rows, page...)
		return err
	})
	return rows, err
}

// SelectPage returns one page of a projection, see [Kind.QueryPage].
func SelectPage[R any](ctx context.Context, c *Container, key Key, statement Statement, options PageOptions) (Page[R], error) {
	bodies, next, err := c.page(ctx, c.begin(ctx), pageRequest{key: key, statement: statement, PageOptions: options})
	if err != nil {
		return Page[R]{}, err
	}
	rows, err := decodeRows[R](bodies)
	return Page[R]{Items: rows, Continuation: next}, err
}

func decodeRows[R any](bodies [][]byte) ([]R, error) {
	rows := make([]R, len(bodies))
	for i, body := range bodies {
		if err := json.Unmarshal(body, &rows[i]); err != nil {
			return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a row of a query cannot be read").Because(err)
		}
	}
	return rows, nil
}

// drain hands all pages to each. Every page has its own time limit.
func (c *Container) drain(ctx context.Context, key Key, statement Statement, priority *azcosmos.PriorityLevel, each func([][]byte) error) error {
	request := pageRequest{key: key, statement: statement, priority: priority}
	for {
		bodies, next, err := c.page(ctx, c.begin(ctx), request)
		if err != nil {
			return err
		}
		if err := each(bodies); err != nil {
			return err
		}
		if next == "" {
			return nil
		}
		request.Continuation = next
	}
}

type pageRequest struct {
	PageOptions
	key       Key
	statement Statement
	priority  *azcosmos.PriorityLevel
}

func (c *Container) page(ctx context.Context, t *task, request pageRequest) (bodies [][]byte, next string, err error) {
	across := !request.key.set
	if request.LowPriority {
		low := azcosmos.PriorityLevelLow
		request.priority = &low
	}
	options := &azcosmos.QueryOptions{
		QueryParameters: request.statement.params, EnableCrossPartitionQuery: &across,
		PageSizeHint: int32(min(max(request.Size, 0), 1000)), PriorityLevel: request.priority, //nolint:gosec // bounded above
	}
	if request.Continuation != "" {
		if !validContinuation(request.Continuation) {
			return nil, "", fault.Invalid("page_token", "is not one this query gave")
		}
		options.ContinuationToken = &request.Continuation
	}
	err = t.call(ctx, "query_items", request.key, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		response, err := sdk.NewQueryItemsPager(request.statement.text, request.key.value, options).NextPage(ctx)
		if err != nil {
			return err
		}
		bodies = response.Items
		if response.ContinuationToken != nil {
			next = *response.ContinuationToken
		}
		return nil
	})
	if request.Continuation != "" && fault.ReasonOf(err) == reasonBadRequest {
		return nil, "", fault.Invalid("page_token", "is not one this query gave").Because(err)
	}
	return bodies, next, err
}

// validContinuation keeps out what cannot be sent in a header.
func validContinuation(token string) bool {
	if len(token) > 16<<10 {
		return false
	}
	for i := range len(token) {
		if c := token[i]; c < 0x20 || c > 0x7e {
			return false
		}
	}
	return true
}
