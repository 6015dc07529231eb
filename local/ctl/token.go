package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"time"

	"google.golang.org/grpc"

	"supergame/local/run/datadir"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/grpcclient"
)

// tokenTimeout bounds the sign-in, so that a wrong address is told and not waited for.
const tokenTimeout = 10 * time.Second

// token signs in over gRPC, as a game client or a program does, and prints the access token.
func token(ctx context.Context, args []string, out, notes io.Writer) error {
	flags := flag.NewFlagSet("token", flag.ContinueOnError)
	role := flags.String("role", "player", "player, game-server or operator")
	device := flags.String("device", "ctl-device-00000001", "for a player: the secret of the device that signs in; another one is another player")
	addr := flags.String("grpc", "127.0.0.1:50051", "the address of identity's gRPC")
	data := flags.String("data", ".data", "the data folder of make run, for the keys of programs")
	if err := parse(flags, args, notes, 0); err != nil {
		return err
	}
	conn, err := grpcclient.Dial("http://"+*addr, grpcclient.Options{})
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(ctx, tokenTimeout)
	defer cancel()
	identity := identityv1.NewIdentityServiceClient(conn)
	switch *role {
	case "player":
		return playerToken(ctx, identity, *device, out, notes)
	case "game-server", "operator":
		return programToken(ctx, identity, *role, *data, out, notes)
	default:
		return fmt.Errorf("there is no role %q: choose player, game-server or operator", *role)
	}
}

func playerToken(ctx context.Context, identity identityv1.IdentityServiceClient, device string, out, notes io.Writer) error {
	answer, err := identity.SignIn(ctx, &identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Device{
		Device: &identityv1.DeviceCredential{DeviceId: device},
	}}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("sign in: %w (is make run up?)", err)
	}
	session := answer.GetSession()
	fmt.Fprintf(notes, "player %s, valid until %s\n", answer.GetPlayerId(), clock(session.GetAccessTokenExpireTime().AsTime()))
	fmt.Fprintln(out, session.GetAccessToken())
	return nil
}

func programToken(ctx context.Context, identity identityv1.IdentityServiceClient, role, data string, out, notes io.Writer) error {
	dir, err := datadir.Read(data)
	if err != nil {
		return err
	}
	answer, err := identity.SignInClient(ctx, &identityv1.SignInClientRequest{Credential: &identityv1.SignInClientRequest_ClientKey{
		ClientKey: &identityv1.ClientKeyCredential{ClientId: role, ClientKey: dir.Keys().Clients[role]},
	}}, grpc.WaitForReady(true))
	if err != nil {
		return fmt.Errorf("sign in as %s: %w (is make run up, with the data folder %s?)", role, err, data)
	}
	fmt.Fprintf(notes, "%s, valid until %s\n", answer.GetClientId(), clock(answer.GetAccessTokenExpireTime().AsTime()))
	fmt.Fprintln(out, answer.GetAccessToken())
	return nil
}

func clock(t time.Time) string { return t.Local().Format("15:04:05") }
