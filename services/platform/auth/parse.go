package auth

import (
	"context"
	"errors"

	"github.com/golang-jwt/jwt/v5"

	"supergame/services/platform/fault"
)

// parse verifies a token from its first byte, and says with which key. The signature is checked before any claim.
func (v *Verifier) parse(ctx context.Context, token string) (caller *Caller, kid string, err error) {
	if len(token) > maxTokenBytes {
		return nil, "", refuse(ReasonTokenMalformed, "the access token is longer than %d bytes", maxTokenBytes)
	}
	var claims wireClaims
	var key Key
	_, err = v.parser.ParseWithClaims(token, &claims, func(t *jwt.Token) (any, error) {
		var refused error
		key, refused = v.keyOf(ctx, t)
		return key.Public, refused
	})
	if err != nil {
		return nil, "", refusalOf(err)
	}
	switch {
	case claims.Subject == "":
		return nil, "", refuse(ReasonTokenClaims, "the access token has no subject")
	case !claims.Role.Valid():
		return nil, "", refuse(ReasonTokenClaims, "the access token has no role that is known here")
	case claims.Role == RolePlayer && claims.Session == "":
		return nil, "", refuse(ReasonTokenClaims, "the access token has no session")
	}
	caller = &Caller{
		Subject: claims.Subject, Role: claims.Role, Session: claims.Session, TokenID: claims.ID, ExpireTime: claims.ExpiresAt.Time,
	}
	if !key.ExpireTime.IsZero() && key.ExpireTime.Before(caller.ExpireTime) {
		caller.ExpireTime = key.ExpireTime
	}
	return caller, key.ID, nil
}

// keyOf finds the key that a token's header names. The algorithm must be the key's own: a header that says otherwise ("none", or
// HS256 with a public key as the secret) is never obeyed.
func (v *Verifier) keyOf(ctx context.Context, token *jwt.Token) (Key, error) {
	alg := token.Method.Alg()
	if alg != jwt.SigningMethodES256.Alg() && alg != jwt.SigningMethodEdDSA.Alg() {
		return Key{}, refuse(ReasonTokenAlgorithm, "access tokens are signed with ES256 or EdDSA, not with %s", alg)
	}
	if _, critical := token.Header["crit"]; critical {
		return Key{}, refuse(ReasonTokenMalformed, "the access token needs an extension that is not known here")
	}
	kid, _ := token.Header["kid"].(string)
	key, err := v.keys.find(ctx, kid)
	if err != nil {
		return Key{}, err
	}
	if method, err := methodOfPublic(key.Public); err != nil || method.Alg() != alg {
		return Key{}, refuse(ReasonTokenAlgorithm, "the access token's algorithm is not that of its key")
	}
	return key, nil
}

// refusalOf finds the reason in an error of the JWT library.
func refusalOf(err error) error {
	if own := fault.As(err); own != nil {
		return own
	}
	for _, known := range [...]struct {
		err    error
		reason string
		text   string
	}{
		{jwt.ErrTokenMalformed, ReasonTokenMalformed, "the access token is not a JWT"},
		{jwt.ErrTokenUnverifiable, ReasonTokenAlgorithm, "access tokens are signed with ES256 or EdDSA"},
		{jwt.ErrTokenSignatureInvalid, ReasonTokenSignature, "the access token's signature is wrong"},
		{jwt.ErrTokenExpired, ReasonTokenExpired, "the access token has expired; refresh the session"},
		{jwt.ErrTokenNotValidYet, ReasonTokenNotYetValid, "the access token is not valid yet"},
		{jwt.ErrTokenUsedBeforeIssued, ReasonTokenNotYetValid, "the access token was issued in the future"},
		{jwt.ErrTokenInvalidIssuer, ReasonTokenIssuer, "the access token is of another issuer"},
		{jwt.ErrTokenInvalidAudience, ReasonTokenAudience, "the access token is for another audience"},
		{jwt.ErrTokenRequiredClaimMissing, ReasonTokenClaims, "the access token lacks a claim"},
	} {
		if errors.Is(err, known.err) {
			return refuse(known.reason, "%s", known.text).Because(err)
		}
	}
	return refuse(ReasonTokenMalformed, "the access token cannot be read").Because(err)
}
