package cosmos

import (
	"context"
	"testing"
	"time"
)

// TestDecideBoundsTheCallsInside: the patience of a decision is that of all its attempts together.
func TestDecideBoundsTheCallsInside(t *testing.T) {
	c := &Container{client: &Client{patience: time.Hour}, name: "notes"}
	outer := c.begin(t.Context()).until
	err := c.Decide(t.Context(), func(ctx context.Context) error {
		first := c.begin(ctx).until
		if second := c.beginWrite(ctx).until; !first.Equal(second) || first.Before(outer) {
			t.Errorf("calls inside end at %v and %v", first, second)
		}
		return c.Decide(ctx, func(ctx context.Context) error {
			if third := c.begin(ctx).until; !third.Equal(first) {
				t.Errorf("a decision inside ends at %v, the one around it at %v", third, first)
			}
			return nil
		})
	})
	if err != nil {
		t.Error(err)
	}
}

// TestNoWaitBeyondTheCallersTime: a wait that the caller cannot sit out is not begun, so that he hears why.
func TestNoWaitBeyondTheCallersTime(t *testing.T) {
	c := &Container{client: &Client{patience: time.Hour}, name: "notes"}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if c.begin(ctx).wait(ctx, 2*time.Minute) || ctx.Err() != nil {
		t.Errorf("waited: %v", ctx.Err())
	}
	if !c.begin(ctx).wait(ctx, time.Microsecond) {
		t.Error("did not wait")
	}
}

// TestEncodingIsPlain: what a player writes takes no more bytes in the store than in JSON.
func TestEncodingIsPlain(t *testing.T) {
	type doc struct {
		Header
		Text string `json:"text"`
	}
	kind := NewKind[doc](&Container{}, "doc", 1)
	head, err := kind.encode(&doc{Header: Header{ID: "1"}, Text: "<&>"}, Operation{id: "0123456789abcdefghijkl", hash: "HASH"})
	const want = `{"id":"1","type":"doc","schemaVersion":1,"ops":["0123456789abcdefHASH"],"text":"<&>"}`
	if err != nil || string(head.stored) != want {
		t.Errorf("%s, %v, want %s", head.stored, err, want)
	}
}
