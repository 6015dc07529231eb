package auth

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"errors"
	"fmt"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Claims is what an access token says. It is the only definition of them; times have a resolution of one second.
type Claims struct {
	Issuer     string    // iss
	Audience   string    // aud
	Subject    string    // sub: player id, or the name of a program
	Role       Role      // role
	Session    string    // sid: the refresh family; players only
	ID         string    // jti
	IssueTime  time.Time // iat
	NotBefore  time.Time // nbf; zero = not set
	ExpireTime time.Time // exp
}

// SigningKey signs tokens. Private is an *ecdsa.PrivateKey on P-256 (ES256) or an ed25519.PrivateKey (EdDSA).
type SigningKey struct {
	ID      string // kid, in the header of each token
	Private crypto.Signer
}

// wireClaims is the JSON of the claims.
type wireClaims struct {
	jwt.RegisteredClaims
	Role    Role   `json:"role"`
	Session string `json:"sid,omitempty"`
}

// Sign returns the claims as a JWT in compact form.
func Sign(key SigningKey, claims Claims) (string, error) {
	method, err := methodOf(key.Private)
	if err != nil {
		return "", fmt.Errorf("signing with key %q: %w", key.ID, err)
	}
	wire := wireClaims{Role: claims.Role, Session: claims.Session}
	wire.Issuer, wire.Subject, wire.ID = claims.Issuer, claims.Subject, claims.ID
	wire.Audience = jwt.ClaimStrings{claims.Audience}
	wire.IssuedAt, wire.ExpiresAt = jwt.NewNumericDate(claims.IssueTime), jwt.NewNumericDate(claims.ExpireTime)
	if !claims.NotBefore.IsZero() {
		wire.NotBefore = jwt.NewNumericDate(claims.NotBefore)
	}
	token := jwt.NewWithClaims(method, wire)
	token.Header["kid"] = key.ID
	signed, err := token.SignedString(key.Private)
	if err != nil {
		return "", fmt.Errorf("signing with key %q: %w", key.ID, err)
	}
	return signed, nil
}

// methodOf returns the one algorithm that goes with a key.
func methodOf(private crypto.Signer) (jwt.SigningMethod, error) {
	if private == nil {
		return nil, errors.New("there is no private key")
	}
	return methodOfPublic(private.Public())
}

func methodOfPublic(public crypto.PublicKey) (jwt.SigningMethod, error) {
	switch public := public.(type) {
	case *ecdsa.PublicKey:
		if public.Curve == elliptic.P256() {
			return jwt.SigningMethodES256, nil
		}
		return nil, errors.New("only the curve P-256 is supported")
	case ed25519.PublicKey:
		return jwt.SigningMethodEdDSA, nil
	default:
		return nil, fmt.Errorf("a %T is neither an ECDSA nor an Ed25519 key", public)
	}
}
