package world_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/run/world"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
)

type tokenOf string

func (t tokenOf) Token(context.Context) (string, error) { return string(t), nil }

// dial connects with a token ("" = none), or as the operator.
func dial(t *testing.T, w *world.World, tokens grpcclient.TokenSource) *grpc.ClientConn {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+w.GRPC, grpcclient.Options{Tokens: tokens})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() }) // the test is over
	return conn
}

func device(id string) *identityv1.SignInRequest {
	return &identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: id}}}
}

// traces counts the keys and values of the store that hold a text, which is that of documents and of partition keys alike.
func traces(t *testing.T, w *world.World, text string) int {
	t.Helper()
	n := 0
	err := w.Emulator.Raw(func(key, value []byte) error {
		if bytes.Contains(key, []byte(text)) || bytes.Contains(value, []byte(text)) {
			n++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAPlayerIsForgotten deletes a player over the real services and looks at every byte of the store: after the final sweep his id is in
// the revocation only, which the certificate names, and 31 days after the request nowhere.
func TestAPlayerIsForgotten(t *testing.T) {
	clock := emulator.NewClock()
	w, err := world.Start(t.Context(), world.Options{GRPC: "127.0.0.1:0", Admin: "127.0.0.1:0", Cosmos: "localhost:0", Environ: []string{}, Clock: clock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.Stop(); err != nil {
			t.Error(err)
		}
	})
	plain := dial(t, w, nil)
	signedIn, err := identityv1.NewIdentityServiceClient(plain).SignIn(t.Context(), device("a-device-of-the-tests"))
	if err != nil {
		t.Fatal(err)
	}
	friend, err := identityv1.NewIdentityServiceClient(plain).SignIn(t.Context(), device("a-device-of-a-friend"))
	if err != nil {
		t.Fatal(err)
	}
	id := signedIn.GetPlayerId()
	mine, theirs := dial(t, w, tokenOf(signedIn.GetSession().GetAccessToken())), dial(t, w, tokenOf(friend.GetSession().GetAccessToken()))
	me := profilev1.NewProfileServiceClient(mine)
	_, err = profilev1.NewFriendsServiceClient(theirs).RequestFriend(t.Context(), &profilev1.RequestFriendRequest{OtherPlayerId: id})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := me.ClaimHandle(t.Context(), &profilev1.ClaimHandleRequest{Handle: "forgotten"}); err != nil {
		t.Fatal(err)
	}
	services, documents := exported(t, me)
	if services != 2 || documents < 6 {
		t.Errorf("exported %d documents of %d services", documents, services)
	}
	if traces(t, w, id) < 6 {
		t.Fatal("the scan does not see what it should")
	}

	deleted, err := me.DeletePlayer(t.Context(), &profilev1.DeletePlayerRequest{})
	if err != nil || deleted.GetDeletion().GetState() != profilev1.Deletion_STATE_ERASED {
		t.Fatalf("%v, %v", deleted, err)
	}
	ops := func() profilev1.ProfileServiceClient {
		return profilev1.NewProfileServiceClient(dial(t, w, grpcclient.NewTokens(plain, grpcclient.ClientKey("operator", config.NewSecret(w.Keys.Clients["operator"])))))
	}
	begin := time.Now()
	for fault.As(get(t, me, id)) == nil || !fault.Is(get(t, profilev1.NewProfileServiceClient(theirs), id), fault.NotFound) {
		if time.Since(begin) > 5*time.Second {
			t.Fatal("after 5 s the player is still there")
		}
		time.Sleep(50 * time.Millisecond)
	}
	if again, err := identityv1.NewIdentityServiceClient(plain).SignIn(t.Context(), device("a-device-of-the-tests")); err != nil || again.GetPlayerId() == id {
		t.Errorf("a new sign-in with the same device: %v, %v", again, err)
	}

	clock.Advance(2*time.Minute + 2*time.Second)
	remove := func(want profilev1.Deletion_State) *profilev1.Deletion {
		t.Helper()
		r, err := ops().DeletePlayer(t.Context(), &profilev1.DeletePlayerRequest{PlayerId: id})
		if err != nil || r.GetDeletion().GetState() != want {
			t.Fatalf("%v, %v; want %v", r, err, want)
		}
		return r.GetDeletion()
	}
	remove(profilev1.Deletion_STATE_CERTIFIED)
	clock.Advance(8*24*time.Hour + 2*time.Second)
	certificate := remove(profilev1.Deletion_STATE_FINAL).GetCertificate()
	if len(certificate.GetStores()) < 4 || len(certificate.GetRemainders()) != 1 || certificate.GetRemainders()[0].GetContainer() != "revocations" {
		t.Errorf("the certificate is %v", certificate)
	}
	if n := traces(t, w, id); n != 1 {
		t.Errorf("after the final sweep %d entries of the store bear the id, want the revocation alone", n)
		_ = w.Emulator.Raw(func(key, value []byte) error {
			if bytes.Contains(key, []byte(id)) || bytes.Contains(value, []byte(id)) {
				t.Logf("%q = %q", key, value)
			}
			return nil
		})
	}
	clock.Advance(31*24*time.Hour - 8*24*time.Hour)
	if n := traces(t, w, id); n != 0 {
		t.Errorf("31 days after the request %d entries of the store bear the id", n)
	}
	checked, err := profilev1.NewProfileServiceClient(plain).CheckDeletion(t.Context(), &profilev1.CheckDeletionRequest{Receipt: deleted.GetReceipt()})
	if err != nil || checked.GetDeletion().GetState() != profilev1.Deletion_STATE_FINAL {
		t.Errorf("by the receipt: %v, %v", checked, err)
	}
}

func get(t *testing.T, c profilev1.ProfileServiceClient, id string) error {
	t.Helper()
	_, err := c.GetProfile(t.Context(), &profilev1.GetProfileRequest{PlayerId: id})
	return err
}

// exported counts what an export holds.
func exported(t *testing.T, c profilev1.ProfileServiceClient) (services int, documents int64) {
	t.Helper()
	stream, err := c.ExportPlayer(t.Context(), &profilev1.ProfileServiceExportPlayerRequest{})
	if err != nil {
		t.Fatal(err)
	}
	for {
		r, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return services, documents
		}
		if err != nil {
			t.Fatal(err)
		}
		if summary := r.GetSummary(); summary != nil {
			services, documents = len(summary.GetServices()), summary.GetDocuments()
		}
	}
}
