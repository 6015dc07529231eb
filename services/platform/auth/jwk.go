package auth

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"encoding/base64"
	"encoding/json"
	"fmt"
)

// jwk is a JSON Web Key (RFC 7517) of the two types in use: EC on P-256 (RFC 7518) and OKP Ed25519 (RFC 8037).
type jwk struct {
	Type      string `json:"kty"`
	Curve     string `json:"crv"`
	X         string `json:"x"`
	Y         string `json:"y,omitempty"`
	ID        string `json:"kid"`
	Algorithm string `json:"alg"`
	Use       string `json:"use"`
}

const coordinateBytes = 32 // of P-256, and the size of an Ed25519 key

// MarshalJWK returns the key as a JSON Web Key, e.g.
// {"kty":"EC","crv":"P-256","x":"...","y":"...","kid":"...","alg":"ES256","use":"sig"}.
func MarshalJWK(key Key) ([]byte, error) {
	method, err := methodOfPublic(key.Public)
	if err != nil {
		return nil, fmt.Errorf("key %q: %w", key.ID, err)
	}
	out := jwk{ID: key.ID, Algorithm: method.Alg(), Use: "sig"}
	encode := base64.RawURLEncoding.EncodeToString
	switch public := key.Public.(type) {
	case ed25519.PublicKey:
		out.Type, out.Curve, out.X = "OKP", "Ed25519", encode(public)
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, x, y
		if err != nil {
			return nil, fmt.Errorf("key %q: %w", key.ID, err)
		}
		out.Type, out.Curve = "EC", "P-256"
		out.X, out.Y = encode(point[1:1+coordinateBytes]), encode(point[1+coordinateBytes:])
	}
	return json.Marshal(out)
}

// ParseJWK reads a JSON Web Key that [MarshalJWK] or another issuer wrote. Keys of other types, with another use or
// algorithm than ES256 and EdDSA, and points that are not on the curve are errors.
func ParseJWK(text []byte) (Key, error) {
	var in jwk
	if err := json.Unmarshal(text, &in); err != nil {
		return Key{}, fmt.Errorf("reading a JSON Web Key: %w", err)
	}
	key := Key{ID: in.ID}
	if in.Use != "" && in.Use != "sig" {
		return Key{}, fmt.Errorf("key %q is for %q, not for signatures", in.ID, in.Use)
	}
	x, err := base64.RawURLEncoding.DecodeString(in.X)
	if err != nil || len(x) != coordinateBytes {
		return Key{}, fmt.Errorf("key %q: x is not %d bytes of base64url", in.ID, coordinateBytes)
	}
	switch {
	case in.Type == "EC" && in.Curve == "P-256":
		y, err := base64.RawURLEncoding.DecodeString(in.Y)
		if err != nil || len(y) != coordinateBytes {
			return Key{}, fmt.Errorf("key %q: y is not %d bytes of base64url", in.ID, coordinateBytes)
		}
		point := append(append([]byte{4}, x...), y...)
		if key.Public, err = ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point); err != nil {
			return Key{}, fmt.Errorf("key %q: %w", in.ID, err)
		}
	case in.Type == "OKP" && in.Curve == "Ed25519":
		key.Public = ed25519.PublicKey(x)
	default:
		return Key{}, fmt.Errorf("key %q is of type %q %q; only EC P-256 and OKP Ed25519 are supported", in.ID, in.Type, in.Curve)
	}
	if method, err := methodOfPublic(key.Public); err != nil || in.Algorithm != "" && in.Algorithm != method.Alg() {
		return Key{}, fmt.Errorf("key %q: algorithm %q does not fit its type", in.ID, in.Algorithm)
	}
	return key, nil
}
