package moderation

import "context"

// Store keeps reviews. Its errors are faults; a review that is not there is NOT_FOUND, REVIEW_NOT_FOUND.
type Store interface {
	// Open stores a new review, unless there is one of the same text in the same field of the same player, and returns the one that is
	// stored then.
	Open(ctx context.Context, r Review) (Review, error)

	// Get returns one review.
	Get(ctx context.Context, id string) (Review, error)

	// List returns some of the reviews that a filter selects, in no order, at most size, and where to go on; "" = that is the end. A
	// position that is not one of this filter's is INVALID_ARGUMENT naming page_token.
	List(ctx context.Context, f Filter, size int, position string) (found []Review, next string, err error)

	// Update reads a review, lets decide change it, and stores it when decide says so; when somebody else wrote in between it reads and
	// decides again. An edit that was stored before is not decided again. The answer is the review as it is now. An error of decide is returned
	// unchanged.
	Update(ctx context.Context, e Edit, decide func(*Review) (bool, error)) (Review, error)

	// Scan hands every review in a state to each, at low priority, and stops at the first error.
	Scan(ctx context.Context, state State, each func(Review) error) error
}

// Filter selects reviews.
type Filter struct {
	State    State  // "" = all
	PlayerID string // "" = of all
}

// Edit identifies one change of one review.
type Edit struct {
	ID        string
	Caller    string // whose request id it is
	RequestID string // "" = the caller will not repeat it
	Content   []byte // what the request asks for; the same request id with another content is refused (REQUEST_ID_REUSED)
}
