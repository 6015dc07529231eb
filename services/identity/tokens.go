package identity

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"sync"
	"time"

	"supergame/services/identity/internal/signing"
	"supergame/services/platform/auth"
)

// issuer signs access tokens with the ring's current key.
type issuer struct {
	cfg  auth.Config
	life time.Duration
	ring *signing.Ring
	now  func() time.Time
}

// IssuePlayer gives a player's token.
func (i *issuer) IssuePlayer(playerID, sid string) (token string, expire time.Time, err error) {
	return i.issue(auth.Claims{Subject: playerID, Role: auth.RolePlayer, Session: sid})
}

// IssueProgram gives a program's token.
func (i *issuer) IssueProgram(name, role string) (token string, expire time.Time, err error) {
	return i.issue(auth.Claims{Subject: name, Role: auth.Role(role)})
}

func (i *issuer) issue(claims auth.Claims) (token string, expire time.Time, err error) {
	key, err := i.ring.Signer()
	if err != nil {
		return "", time.Time{}, err
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, see its documentation
	now := i.now().UTC().Truncate(time.Second)
	claims.Issuer, claims.Audience, claims.ID = i.cfg.Issuer, i.cfg.Audience, base64.RawURLEncoding.EncodeToString(id[:])
	claims.IssueTime, claims.ExpireTime = now, now.Add(i.life)
	token, err = auth.Sign(auth.SigningKey{ID: key.KID, Private: key.Private}, claims)
	return token, claims.ExpireTime, err
}

// ownTokens is the grpcclient.TokenSource of identity itself: it needs nobody to sign in to.
type ownTokens struct {
	issuer *issuer

	mu     sync.Mutex
	token  string
	expire time.Time
}

// Token gives a token that is good for another minute at least.
func (o *ownTokens) Token(context.Context) (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.issuer.now().Add(time.Minute).Before(o.expire) {
		return o.token, nil
	}
	token, expire, err := o.issuer.IssueProgram("identity", string(auth.RoleService))
	if err != nil {
		return "", err
	}
	o.token, o.expire = token, expire
	return token, nil
}
