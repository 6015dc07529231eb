// Package revocation keeps what ended before its time: sessions signed out, players suspended or erased. Every server reads the list
// and refuses such tokens.
package revocation

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// Kind says what a row names.
type Kind uint8

// The kinds.
const (
	Session    Kind = iota + 1 // Target is the `sid` claim
	Suspension                 // Target is the player
	Erasure                    // Target is the player
)

const (
	// SessionTTL is how long the row of a session is kept: as long as an access token may live, and 5 minutes for clocks that differ.
	SessionTTL = 65 * time.Minute
	// ErasureTTL is how long servers remember an erased player.
	ErasureTTL = 30 * 24 * time.Hour
	// erasureKept is how long the row with his id is stored: a day longer, for clocks that differ.
	erasureKept = ErasureTTL + 24*time.Hour
)

// Row is one revocation.
type Row struct {
	ID         string // derived from kind and target, so that the same thing is revoked once
	Kind       Kind
	Target     string // what ended; empty in the record of an erasure
	CreateTime time.Time
	ExpireTime time.Time     // the revocation is over then; zero = it does not end
	Lifted     bool          // a suspension that was lifted
	TTL        time.Duration // how long the row is stored; 0 = for ever
}

// Page is a part of the list, oldest first.
type Page struct {
	Rows   []Row
	Cursor string // continues behind it; never empty
	More   bool   // there is more at once
}

// Store keeps rows.
type Store interface {
	// Put stores a row, or does nothing when its id is there.
	Put(ctx context.Context, r Row) error
	// List gives what was written since the cursor was made ("" = everything), the versions of one row in their order. A row may come
	// more than once, none is left out. InvalidArgument for a cursor that is none of ours.
	List(ctx context.Context, cursor string) (Page, error)
}

// Revocations writes and lists revocations.
type Revocations struct {
	Store Store
	// Key of the HMAC-SHA256 that names the rows of an erasure, so that what stays of it does not bear the player's id. It never changes: the
	// record is found by it for ever.
	Key []byte
	// Now is the time, UTC.
	Now func() time.Time
}

// EndSession refuses the access tokens of a session from now on. Safe to repeat.
func (r *Revocations) EndSession(ctx context.Context, sid string) error {
	now := r.Now()
	return r.Store.Put(ctx, Row{
		ID: SessionID(sid), Kind: Session, Target: sid, CreateTime: now, ExpireTime: now.Add(SessionTTL), TTL: SessionTTL,
	})
}

// Erase refuses a player's tokens, and his id as an argument, from now on. Safe to repeat.
//
// It writes two rows. The first one bears his id, for the servers, and the store itself forgets it when its time is over, whether or not a program is there
// to see to it. The second one stays for ever and bears nothing of him but an HMAC: whoever restores a backup finds by it that a player of
// the backup was erased.
func (r *Revocations) Erase(ctx context.Context, playerID string) error {
	now := r.Now()
	err := r.Store.Put(ctx, Row{
		ID: r.ErasedID(playerID), Kind: Erasure, Target: playerID, CreateTime: now, ExpireTime: now.Add(ErasureTTL), TTL: erasureKept,
	})
	if err != nil {
		return err
	}
	return r.Store.Put(ctx, Row{ID: r.ErasureID(playerID), Kind: Erasure, CreateTime: now})
}

// List is [Store.List].
func (r *Revocations) List(ctx context.Context, cursor string) (Page, error) {
	return r.Store.List(ctx, cursor)
}

// SessionID is the id of a session's row.
func SessionID(sid string) string { return "session-" + sid }

// SuspensionID is the id of a player's suspension row.
func SuspensionID(playerID string) string { return "suspension-" + playerID }

// ErasureID is the id of the record of a player's erasure.
func (r *Revocations) ErasureID(playerID string) string { return "erasure-" + r.pseudonym(playerID) }

// ErasedID is the id of the row that keeps an erased player out.
func (r *Revocations) ErasedID(playerID string) string { return "erased-" + r.pseudonym(playerID) }

func (r *Revocations) pseudonym(playerID string) string {
	h := hmac.New(sha256.New, r.Key)
	h.Write([]byte(playerID))
	return hex.EncodeToString(h.Sum(nil))
}
