package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math/big"
	"os"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
)

const operatorKey = "a-key-of-the-tests-0123456789"

func operatorKeyHash() string {
	hash := sha256.Sum256([]byte(operatorKey))
	return hex.EncodeToString(hash[:])
}

func deviceCredential(device string) *identityv1.DeviceCredential {
	return &identityv1.DeviceCredential{DeviceId: device}
}

// linkPlay makes the changes of links and suspensions that follow from each other, whatever happens to the server, and checks behind
// each that what was acknowledged holds.
type linkPlay struct {
	client   identityv1.IdentityServiceClient
	profiles *profiles
}

func as(ctx context.Context, access string) context.Context {
	return metadata.AppendToOutgoingContext(ctx, "authorization", "Bearer "+access)
}

func (p *linkPlay) signIn(ctx context.Context, device string) (*identityv1.SignInResponse, error) {
	return until(ctx, func(ctx context.Context) (*identityv1.SignInResponse, error) {
		return p.client.SignIn(ctx, &identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Device{Device: deviceCredential(device)}})
	})
}

func (p *linkPlay) link(ctx context.Context, access, device string) error {
	_, err := until(ctx, func(ctx context.Context) (*identityv1.LinkIdentityResponse, error) {
		return p.client.LinkIdentity(as(ctx, access), &identityv1.LinkIdentityRequest{
			RequestId: "link", Credential: &identityv1.LinkIdentityRequest_Device{Device: deviceCredential(device)},
		})
	})
	return err
}

// leadsTo checks whom a device signs in.
func (p *linkPlay) leadsTo(ctx context.Context, device, want string) error {
	session, err := p.signIn(ctx, device)
	if err != nil || session.GetPlayerId() != want {
		return fmt.Errorf("a device leads to %v, %w, want %s", session.GetPlayerId(), err, want)
	}
	return nil
}

// identities are the ids of what leads to a player.
func (p *linkPlay) identities(ctx context.Context, access string) ([]string, error) {
	response, err := until(ctx, func(ctx context.Context) (*identityv1.ListIdentitiesResponse, error) {
		return p.client.ListIdentities(as(ctx, access), &identityv1.ListIdentitiesRequest{})
	})
	var ids []string
	for _, i := range response.GetIdentities() {
		ids = append(ids, i.GetIdentityId())
	}
	return ids, err
}

func (p *linkPlay) play(ctx context.Context) error {
	a, b := "device-"+rand.Text(), "device-"+rand.Text()
	first, err := p.signIn(ctx, a)
	if err != nil {
		return err
	}
	one := first.GetSession().GetAccessToken()
	ofA, err := p.identities(ctx, one)
	if err != nil || len(ofA) != 1 {
		return fmt.Errorf("a new player has the identities %v, %w", ofA, err)
	}
	if err := p.link(ctx, one, b); err != nil {
		return fmt.Errorf("linking: %w", err)
	}
	if err := p.leadsTo(ctx, b, first.GetPlayerId()); err != nil {
		return fmt.Errorf("after the link: %w", err)
	}
	_, err = until(ctx, func(ctx context.Context) (*identityv1.UnlinkIdentityResponse, error) {
		return p.client.UnlinkIdentity(as(ctx, one), &identityv1.UnlinkIdentityRequest{IdentityId: ofA[0], RequestId: "unlink"})
	})
	if err != nil {
		return fmt.Errorf("unlinking: %w", err)
	}
	second, err := p.signIn(ctx, a)
	if err != nil || second.GetPlayerId() == first.GetPlayerId() {
		return fmt.Errorf("what was unlinked leads to %s, %w", second.GetPlayerId(), err)
	}
	return p.move(ctx, first, second, b)
}

