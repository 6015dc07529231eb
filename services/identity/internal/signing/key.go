// Package signing owns the keys that sign access tokens: it makes them, keeps them sealed, publishes each a day before its first use and
// forgets it after its last token.
package signing

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"time"
)

// Key is a signing key, ready for use.
type Key struct {
	KID        string
	Private    *ecdsa.PrivateKey // on P-256, for ES256
	SignFrom   time.Time
	ExpireTime time.Time // tokens of this key verify until then
}

// Sealed is a key as it is stored.
type Sealed struct {
	ID         string // of its period: replicas that make a key at the same time make one
	KID        string // RFC 7638 thumbprint of the public key
	Private    []byte // as Sealer.Seal
	SignFrom   time.Time
	ExpireTime time.Time
	CreateTime time.Time
}

// Store keeps sealed keys.
type Store interface {
	// List gives all keys that are not expired.
	List(ctx context.Context) ([]Sealed, error)
	// Create stores a key until it expires, or does nothing when its id is there.
	Create(ctx context.Context, k Sealed) error
}

// newKey makes a key and seals it.
func newKey(sealer *Sealer) (Sealed, error) {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return Sealed{}, fmt.Errorf("making a signing key: %w", err)
	}
	kid, err := thumbprint(&private.PublicKey)
	if err != nil {
		return Sealed{}, err
	}
	raw, err := private.Bytes()
	if err != nil {
		return Sealed{}, fmt.Errorf("encoding a signing key: %w", err)
	}
	return Sealed{KID: kid, Private: sealer.Seal(kid, raw)}, nil
}

// open makes a stored key ready for use.
func (s Sealed) open(sealer *Sealer) (Key, error) {
	raw, err := sealer.Open(s.KID, s.Private)
	if err != nil {
		return Key{}, err
	}
	private, err := ecdsa.ParseRawPrivateKey(elliptic.P256(), raw)
	if err != nil {
		return Key{}, fmt.Errorf("decoding it: %w", err)
	}
	if kid, err := thumbprint(&private.PublicKey); err != nil || kid != s.KID {
		return Key{}, fmt.Errorf("its id is not that of the key in it")
	}
	return Key{KID: s.KID, Private: private, SignFrom: s.SignFrom, ExpireTime: s.ExpireTime}, nil
}

// thumbprint names a public key by its content (RFC 7638), so that two keys never share a name.
func thumbprint(public *ecdsa.PublicKey) (string, error) {
	point, err := public.Bytes() // 4, x, y
	if err != nil {
		return "", fmt.Errorf("encoding a public key: %w", err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	sum := sha256.Sum256(fmt.Appendf(nil, `{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, encode(point[1:33]), encode(point[33:])))
	return encode(sum[:]), nil
}
