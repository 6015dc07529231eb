package grpcclient

import (
	"context"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
	"google.golang.org/grpc"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
)

// Tokens is a [TokenSource] that signs in to identity and keeps the access token until shortly before it expires. It is safe for
// concurrent use: however many need a token, one signs in.
type Tokens struct {
	identity   identityv1.IdentityServiceClient
	credential Credential
	group      singleflight.Group
	now        func() time.Time

	mu      sync.Mutex
	current token
}

type token struct {
	text    string
	renew   time.Time // get another one from here on
	expires time.Time
}

// NewTokens returns a source that signs in over conn. It does no I/O.
func NewTokens(conn grpc.ClientConnInterface, credential Credential) *Tokens {
	return &Tokens{identity: identityv1.NewIdentityServiceClient(conn), credential: credential, now: time.Now}
}

// signInTimeout bounds a sign-in that several may wait for.
const signInTimeout = 10 * time.Second

// Token returns the access token, after signing in when there is none. One that is about to expire is used on while another is
// fetched, so that nobody waits for an identity that does not answer.
func (t *Tokens) Token(ctx context.Context) (string, error) {
	current := t.load()
	if t.now().Before(current.renew) {
		return current.text, nil
	}
	fresh := t.group.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), signInTimeout)
		defer cancel()
		return t.signIn(ctx)
	})
	if t.now().Before(current.expires) {
		return current.text, nil
	}
	select {
	case <-ctx.Done():
		return "", ctx.Err()
	case result := <-fresh:
		if result.Err != nil {
			return "", fmt.Errorf("signing in to identity: %w", result.Err)
		}
		return result.Val.(token).text, nil
	}
}

// Forget drops a token that a service has refused.
func (t *Tokens) Forget(refused string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.text == refused {
		t.current = token{}
	}
}

func (t *Tokens) load() token {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current
}

// renewBefore is how long before its end a token is replaced; of a short-lived one a fifth of its life.
const renewBefore = time.Minute

func (t *Tokens) signIn(ctx context.Context) (token, error) {
	request, err := t.credential.SignInRequest(ctx)
	if err != nil {
		return token{}, err
	}
	response, err := t.identity.SignInClient(ctx, request)
	if err != nil {
		return token{}, err
	}
	now, expires := t.now(), response.GetAccessTokenExpireTime().AsTime()
	fresh := token{text: response.GetAccessToken(), expires: expires, renew: expires.Add(-min(renewBefore, expires.Sub(now)/5))}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current = fresh
	return fresh, nil
}
