package grpcclient

import (
	"context"
	"strconv"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/fault"
)

// identityConn answers SignInClient with token 1, 2, 3, ..., or fails.
type identityConn struct {
	grpc.ClientConnInterface
	now     func() time.Time
	life    time.Duration
	signIns int
	err     error
	wait    chan struct{} // for it to be closed; nil = do not wait
}

func (c *identityConn) Invoke(_ context.Context, _ string, _, out any, _ ...grpc.CallOption) error {
	if c.wait != nil {
		<-c.wait
	}
	if c.err != nil {
		return c.err
	}
	c.signIns++
	response, _ := out.(*identityv1.SignInClientResponse)
	response.AccessToken, response.AccessTokenExpireTime = strconv.Itoa(c.signIns), timestamppb.New(c.now().Add(c.life))
	return nil
}

// settle waits until no sign-in is under way.
func settle(tokens *Tokens) {
	_, _, _ = tokens.group.Do("", func() (any, error) { return nil, nil }) // joins it
}

func TestTokensAreRenewedBeforeTheyExpire(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	conn := &identityConn{now: clock, life: 15 * time.Minute}
	tokens := NewTokens(conn, ClientKey("leaderboard", config.NewSecret("key")))
	tokens.now = clock
	away := fault.New(fault.Unavailable, "DOWN", "identity is away")
	for _, step := range []struct {
		after time.Duration
		err   error
		want  string // "" = a failure
	}{
		{0, nil, "1"},
		{13 * time.Minute, nil, "1"},
		{time.Minute + time.Second, nil, "1"}, // the last minute of its life: still good, and replaced meanwhile
		{0, nil, "2"},
		{14*time.Minute + time.Second, away, "2"}, // no other to be had
		{30 * time.Second, nil, "2"},
		{0, nil, "3"},
		{16 * time.Minute, away, ""},
		{0, nil, "4"},
	} {
		now, conn.err = now.Add(step.after), step.err
		got, err := tokens.Token(t.Context())
		if got != step.want || (err != nil) != (step.want == "") {
			t.Errorf("after another %s: %q, %v; want %q", step.after, got, err, step.want)
		}
		settle(tokens)
	}
	tokens.Forget("something else")
	if got, _ := tokens.Token(t.Context()); got != "4" {
		t.Errorf("another token was forgotten, and now it is %q", got)
	}
	tokens.Forget("4")
	if got, _ := tokens.Token(t.Context()); got != "5" {
		t.Errorf("the token was not forgotten: %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	tokens.Forget("5")
	conn.err = away
	if got, err := tokens.Token(ctx); err == nil {
		t.Errorf("a canceled call got %q", got)
	}
}

// An identity that does not answer holds nobody up who has a good token, and of those who have none one that gives up does not take
// the others' sign-in with him.
func TestNobodyWaitsForIdentityInVain(t *testing.T) {
	now := time.Now()
	conn := &identityConn{now: func() time.Time { return now }, life: 15 * time.Minute}
	tokens := NewTokens(conn, ClientKey("leaderboard", config.NewSecret("key")))
	tokens.now = conn.now
	if got, err := tokens.Token(t.Context()); got != "1" || err != nil {
		t.Fatalf("%q, %v", got, err)
	}
	now, conn.wait = now.Add(14*time.Minute+time.Second), make(chan struct{})
	for range 3 {
		if got, err := tokens.Token(t.Context()); got != "1" || err != nil {
			t.Errorf("%q, %v", got, err)
		}
	}
	tokens.Forget("1")
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got, err := tokens.Token(ctx); err == nil {
		t.Errorf("a canceled call got %q", got)
	}
	waited := make(chan string)
	go func() {
		got, err := tokens.Token(t.Context())
		if err != nil {
			t.Error(err)
		}
		waited <- got
	}()
	close(conn.wait)
	if got := <-waited; got != "2" {
		t.Errorf("the one who waited got %q", got)
	}
	if conn.signIns != 2 {
		t.Errorf("%d sign-ins", conn.signIns)
	}
}
