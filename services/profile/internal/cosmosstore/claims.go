package cosmosstore

import (
	"context"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/handle"
	"supergame/services/profile/internal/profile"
)

// Claims is the [handle.Profiles] on Cosmos DB: the claims of handles in the profiles of players.
type Claims struct {
	store *Store
}

// NewClaims returns the store. It does no I/O.
func NewClaims(client *cosmos.Client) *Claims { return &Claims{New(client)} }

// Newest is a batch of one read: the primary replica carries it out, so it sees what other callers wrote. 1 RU.
func (c *Claims) Newest(ctx context.Context, playerID string) (handle.Owner, error) {
	out, err := c.store.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idProfile).Execute(ctx)
	if err != nil {
		return handle.Owner{}, explain(playerID, err)
	}
	doc, err := c.store.profiles.Decode(out.Bodies[0])
	if err != nil {
		return handle.Owner{}, err
	}
	return doc.owner(), nil
}

// Update is one read and one write: 1 and 9.9 RU, and 0.4 or 0.8 for `due`, which is indexed.
func (c *Claims) Update(ctx context.Context, e handle.Edit, decide func(*handle.Owner) (bool, error)) (handle.Owner, error) {
	op := cosmos.NewOperation(e.Caller, e.RequestID, e.Content)
	doc, err := c.store.profiles.Update(ctx, cosmos.PK(e.PlayerID), idProfile, op, func(d *profileDoc) (bool, error) {
		owner := d.owner()
		write, err := decide(&owner)
		if write && err == nil {
			d.setOwner(owner, op)
		}
		return write, err
	})
	if fault.ReasonOf(err) == cosmos.ReasonNotFound {
		return handle.Owner{}, profile.NotFound(e.PlayerID).Because(err)
	}
	if err != nil {
		return handle.Owner{}, err
	}
	return doc.owner(), nil
}

// GetMany is [Store.GetMany].
func (c *Claims) GetMany(ctx context.Context, playerIDs []string) ([]profile.Profile, error) {
	return c.store.GetMany(ctx, playerIDs)
}

// Due is a query over all partitions at low priority, served by the index of `due`.
func (c *Claims) Due(ctx context.Context, now time.Time, each func(playerID string) error) error {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.type = @type AND c.due <= @now").With("@type", "profile").With("@now", now.Unix())
	return c.store.profiles.Scan(ctx, statement, func(d *profileDoc) error { return each(d.PlayerID) })
}

func (d *profileDoc) owner() handle.Owner {
	o := handle.Owner{Profile: d.profile(), Claims: d.Claims}
	if d.Claim != nil {
		o.Claim = &handle.Claim{
			Number: d.Claims, State: handle.State(d.Claim.State), Name: d.Claim.Name, Due: time.Unix(d.Due, 0).UTC(),
		}
	}
	return o
}

// setOwner takes what a claim changes. A claim that is undone leaves no trace of its request.
func (d *profileDoc) setOwner(o handle.Owner, op cosmos.Operation) {
	d.Handle, d.UpdateTime, d.Claims = o.Handle, instant(o.UpdateTime), o.Claims
	request := op.ID()
	if d.Claim != nil {
		request = d.Claim.Request
	}
	d.Claim, d.Due = nil, 0
	if o.Claim == nil {
		return
	}
	if o.Claim.State == handle.Undo {
		cosmos.Forget(&d.Header, request)
		request = ""
	}
	d.Claim = &claimDoc{State: string(o.Claim.State), Name: o.Claim.Name, Request: request}
	d.Due = o.Claim.Due.Unix()
}
