// Package authtest issues and revokes access tokens for tests, without an identity service.
package authtest

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"log/slog"
	"strconv"
	"sync"
	"testing"
	"time"

	"supergame/services/platform/auth"
)

// Authority is an issuer, the [auth.Source] of its keys and revocations, and a verifier that follows them.
type Authority struct {
	t        testing.TB
	config   auth.Config
	key      auth.SigningKey
	verifier *auth.Verifier

	mu      sync.Mutex
	revoked []auth.Revocation
	tokens  int
}

// New returns an authority with one ES256 key and a verifier that is ready and is polled by its server, if it has one.
func New(t testing.TB) *Authority {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	a := &Authority{
		t: t, config: auth.Config{Issuer: "https://identity.test", Audience: "test"}, key: auth.SigningKey{ID: "test-key", Private: private},
	}
	a.verifier = auth.NewVerifier(a.config, a, auth.Options{Logger: slog.New(slog.DiscardHandler)})
	if err := a.verifier.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	return a
}

// Verifier verifies the authority's tokens.
func (a *Authority) Verifier() *auth.Verifier { return a.verifier }

// Config is the verifier's configuration.
func (a *Authority) Config() auth.Config { return a.config }

// Player returns an access token of a player, with a session of his own.
func (a *Authority) Player(playerID string) string {
	return a.Sign(a.Claims(auth.RolePlayer, playerID))
}

// GameServer returns an access token of a game server.
func (a *Authority) GameServer(name string) string {
	return a.Sign(a.Claims(auth.RoleGameServer, name))
}

// Operator returns an access token of an operator.
func (a *Authority) Operator(name string) string {
	return a.Sign(a.Claims(auth.RoleOperator, name))
}

// Service returns an access token of a service.
func (a *Authority) Service(name string) string {
	return a.Sign(a.Claims(auth.RoleService, name))
}

// Claims returns claims that are valid for an hour, to change before [Authority.Sign]. The session of a player is
// "session-" and a number.
func (a *Authority) Claims(role auth.Role, subject string) auth.Claims {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.tokens++
	now := time.Now()
	claims := auth.Claims{
		Issuer: a.config.Issuer, Audience: a.config.Audience, Subject: subject, Role: role, ID: "token-" + strconv.Itoa(a.tokens),
		IssueTime: now, ExpireTime: now.Add(time.Hour),
	}
	if role == auth.RolePlayer {
		claims.Session = "session-" + strconv.Itoa(a.tokens)
	}
	return claims
}

// Sign signs any claims with the authority's key.
func (a *Authority) Sign(claims auth.Claims) string {
	a.t.Helper()
	token, err := auth.Sign(a.key, claims)
	if err != nil {
		a.t.Fatal(err)
	}
	return token
}

// Key is the key that signs.
func (a *Authority) Key() auth.SigningKey { return a.key }

// Revoke publishes revocations and returns when the verifier knows them.
func (a *Authority) Revoke(revocations ...auth.Revocation) {
	a.t.Helper()
	a.mu.Lock()
	a.revoked = append(a.revoked, revocations...)
	a.mu.Unlock()
	if err := a.verifier.Refresh(a.t.Context()); err != nil {
		a.t.Fatal(err)
	}
}

// Keys is the authority's part as a source of keys.
func (a *Authority) Keys(context.Context) ([]auth.Key, error) {
	return []auth.Key{{ID: a.key.ID, Public: a.key.Private.Public()}}, nil
}

// Revocations is the authority's part as a source of revocations. The cursor counts the rows.
func (a *Authority) Revocations(_ context.Context, cursor string) (auth.RevocationPage, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	from := 0
	if n, err := strconv.Atoi(cursor); err == nil {
		from = n
	}
	return auth.RevocationPage{Revocations: a.revoked[from:], Cursor: strconv.Itoa(len(a.revoked))}, nil
}
