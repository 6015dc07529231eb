package cosmos

import (
	"context"
	"encoding/json"
	"errors"
	"math/rand/v2"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
	"golang.org/x/sync/errgroup"

	"supergame/services/platform/fault"
)

// Feed follows the changes of a container: creates and updates, at least once, in order within one partition key value only,
// and of a burst perhaps the last version alone. It never shows deletes or expired documents.
type Feed struct {
	Container *Container
	Start     time.Time     // of a position that is not known yet; zero = from the beginning
	Interval  time.Duration // between two polls of a range without news; default 1 s
	PageSize  int32         // at most so many changes at once; 0 = as the service likes
}

// FeedPosition says how far one range of a container has been read. All positions together cover the container; they stay
// valid when the service splits a range.
type FeedPosition struct {
	Min   string `json:"min"`
	Max   string `json:"max"`
	Token string `json:"token,omitempty"` // "" = not begun
}

// Change is one changed document: its header, and the whole of it for the kind that Header.Type names ([Kind.Decode]).
type Change struct {
	Header
	Body []byte
}

// FeedPage is a number of changes of one range, in the order of the feed.
type FeedPage struct {
	Range   int // index of the position
	Changes []Change
	Next    FeedPosition // to be kept once the changes are dealt with
}

// Positions returns the positions of a container that has not been read yet, one for each range.
func (f *Feed) Positions(ctx context.Context) ([]FeedPosition, error) {
	var positions []FeedPosition
	err := f.Container.begin(ctx).call(ctx, "read_feed_ranges", Key{}, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		ranges, err := sdk.ReadFeedRanges(ctx, nil)
		positions = make([]FeedPosition, len(ranges))
		for i, r := range ranges {
			positions[i] = FeedPosition{Min: r.MinInclusive, Max: r.MaxExclusive}
		}
		return err
	})
	return positions, err
}

// Run follows all positions at once, each from its own goroutine, until ctx ends or handle returns an error. Handle gets
// the pages of one range one after the other, those of several ranges concurrently; it keeps FeedPage.Next where the next
// run will find it. Trouble with the store is waited out.
func (f *Feed) Run(ctx context.Context, positions []FeedPosition, handle func(context.Context, FeedPage) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i, position := range positions {
		group.Go(func() error { return f.follow(ctx, i, position, handle) })
	}
	return group.Wait()
}

func (f *Feed) follow(ctx context.Context, index int, position FeedPosition, handle func(context.Context, FeedPage) error) error {
	for {
		page, err := f.Poll(ctx, position)
		page.Range = index
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && !passingTrouble(err):
			return err
		case err != nil:
			f.Container.client.log.WarnContext(ctx, "the change feed cannot be read now", "container", f.Container.name, "error", err)
		case len(page.Changes) > 0:
			if err := handle(ctx, page); err != nil {
				return err
			}
			position = page.Next
			continue
		default:
			position = page.Next
		}
		if err := waitFor(ctx, f.idle()); err != nil {
			return err
		}
	}
}

// idle is the pause after an empty page, with jitter so that ranges and replicas do not poll in step.
func (f *Feed) idle() time.Duration {
	interval := f.Interval
	if interval <= 0 {
		interval = time.Second
	}
	return interval*3/4 + rand.N(interval/2+1)
}

func passingTrouble(err error) bool {
	switch fault.KindOf(err) {
	case fault.Unavailable, fault.ResourceExhausted, fault.DeadlineExceeded:
		return true
	}
	return false
}

// Poll reads one page behind a position. A page without changes means there are none now; its Next is worth keeping too.
func (f *Feed) Poll(ctx context.Context, position FeedPosition) (FeedPage, error) {
	options := &azcosmos.ChangeFeedOptions{MaxItemCount: f.PageSize}
	options.FeedRange = &azcosmos.FeedRange{MinInclusive: position.Min, MaxExclusive: position.Max}
	if position.Token != "" {
		options.Continuation = &position.Token
	} else if !f.Start.IsZero() {
		options.StartFrom = &f.Start
	}
	page := FeedPage{Next: position}
	var items [][]byte
	err := f.Container.begin(ctx).call(ctx, "read_change_feed", Key{}, func(ctx context.Context, sdk *azcosmos.ContainerClient) error {
		response, err := sdk.ReadChangeFeed(ctx, options)
		if errors.Is(err, azcosmos.ErrFeedRangeUnresolved) || foreignToken(err) {
			return fault.New(fault.FailedPrecondition, "FEED_POSITION", "the feed position is not one of this container").Because(err)
		}
		if err != nil {
			return err
		}
		if response.ContinuationToken != "" {
			page.Next.Token = response.ContinuationToken
		}
		items = response.Items
		return nil
	})
	if err != nil {
		return FeedPage{}, err
	}
	page.Changes = make([]Change, len(items))
	for i, item := range items {
		if err := json.Unmarshal(item, &page.Changes[i].Header); err != nil {
			return FeedPage{}, fault.New(fault.DataLoss, "BAD_DOCUMENT", "a changed document cannot be read").Because(err)
		}
		page.Changes[i].Body = item
	}
	return page, nil
}
