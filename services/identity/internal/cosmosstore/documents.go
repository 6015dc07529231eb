// Package cosmosstore keeps identities, players, signing keys and revocations in Cosmos DB. Every write can be repeated: creates
// have ids that follow from their content, updates decide again on what is stored.
package cosmosstore

import (
	"cmp"
	"slices"
	"time"

	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/cosmos"
)

// The containers of the service.
const (
	Identities  = "identities"
	Players     = "identity-players"
	SigningKeys = "signing-keys"
	Revocations = "revocations"
)

// playerDocID is the id of the one document in a player's partition.
const playerDocID = "player"

// identityDoc is a credential. Its id is derived from issuer and subject; the subject itself is not kept.
type identityDoc struct {
	cosmos.Header
	PlayerID   string    `json:"playerId"`
	Provider   string    `json:"provider"`
	Issuer     string    `json:"issuer"`
	CreateTime time.Time `json:"createTime"`
	Pending    bool      `json:"pending,omitempty"`
	CreatedBy  string    `json:"createdBy,omitempty"`
}

func encodeIdentity(i player.Identity) *identityDoc {
	return &identityDoc{
		Header: cosmos.Header{ID: i.ID}, PlayerID: i.PlayerID, Provider: i.Provider, Issuer: i.Issuer, CreateTime: i.CreateTime.UTC(),
		Pending: i.Pending, CreatedBy: i.CreatedBy,
	}
}

func (d *identityDoc) decode() player.Identity {
	return player.Identity{
		ID: d.ID, PlayerID: d.PlayerID, Provider: d.Provider, Issuer: d.Issuer, CreateTime: d.CreateTime, Pending: d.Pending, CreatedBy: d.CreatedBy,
		Version: d.ETag,
	}
}

// playerDoc is a player. Links and families are objects, not arrays, so that properties of a later version survive a rewrite; the
// times of families are milliseconds, because this document is written at every refresh and costs by its size.
type playerDoc struct {
	cosmos.Header
	PlayerID   string               `json:"playerId"`
	CreateTime time.Time            `json:"createTime"`
	Revoked    bool                 `json:"revoked,omitempty"`
	Links      map[string]linkDoc   `json:"links"`    // by identity id
	Families   map[string]familyDoc `json:"families"` // by family id
}

type linkDoc struct {
	Provider string    `json:"provider"`
	Time     time.Time `json:"time"`
	Claimed  bool      `json:"claimed,omitempty"`
	Leaving  bool      `json:"leaving,omitempty"`
}

type familyDoc struct {
	N        int64 `json:"n"`
	OpenMs   int64 `json:"openMs"`
	RotateMs int64 `json:"rotateMs"`
	ExpireMs int64 `json:"expireMs"`
	EndMs    int64 `json:"endMs,omitempty"`
}

// set writes the player into the document.
func (d *playerDoc) set(p player.Player) {
	d.ID, d.PlayerID, d.CreateTime, d.Revoked = playerDocID, p.ID, p.CreateTime.UTC(), p.Revoked
	d.Links = make(map[string]linkDoc, len(p.Links))
	for _, l := range p.Links {
		d.Links[l.IdentityID] = linkDoc{Provider: l.Provider, Time: l.Time.UTC(), Claimed: l.Claimed, Leaving: l.Leaving}
	}
	d.Families = make(map[string]familyDoc, len(p.Families))
	for _, f := range p.Families {
		d.Families[f.ID] = familyDoc{N: f.N, OpenMs: millis(f.OpenTime), RotateMs: millis(f.RotateTime), ExpireMs: millis(f.ExpireTime), EndMs: millis(f.EndTime)}
	}
}

