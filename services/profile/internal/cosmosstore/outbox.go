package cosmosstore

import (
	"context"
	"time"

	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/profile"
)

// outboxDoc is the one message to other services that a player has, and the version of his suspension.
type outboxDoc struct {
	cosmos.Header
	PlayerID          string           `json:"playerId"`
	Version           int64            `json:"version"`
	SuspensionVersion int64            `json:"suspensionVersion,omitempty"`
	State             outboxState      `json:"state"` // one level down: its country is not in the index
	Delivered         map[string]int64 `json:"delivered,omitempty"`
	Since             *instant         `json:"since,omitempty"`
	Due               int64            `json:"due,omitempty"`
	Failures          int              `json:"failures,omitempty"`
	Dead              string           `json:"dead,omitempty"`
}

type outboxState struct {
	Country   string `json:"country,omitempty"`
	Suspended bool   `json:"suspended,omitempty"`
}

const (
	outboxType = "outbox"
	idOutbox   = "o|changed"
)

func outboxes(players *cosmos.Container) *cosmos.Kind[outboxDoc] {
	return cosmos.NewKind[outboxDoc](players, outboxType, schemaVersion)
}

// Outboxes is the [announce.Store] on Cosmos DB.
type Outboxes struct {
	players  *cosmos.Container
	profiles *cosmos.Kind[profileDoc]
	kind     *cosmos.Kind[outboxDoc]
	tells    bool
	now      func() time.Time
}

// NewOutboxes returns the store. Tells says that there is somebody to tell; without, an outbox only holds the version of a suspension. It does no I/O.
func NewOutboxes(client *cosmos.Client, tells bool, now func() time.Time) *Outboxes {
	players := client.Container(Players)
	return &Outboxes{
		players: players, profiles: cosmos.NewKind[profileDoc](players, "profile", schemaVersion), kind: outboxes(players), tells: tells, now: now,
	}
}

// Suspend is two reads and a batch.
func (s *Outboxes) Suspend(ctx context.Context, playerID string, suspended bool, version int64) error {
	err := s.players.Decide(ctx, func(ctx context.Context) error {
		box, err := readOutbox(ctx, s.kind, playerID)
		if err != nil {
			return err
		}
		public, err := s.profiles.Read(ctx, cosmos.PK(playerID), idProfile)
		if err != nil || box.SuspensionVersion >= version {
			return err
		}
		box.SuspensionVersion = version
		public.Suspended = suspended
		batch := s.players.Batch(cosmos.PK(playerID), cosmos.Operation{}).Read(idLive).Replace(s.profiles.Item(public))
		box.tell(public, s.tells, s.now())
		_, err = box.put(batch, s.kind).Execute(ctx)
		return err
	})
	return explain(playerID, err)
}

// readOutbox returns a new one when there is none.
func readOutbox(ctx context.Context, kind *cosmos.Kind[outboxDoc], playerID string) (*outboxDoc, error) {
	box, err := kind.Read(ctx, cosmos.PK(playerID), idOutbox)
	if fault.Is(err, fault.NotFound) {
		box = &outboxDoc{PlayerID: playerID}
		box.ID = idOutbox
		return box, nil
	}
	return box, err
}

// tell writes the state of a profile into the outbox, as one more change.
func (d *outboxDoc) tell(public *profileDoc, tells bool, now time.Time) {
	d.Version++
	d.State = outboxState{Country: public.Country, Suspended: public.Suspended}
	if !tells {
		return
	}
	now = now.UTC().Truncate(time.Millisecond)
	d.Since, d.Failures, d.Dead = orNone(now), 0, ""
	d.Due = now.Add(patience).Unix()
}

// patience is how long the call that writes a change has to deliver it, before the chore does.
const patience = 5 * time.Second

// put adds the outbox to a batch.
func (d *outboxDoc) put(batch *cosmos.Batch, kind *cosmos.Kind[outboxDoc]) *cosmos.Batch {
	if d.ETag == "" {
		return batch.Create(kind.Item(d))
	}
	return batch.Replace(kind.Item(d))
}

