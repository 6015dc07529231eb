package auth

import (
	"supergame/services/platform/fault"
)

// Reasons of the faults of [Verifier.Verify] and of grpcserver's access rules: a client may switch on them.
const (
	ReasonTokenMissing     = "TOKEN_MISSING"       // no `authorization: Bearer ...`
	ReasonTokenMalformed   = "TOKEN_MALFORMED"     // not a JWT
	ReasonTokenAlgorithm   = "TOKEN_ALGORITHM"     // none, HS256, or not the algorithm of its key
	ReasonTokenKey         = "TOKEN_KEY_UNKNOWN"   // no such kid, or the key has expired
	ReasonTokenSignature   = "TOKEN_SIGNATURE"     // does not verify
	ReasonTokenIssuer      = "TOKEN_ISSUER"        // another issuer
	ReasonTokenAudience    = "TOKEN_AUDIENCE"      // for somebody else
	ReasonTokenExpired     = "TOKEN_EXPIRED"       // refresh the session
	ReasonTokenNotYetValid = "TOKEN_NOT_YET_VALID" // nbf or iat lie ahead
	ReasonTokenClaims      = "TOKEN_CLAIMS"        // no subject, no role, or no session
	ReasonSessionRevoked   = "SESSION_REVOKED"     // signed out
	ReasonPlayerSuspended  = "PLAYER_SUSPENDED"    // PermissionDenied
	ReasonPlayerErased     = "PLAYER_ERASED"       // the caller himself was erased
	ReasonKeysUnavailable  = "KEYS_UNAVAILABLE"    // Unavailable: this server knows no keys yet
	ReasonAccessDenied     = "ACCESS_DENIED"       // PermissionDenied: the rule of the method
	ReasonNoAccessRule     = "NO_ACCESS_RULE"      // PermissionDenied: the method has no rule, so nobody may call it
)

func refuse(reason, format string, args ...any) *fault.Error {
	return fault.New(fault.Unauthenticated, reason, format, args...)
}