// move gives the first player's only device to the second one.
func (p *linkPlay) move(ctx context.Context, first, second *identityv1.SignInResponse, device string) error {
	two := second.GetSession().GetAccessToken()
	refused := fault.As(p.link(ctx, two, device))
	if refused == nil {
		return fmt.Errorf("a credential of another player was linked")
	}
	taken, ok := refused.Detail.(*identityv1.IdentityTaken)
	if !ok || taken.GetOwner().GetPlayerId() != first.GetPlayerId() {
		return fmt.Errorf("taken: %w", refused)
	}
	_, err := until(ctx, func(ctx context.Context) (*identityv1.ResolveLinkResponse, error) {
		return p.client.ResolveLink(as(ctx, two), &identityv1.ResolveLinkRequest{
			ResolveToken: taken.GetResolveToken(), KeepPlayerId: second.GetPlayerId(), AcknowledgeLast: true,
		})
	})
	if err != nil {
		return fmt.Errorf("moving: %w", err)
	}
	if err := p.leadsTo(ctx, device, second.GetPlayerId()); err != nil {
		return fmt.Errorf("after the move: %w", err)
	}
	if ids, err := p.identities(ctx, two); err != nil || len(ids) != 2 {
		return fmt.Errorf("after the move the new player has %v, %w", ids, err)
	}
	if ids, err := p.identities(ctx, first.GetSession().GetAccessToken()); err != nil || len(ids) != 0 {
		return fmt.Errorf("after the move the old player has %v, %w", ids, err)
	}
	return p.suspend(ctx, second.GetPlayerId(), device)
}

// suspend keeps a player out, and lets him in again.
func (p *linkPlay) suspend(ctx context.Context, playerID, device string) error {
	console, err := until(ctx, func(ctx context.Context) (*identityv1.SignInClientResponse, error) {
		return p.client.SignInClient(ctx, &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_ClientKey{
			ClientKey: &identityv1.ClientKeyCredential{ClientId: "console", ClientKey: operatorKey},
		}})
	})
	if err != nil {
		return err
	}
	suspended, err := until(ctx, func(ctx context.Context) (*identityv1.SuspendPlayerResponse, error) {
		return p.client.SuspendPlayer(as(ctx, console.GetAccessToken()), &identityv1.SuspendPlayerRequest{PlayerId: playerID, Reason: "x", RequestId: "suspend"})
	})
	if err != nil || suspended.GetSuspension().GetVersion() != 1 || !suspended.GetSuspension().GetSuspended() {
		return fmt.Errorf("suspending: %v, %w", suspended, err)
	}
	if session, err := p.signIn(ctx, device); fault.ReasonOf(err) != "PLAYER_SUSPENDED" {
		return fmt.Errorf("a suspended player signs in: %v, %w", session, err)
	}
	lifted, err := until(ctx, func(ctx context.Context) (*identityv1.LiftSuspensionResponse, error) {
		response, err := p.client.LiftSuspension(as(ctx, console.GetAccessToken()), &identityv1.LiftSuspensionRequest{PlayerId: playerID, Reason: "y", RequestId: "lift"})
		if err == nil && !response.GetSuspension().GetPropagated() {
			return nil, fault.New(fault.Unavailable, "NOT_PROPAGATED", "call again")
		}
		return response, err
	})
	if err != nil || lifted.GetSuspension().GetVersion() != 2 || lifted.GetSuspension().GetSuspended() || len(lifted.GetSuspension().GetHistory()) != 2 {
		return fmt.Errorf("lifting: %v, %w", lifted, err)
	}
	if version, suspended := p.profiles.state(playerID); version != 2 || suspended {
		return fmt.Errorf("the profile service has version %d, suspended %t", version, suspended)
	}
	return p.leadsTo(ctx, device, playerID)
}

// The program is killed at any point of changes of links and suspensions. Each is completed by its repeat, and nothing that was acknowledged
// is taken back.
func TestLinksKilledAtAnyPoint(t *testing.T) {
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("needs an emulator of its own that outlives the process")
	}
	kills := 4
	if os.Getenv("LONG") != "" {
		kills = 60
	}
	c := newCommand(t)
	c.start()
	conn, err := grpcclient.Dial("http://"+c.grpc, grpcclient.Options{Retries: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	p := &linkPlay{client: identityv1.NewIdentityServiceClient(conn), profiles: c.profiles}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	stop := make(chan struct{})
	rounds := make(chan int, 4)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for n := 1; ; n++ {
				if err := p.play(ctx); err != nil {
					t.Error(err)
					return
				}
				select {
				case <-stop:
					rounds <- n
					return
				default:
				}
			}
		})
	}
	for range kills {
		pause, _ := rand.Int(rand.Reader, big.NewInt(int64(150*time.Millisecond)))
		time.Sleep(time.Duration(pause.Int64()))
		c.kill()
		c.start()
	}
	close(stop)
	wg.Wait()
	if len(rounds) == 0 {
		t.Error("nobody came to an end")
	}
}