// Get is one point read.
func (s *Outboxes) Get(ctx context.Context, playerID string) (announce.Outbox, error) {
	doc, err := s.kind.Read(ctx, cosmos.PK(playerID), idOutbox)
	if err != nil {
		return announce.Outbox{}, err
	}
	return doc.outbox(), nil
}

// Update is one read and one write.
func (s *Outboxes) Update(ctx context.Context, playerID string, change func(*announce.Outbox) bool) (announce.Outbox, error) {
	doc, err := s.kind.Update(ctx, cosmos.PK(playerID), idOutbox, cosmos.Operation{}, func(d *outboxDoc) (bool, error) {
		box := d.outbox()
		changed := change(&box)
		d.set(box)
		return changed, nil
	})
	if err != nil {
		return announce.Outbox{}, err
	}
	return doc.outbox(), nil
}

// Due is a query by the index of due, at low priority.
func (s *Outboxes) Due(ctx context.Context, at time.Time, each func(string) error) error {
	statement := cosmos.SQL("SELECT * FROM c WHERE c.due <= @now AND c.type = @type").With("@now", at.Unix()).With("@type", outboxType)
	return s.kind.Scan(ctx, statement, func(doc *outboxDoc) error { return each(doc.PlayerID) })
}

func (d *outboxDoc) outbox() announce.Outbox {
	box := announce.Outbox{
		PlayerID: d.PlayerID, Version: d.Version, Country: d.State.Country, Suspended: d.State.Suspended, Since: moment(d.Since),
		Failures: d.Failures, Dead: d.Dead, Delivered: map[string]int64{},
	}
	for name, version := range d.Delivered {
		box.Delivered[name] = version
	}
	if d.Due > 0 {
		box.Due = time.Unix(d.Due, 0).UTC()
	}
	return box
}

// set takes over what a delivery changes.
func (d *outboxDoc) set(box announce.Outbox) {
	d.Delivered, d.Since, d.Failures, d.Dead, d.Due = box.Delivered, orNone(box.Since), box.Failures, box.Dead, 0
	if !box.Due.IsZero() {
		d.Due = box.Due.Add(time.Second - 1).Unix()
	}
}

// Telling makes the store write changes that other services shall know to the outbox, in the same batch.
func (s *Store) Telling(now func() time.Time) *Store {
	s.outbox, s.now = outboxes(s.players), now
	return s
}

// writeTold is [Store.write] of a change that others shall know.
func (s *Store) writeTold(ctx context.Context, docs both, changed profile.Parts, op cosmos.Operation) error {
	playerID := docs.public.PlayerID
	box, err := readOutbox(ctx, s.outbox, playerID)
	if err != nil {
		return err
	}
	box.tell(docs.public, true, s.now())
	batch := s.players.Batch(cosmos.PK(playerID), op).Read(idLive).Replace(s.profiles.Item(docs.public))
	if changed.Private {
		batch.Replace(s.privates.Item(docs.private))
	}
	_, err = box.put(batch, s.outbox).Execute(ctx)
	return err
}

// updateTold is [Store.updatePublic] for a store that tells.
func (s *Store) updateTold(
	ctx context.Context, playerID string, decide func(*profile.Player) (profile.Parts, error),
) (profile.Player, error) {
	var answer profile.Player
	err := s.players.Decide(ctx, func(ctx context.Context) error {
		doc, err := s.profiles.Read(ctx, cosmos.PK(playerID), idProfile)
		if err != nil {
			return err
		}
		p := profile.Player{Profile: doc.profile()}
		before := p.Country
		changed, err := decide(&p)
		if err != nil {
			return err
		}
		doc.set(p.Profile)
		switch {
		case !changed.Public:
		case p.Country != before:
			err = s.writeTold(ctx, both{public: doc}, changed, cosmos.Operation{})
		default:
			err = s.profiles.Replace(ctx, cosmos.PK(playerID), cosmos.Operation{}, doc)
		}
		answer = profile.Player{Profile: doc.profile()}
		return err
	})
	return answer, explain(playerID, err)
}