// decode gives links and families in the order of their times.
func (d *playerDoc) decode() player.Player {
	p := player.Player{ID: d.PlayerID, CreateTime: d.CreateTime, Revoked: d.Revoked}
	for id, l := range d.Links {
		p.Links = append(p.Links, player.Link{IdentityID: id, Provider: l.Provider, Time: l.Time, Claimed: l.Claimed, Leaving: l.Leaving})
	}
	slices.SortFunc(p.Links, func(a, b player.Link) int {
		return cmp.Or(a.Time.Compare(b.Time), cmp.Compare(a.IdentityID, b.IdentityID))
	})
	for id, f := range d.Families {
		p.Families = append(p.Families, player.Family{
			ID: id, N: f.N, OpenTime: ofMillis(f.OpenMs), RotateTime: ofMillis(f.RotateMs), ExpireTime: ofMillis(f.ExpireMs), EndTime: ofMillis(f.EndMs),
		})
	}
	slices.SortFunc(p.Families, func(a, b player.Family) int {
		return cmp.Or(a.OpenTime.Compare(b.OpenTime), cmp.Compare(a.ID, b.ID))
	})
	return p
}

func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

func ofMillis(ms int64) time.Time {
	if ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// keyDoc is a signing key, its private half sealed.
type keyDoc struct {
	cosmos.Header
	KID        string    `json:"kid"`
	Sealed     []byte    `json:"sealed"` // base64: nonce and AES-256-GCM box of the P-256 scalar
	SignFrom   time.Time `json:"signFrom"`
	ExpireTime time.Time `json:"expireTime"`
	CreateTime time.Time `json:"createTime"`
}

func encodeKey(k signing.Sealed, now time.Time) *keyDoc {
	return &keyDoc{
		Header: cosmos.Header{ID: k.ID, TTL: ttl(k.ExpireTime.Sub(now))}, KID: k.KID, Sealed: k.Private,
		SignFrom: k.SignFrom.UTC(), ExpireTime: k.ExpireTime.UTC(), CreateTime: k.CreateTime.UTC(),
	}
}

func (d *keyDoc) decode() signing.Sealed {
	return signing.Sealed{ID: d.ID, KID: d.KID, Private: d.Sealed, SignFrom: d.SignFrom, ExpireTime: d.ExpireTime, CreateTime: d.CreateTime}
}

// ttl rounds up to whole seconds: nothing may be forgotten before its time.
func ttl(d time.Duration) int32 {
	return int32(max((d+time.Second-1)/time.Second, 1)) //nolint:gosec // durations here are months at most
}

// revocationDoc is a revocation.
type revocationDoc struct {
	cosmos.Header
	Kind       string    `json:"kind"`
	Target     string    `json:"target,omitempty"`
	CreateTime time.Time `json:"createTime"`
	ExpireTime time.Time `json:"expireTime,omitzero"`
	Lifted     bool      `json:"lifted,omitempty"`
	// Of suspensions:
	Version int64       `json:"version,omitempty"`
	Pending bool        `json:"pending,omitempty"`
	Due     int64       `json:"due,omitempty"` // seconds since 1970: when the chore looks at it; the only indexed path
	History []changeDoc `json:"history,omitempty"`
}

// changeDoc is one change of a suspension.
type changeDoc struct {
	Action string    `json:"action"`
	Time   time.Time `json:"time"`
	Actor  string    `json:"actor"`
	Reason string    `json:"reason,omitempty"`
	Until  time.Time `json:"until,omitzero"`
}

var kindNames = map[revocation.Kind]string{revocation.Session: "session", revocation.Suspension: "suspension", revocation.Erasure: "erasure"}

func encodeRevocation(r revocation.Row) *revocationDoc {
	d := &revocationDoc{
		Header: cosmos.Header{ID: r.ID}, Kind: kindNames[r.Kind], Target: r.Target, CreateTime: r.CreateTime.UTC(), ExpireTime: r.ExpireTime.UTC(), Lifted: r.Lifted,
	}
	if r.TTL > 0 {
		d.TTL = ttl(r.TTL)
	}
	return d
}

// decode gives kind 0 for one of a later version.
func (d *revocationDoc) decode() revocation.Row {
	r := revocation.Row{
		ID: d.ID, Target: d.Target, CreateTime: d.CreateTime, ExpireTime: d.ExpireTime, Lifted: d.Lifted, TTL: time.Duration(max(d.TTL, 0)) * time.Second,
	}
	for kind, name := range kindNames {
		if name == d.Kind {
			r.Kind = kind
		}
	}
	return r
}
