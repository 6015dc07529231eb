package cosmosstore

import (
	"context"
	"time"

	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/suspension"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// SuspensionStore is the [suspension.Store] of container revocations: the rows that every server follows, with what only identity needs.
type SuspensionStore struct {
	kind *cosmos.Kind[revocationDoc]
}

// NewSuspensions returns the store. It does no I/O.
func NewSuspensions(client *cosmos.Client) *SuspensionStore {
	return &SuspensionStore{kind: cosmos.NewKind[revocationDoc](client.Container(Revocations), "revocation", 1)}
}

// Get is one point read.
func (s *SuspensionStore) Get(ctx context.Context, playerID string) (suspension.Row, error) {
	id := revocation.SuspensionID(playerID)
	doc, err := s.kind.Read(ctx, cosmos.PK(id), id)
	if fault.Is(err, fault.NotFound) {
		return suspension.Row{PlayerID: playerID}, nil
	}
	if err != nil {
		return suspension.Row{}, err
	}
	return doc.suspension(playerID), nil
}

// Apply is one read, and one write where the rule changes something.
func (s *SuspensionStore) Apply(
	ctx context.Context, playerID string, r player.Request, create bool, rule func(*suspension.Row) bool,
) (suspension.Row, error) {
	id, apply := revocation.SuspensionID(playerID), s.kind.Update
	if create {
		apply = s.kind.UpdateOrCreate
	}
	op := cosmos.NewOperation(r.Caller, r.ID, []byte(r.Asks))
	doc, err := apply(ctx, cosmos.PK(id), id, op, func(d *revocationDoc) (bool, error) {
		row := d.suspension(playerID)
		if !rule(&row) {
			return false, nil
		}
		d.suspend(row)
		return true, nil
	})
	if err != nil {
		return suspension.Row{}, err
	}
	return doc.suspension(playerID), nil
}

// Due is a query over all partitions, at low priority, on the index of `due`.
func (s *SuspensionStore) Due(ctx context.Context, now time.Time, each func(suspension.Row) error) error {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.due <= @now").With("@now", now.Unix())
	return s.kind.Scan(ctx, statement, func(d *revocationDoc) error {
		if d.Kind != kindNames[revocation.Suspension] {
			return nil
		}
		return each(d.suspension(d.Target))
	})
}

// suspend writes a suspension into the document.
func (d *revocationDoc) suspend(r suspension.Row) {
	d.Kind, d.Target, d.CreateTime, d.ExpireTime, d.Lifted = kindNames[revocation.Suspension], r.PlayerID, r.CreateTime.UTC(), r.Until.UTC(), r.Lifted
	d.Version, d.Pending, d.Due = r.Version, r.Pending, 0
	if !r.Due.IsZero() {
		d.Due = r.Due.Unix()
	}
	d.History = make([]changeDoc, len(r.History))
	for i, c := range r.History {
		d.History[i] = changeDoc{Action: string(c.Action), Time: c.Time.UTC(), Actor: c.Actor, Reason: c.Reason, Until: c.Until.UTC()}
	}
}

func (d *revocationDoc) suspension(playerID string) suspension.Row {
	r := suspension.Row{
		PlayerID: playerID, Version: d.Version, Lifted: d.Lifted, Until: d.ExpireTime, CreateTime: d.CreateTime, Pending: d.Pending,
	}
	if d.Due != 0 {
		r.Due = time.Unix(d.Due, 0).UTC()
	}
	for _, c := range d.History {
		r.History = append(r.History, suspension.Change{Action: suspension.Action(c.Action), Time: c.Time, Actor: c.Actor, Reason: c.Reason, Until: c.Until})
	}
	return r
}
