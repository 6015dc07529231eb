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
	if services != 3 || documents < 6 {
		t.Errorf("exported %d documents of %d services", documents, services)
	}
	if traces(t, w, id) < 6 {
		t.Fatal("the scan does not see what it should")
	}

	deleted, err := me.DeletePlayer(t.Context(), &profilev1.DeletePlayerRequest{})
	// The leaderboard looks a second time two minutes later before it says that it is done.
	if err != nil || deleted.GetDeletion().GetState() != profilev1.Deletion_STATE_ERASING {
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
	again, err := identityv1.NewIdentityServiceClient(plain).SignIn(t.Context(), device("a-device-of-the-tests"))
	anew := again.GetPlayerId()
	if err != nil || anew == id || !again.GetCreated() {
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
	remove(profilev1.Deletion_STATE_ERASED)
	clock.Advance(2*time.Minute + 2*time.Second)
	certified := remove(profilev1.Deletion_STATE_CERTIFIED).GetCertificate()
	wantTracesOnlyIn(t, w, id, certified)
	if again, err := identityv1.NewIdentityServiceClient(plain).SignIn(t.Context(), device("a-device-of-the-tests")); err != nil || again.GetPlayerId() != anew {
		t.Errorf("one more sign-in with the same device: %v, %v; want the new player %s", again, err, anew)
	}
	clock.Advance(8*24*time.Hour + 2*time.Second)
	certificate := remove(profilev1.Deletion_STATE_FINAL).GetCertificate()
	if len(certificate.GetStores()) < 4 || len(certificate.GetRemainders()) != 2 || certificate.GetRemainders()[0].GetContainer() != "revocations" ||
		certificate.GetRemainders()[1].GetContainer() != "leaderboard-entries" {
		t.Errorf("the certificate is %v", certificate)
	}
	wantTracesOnlyIn(t, w, id, certificate)
	clock.Advance(31*24*time.Hour - 8*24*time.Hour)
	if n := traces(t, w, id); n != 0 {
		t.Errorf("31 days after the request %d entries of the store bear the id", n)
	}
	checked, err := profilev1.NewProfileServiceClient(plain).CheckDeletion(t.Context(), &profilev1.CheckDeletionRequest{Receipt: deleted.GetReceipt()})
	if err != nil || checked.GetDeletion().GetState() != profilev1.Deletion_STATE_FINAL {
		t.Errorf("by the receipt: %v, %v", checked, err)
	}
}

// wantTracesOnlyIn looks for the id in every byte of the store: it is in one document of each of the containers that a certificate names, in tombstones
// where it names those, and nowhere else.
func wantTracesOnlyIn(t *testing.T, w *world.World, id string, certificate *profilev1.Deletion_Certificate) {
	t.Helper()
	kinds := map[string]string{"revocations": `"type":"revocation"`, "players": `"type":"deletion"`}
	want, buried := map[string]int{}, false
	for _, remainder := range certificate.GetRemainders() {
		if remainder.GetContainer() == "leaderboard-entries" {
			buried = true
			continue
		}
		want[kinds[remainder.GetContainer()]]++
	}
	graveyard := graveyardOf(t, w, id)
	err := w.Emulator.Raw(func(key, value []byte) error {
		if !bytes.Contains(key, []byte(id)) && !bytes.Contains(value, []byte(id)) {
			return nil
		}
		for kind := range want {
			if bytes.Contains(value, []byte(kind)) {
				want[kind]--
				return nil
			}
		}
		if !buried || !bytes.HasPrefix(key, graveyard) {
			t.Errorf("the certificate does not name %q = %q", key, value)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for kind, missing := range want {
		if missing != 0 {
			t.Errorf("the certificate names %d too many with %s", missing, kind)
		}
	}
}

// graveyardOf is what all keys of the container begin with that keeps tombstones. Its note that the player was erased is the only document of its type.
func graveyardOf(t *testing.T, w *world.World, id string) []byte {
	t.Helper()
	const containerBytes = 5 // of a key: which store, and which container of it
	var prefix []byte
	err := w.Emulator.Raw(func(key, value []byte) error {
		if bytes.Contains(value, []byte(id)) && bytes.Contains(value, []byte(`"type":"erasure"`)) {
			prefix = bytes.Clone(key[:containerBytes])
		}
		return nil
	})
	if err != nil || prefix == nil {
		t.Fatalf("no container keeps tombstones: %v", err)
	}
	return prefix
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
