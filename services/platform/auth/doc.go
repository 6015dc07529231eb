// Package auth knows who is calling: access tokens, the keys that verify them, and what ended before its time.
//
// An access token is a JWT signed with ES256 or EdDSA that identity issues with [Sign]. Every server holds one [Verifier]:
// it verifies tokens on its own, with keys and revocations that it polls from identity ([FromIdentity]), and remembers a
// token it has verified until the token expires. grpcserver asks it on every call and puts the [Caller] into the context:
//
//	caller := auth.CallerFrom(ctx)
//	if caller.Role == auth.RolePlayer && caller.Subject != playerID { ... }
//
// Tests take an authtest.Authority, which issues tokens and revokes them without an identity service.
package auth
