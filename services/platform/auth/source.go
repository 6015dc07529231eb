package auth

import (
	"context"
	"crypto"
	"time"
)

// Key is the public half of a signing key.
type Key struct {
	ID         string           // kid
	Public     crypto.PublicKey // *ecdsa.PublicKey on P-256 or ed25519.PublicKey
	ExpireTime time.Time        // tokens of this key verify until then; zero = no end
}

// KeySource gives the keys that may have signed a valid token. Its answer replaces the one before.
type KeySource interface {
	Keys(ctx context.Context) ([]Key, error)
}

// RevocationKind says what a revocation ends.
type RevocationKind uint8

// The kinds of revocations.
const (
	RevokeSession RevocationKind = iota + 1 // a session: ID is the `sid` claim
	SuspendPlayer                           // a suspended player: ID is his player id
	ErasePlayer                             // an erased player: his tokens and his id as an argument are refused
)

// Revocation ends tokens before their time.
type Revocation struct {
	Kind       RevocationKind
	ID         string    // session id or player id
	ExpireTime time.Time // over then; zero = no end
	Lifted     bool      // a suspension that is over
}

// RevocationPage is one answer of a [RevocationSource], oldest first.
type RevocationPage struct {
	Revocations []Revocation
	Cursor      string // for the next call
	More        bool   // call again at once
}

// RevocationSource lists what was revoked since a cursor of an earlier answer; "" = from the beginning. A row may come more
// than once; the latest of a kind and id counts. A cursor that the source does not know any more is an InvalidArgument fault, and
// the reader begins again.
type RevocationSource interface {
	Revocations(ctx context.Context, cursor string) (RevocationPage, error)
}
