package profile_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func claimHandle(playerID, handle, requestID string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).ClaimHandle(ctx, &profilev1.ClaimHandleRequest{PlayerId: playerID, Handle: handle, RequestId: requestID})
		return err
	}
}

func lookupHandle(handle string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).LookupHandle(ctx, &profilev1.LookupHandleRequest{Handle: handle})
		return err
	}
}

func searchHandles(prefix string, size int32, token string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).SearchHandles(ctx, &profilev1.SearchHandlesRequest{Prefix: prefix, PageSize: size, PageToken: token})
		return err
	}
}

func TestHandles(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	hers, his := w.profiles(t, w.authority.Player(ada)), w.profiles(t, w.authority.Player(bob))
	server := w.profiles(t, w.authority.GameServer("eu-1"))

	claimed, err := hers.ClaimHandle(ctx, &profilev1.ClaimHandleRequest{Handle: "Ａda_L"})
	if err != nil || claimed.GetProfile().GetHandle() != "Ada_L" || claimed.GetProfile().GetPlayerId() != ada {
		t.Fatalf("%v, %v", claimed, err)
	}
	read, err := hers.GetProfile(ctx, &profilev1.GetProfileRequest{})
	if err != nil || read.GetProfile().GetHandle() != "Ada_L" || read.GetProfile().GetEtag() != claimed.GetProfile().GetEtag() {
		t.Errorf("%v, %v", read, err)
	}
	updated, err := hers.UpdateProfile(ctx, update(&profilev1.Profile{DisplayName: "Ada", Handle: "other"}, "display_name"))
	if err != nil || updated.GetProfile().GetHandle() != "Ada_L" {
		t.Errorf("an update of the profile: %v, %v", updated, err)
	}
	_, err = his.ClaimHandle(ctx, &profilev1.ClaimHandleRequest{Handle: "ADA_l"})
	if f := fault.As(err); f == nil || f.Kind != fault.AlreadyExists || f.Reason != "HANDLE_TAKEN" || f.Metadata["handle"] != "ADA_l" {
		t.Errorf("the same handle: %v", err)
	}
	for _, form := range []string{"Ada_L", "ada_l", "ＡＤＡ_L"} {
		found, err := server.LookupHandle(ctx, &profilev1.LookupHandleRequest{Handle: form})
		if err != nil || found.GetProfile().GetPlayerId() != ada || found.GetProfile().GetDisplayName() != "Ada" {
			t.Errorf("lookup of %q: %v, %v", form, found, err)
		}
	}
	for _, form := range []string{"аdа_l", "nobody", "ada_I", "ada"} {
		if _, err := server.LookupHandle(ctx, &profilev1.LookupHandleRequest{Handle: form}); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
			t.Errorf("lookup of %q: %v", form, err)
		}
	}
	released, err := hers.ClaimHandle(ctx, &profilev1.ClaimHandleRequest{})
	if err != nil || released.GetProfile().GetHandle() != "" {
		t.Errorf("%v, %v", released, err)
	}
	if _, err := server.LookupHandle(ctx, &profilev1.LookupHandleRequest{Handle: "Ada_L"}); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
		t.Errorf("lookup of a handle that was given up: %v", err)
	}
	if _, err := his.ClaimHandle(ctx, &profilev1.ClaimHandleRequest{Handle: "ada_l"}); fault.ReasonOf(err) != "HANDLE_TAKEN" {
		t.Errorf("a handle that was given up just now: %v", err)
	}
	if err := claimHandle(ada, "ada_l", "")(ctx, w.Dial(t, w.authority.Operator(someOps))); err != nil {
		t.Errorf("an operator gives it back: %v", err)
	}
	if _, err := hers.UpdateProfile(ctx, update(&profilev1.Profile{}, "handle")); fault.ReasonOf(err) != "INVALID_FIELD" {
		t.Errorf("handle in an update mask: %v", err)
	}
}

func TestSearchHandles(t *testing.T) {
	w := start(t)
	operator := w.Dial(t, w.authority.Operator(someOps))
	players := w.profiles(t, w.authority.GameServer("eu-1"))
	var want []string
	for i := range 25 {
		id := fmt.Sprintf("01ARZ3NDEKTSV4RRFFQ69G5%03d", i)
		w.join(t, id)
		name := fmt.Sprintf("Player-%02d", i)
		if err := claimHandle(id, name, "")(session(t), operator); err != nil {
			t.Fatal(err)
		}
		if i == 7 { // given up
			if err := claimHandle(id, "", "")(session(t), operator); err != nil {
				t.Fatal(err)
			}
			continue
		}
		want = append(want, name)
	}
	w.join(t, ada)
	if err := claimHandle(ada, "plan_b", "")(session(t), operator); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int32{0, 3, 100} {
		ctx, r := session(t), &profilev1.SearchHandlesRequest{Prefix: "PLAYER-", PageSize: size}
		var got []string
		for pages := 0; ; pages++ {
			page, err := players.SearchHandles(ctx, r)
			if err != nil || size > 0 && len(page.GetProfiles()) > int(size) || pages > 30 {
				t.Fatalf("%v, %v", page, err)
			}
			for _, p := range page.GetProfiles() {
				got = append(got, p.GetHandle())
			}
			if r.PageToken = page.GetNextPageToken(); r.PageToken == "" {
				break
			}
			other := &profilev1.SearchHandlesRequest{Prefix: "pla", PageToken: r.PageToken}
			if _, err := players.SearchHandles(ctx, other); fault.ReasonOf(err) != "BAD_PAGE_TOKEN" {
				t.Errorf("a token of another prefix: %v", err)
			}
		}
		if slices.Sort(got); !slices.Equal(got, want) {
			t.Errorf("pages of %d: %q, want %q", size, got, want)
		}
	}
	for _, prefix := range []string{"PL", "pla", "ｐｌａｎ"} {
		page, err := players.SearchHandles(session(t), &profilev1.SearchHandlesRequest{Prefix: prefix, PageSize: 100})
		if err != nil || !slices.ContainsFunc(page.GetProfiles(), func(p *profilev1.Profile) bool { return p.GetPlayerId() == ada }) {
			t.Errorf("%q: %v, %v", prefix, page, err)
		}
	}
	w.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: ada})
	page, err := players.SearchHandles(session(t), &profilev1.SearchHandlesRequest{Prefix: "plan"})
	if err != nil || len(page.GetProfiles()) != 0 {
		t.Errorf("a player who is being erased: %v, %v", page, err)
	}
	if err := lookupHandle("plan_b")(session(t), operator); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
		t.Errorf("lookup of a player who is being erased: %v", err)
	}
}

func TestHandlesBadInput(t *testing.T) {
	w, wire, _ := startOnWire(t)
	w.join(t, ada)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	wire.take()
	for what, handle := range map[string]string{
		"too short": "ab", "too long": strings.Repeat("a", 21), "very long": strings.Repeat("a", 300), "mixed scripts": "pаypal", "a control": "a\x01bc", "NUL": "abc\x00",
		"a right-to-left mark": "ab\u200fc", "an override": "ab\u202ec", "a blank": "a b c", "a slash": "a/b", "marks alone": "\u0301\u0301\u0301", "a line break": "abc\n",
	} {
		t.Run(what, func(t *testing.T) {
			wantBadField(t, claimHandle("", handle, "")(session(t), player), "handle", "")
			wantBadField(t, claimHandle(ada, handle, "r")(session(t), operator), "handle", "")
		})
	}
	for what, handle := range map[string]string{"NUL": "abc\x00", "a right-to-left mark": "ab\u200fc", "a blank": "a b", "very long": strings.Repeat("a", 300), "empty": ""} {
		t.Run("lookup, "+what, func(t *testing.T) { wantBadField(t, lookupHandle(handle)(session(t), player), "handle", "") })
		t.Run("search, "+what, func(t *testing.T) { wantBadField(t, searchHandles(handle, 0, "")(session(t), player), "prefix", "") })
	}
	wantBadField(t, searchHandles("a", 0, "")(session(t), player), "prefix", "")
	wantBadField(t, searchHandles("a\u0301", 0, "")(session(t), player), "prefix", "")
	wantBadField(t, searchHandles("ab", -1, "")(session(t), player), "page_size", "")
	wantBadField(t, searchHandles("ab", 101, "")(session(t), player), "page_size", "")
	wantBadField(t, searchHandles("ab", 0, "nonsense")(session(t), player), "page_token", "")
	wantBadField(t, searchHandles("ab", 0, strings.Repeat("a", 16385))(session(t), player), "page_token", "")
	wantBadField(t, claimHandle("", "abc", "a/b")(session(t), player), "request_id", "")
	wantBadField(t, claimHandle("", "abc", "")(session(t), operator), "player_id", "only a player")
	wantBadField(t, claimHandle("x", "abc", "")(session(t), operator), "player_id", "")
	if sent := wire.take(); len(sent) != 0 {
		t.Errorf("%d requests to the store for refused calls", len(sent))
	}
	if err := claimHandle(nobody, "abc", "")(session(t), operator); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("a player who does not exist: %v", err)
	}
}

func TestWhoMayUseHandles(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	const denied = auth.ReasonAccessDenied
	callers := map[string]*grpc.ClientConn{
		"ada": w.Dial(t, w.authority.Player(ada)), "bob": w.Dial(t, w.authority.Player(bob)), "a game server": w.Dial(t, w.authority.GameServer("eu-1")),
		"an operator": w.Dial(t, w.authority.Operator(someOps)), "leaderboard": w.Dial(t, w.authority.Service("leaderboard")),
	}
	for name, conn := range callers {
		want := map[string]string{"bob": "NOT_YOUR_PROFILE", "a game server": denied, "leaderboard": denied}[name]
		if err := claimHandle(ada, "ada", "")(session(t), conn); fault.ReasonOf(err) != want {
			t.Errorf("claim by %s: %v, want %q", name, err, want)
		}
		if err := searchHandles("ada", 0, "")(session(t), conn); err != nil {
			t.Errorf("search by %s: %v", name, err)
		}
		if err := lookupHandle("zzz")(session(t), conn); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
			t.Errorf("lookup by %s: %v", name, err)
		}
	}
	unknown := w.Dial(t, "")
	for what, c := range map[string]call{"claim": claimHandle(ada, "ada", ""), "lookup": lookupHandle("ada"), "search": searchHandles("ada", 0, "")} {
		if err := c(session(t), unknown); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s by nobody: %v", what, err)
		}
	}
}

// TestHandlesOfAnErasedPlayer: the reservations are in the export; after the erase nobody has the handle, and nobody gets it at once.
func TestHandlesOfAnErasedPlayer(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx, his := session(t), w.Dial(t, w.authority.Player(bob))
	data := w.playerData(t, w.authority.Service("profile"))
	if err := claimHandle("", "paypaI", "")(ctx, w.Dial(t, w.authority.Player(ada))); err != nil {
		t.Fatal(err)
	}
	parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada})
	if counts := parts[len(parts)-1].GetSummary().GetDocuments(); counts["players"] != 3 || counts["handles"] != 2 {
		t.Errorf("exported %v", counts)
	}
	erased, err := data.ErasePlayer(ctx, &profilev1.ErasePlayerRequest{PlayerId: ada})
	if err != nil || !erased.GetDone() || erased.GetDeleted()["handles"] != 2 {
		t.Errorf("%v, %v", erased, err)
	}
	if err := lookupHandle("paypaI")(ctx, his); fault.ReasonOf(err) != "HANDLE_NOT_FOUND" {
		t.Errorf("lookup: %v", err)
	}
	if err := claimHandle("", "paypal", "")(ctx, his); fault.ReasonOf(err) != "HANDLE_TAKEN" {
		t.Errorf("claim: %v", err)
	}
	if parts := receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}); len(parts) != 1 {
		t.Errorf("an export after the erase: %v", parts)
	}
}

// TestHandleCosts pins what each RPC about handles costs.
func TestHandleCosts(t *testing.T) {
	w, wire, _ := startOnWire(t, inOneSecond())
	w.join(t, ada, bob)
	hers, his := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Player(bob))
	service := w.Dial(t, w.authority.Service("profile"))
	tests := []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		reason   string
		charge   float64
		requests int
	}{
		{"ClaimHandle, the first", hers, claimHandle("", "paypal", ""), "", 30.15, 6},
		{"ClaimHandle, the same again", hers, claimHandle("", "paypal", ""), "", 1, 1},
		{"ClaimHandle, taken", his, claimHandle("", "paypaI", ""), "HANDLE_TAKEN", 4, 4},
		{"ClaimHandle, another spelling", hers, claimHandle("", "PayPal", ""), "", 35.5, 8},
		{"ClaimHandle, another of two looks", hers, claimHandle("", "Ivan", ""), "", 59.9, 12},
		{"ClaimHandle, none", hers, claimHandle("", "", ""), "", 45.6, 8},
		{"ClaimHandle, taken back", hers, claimHandle("", "paypal", ""), "", 36.3, 8},
		{"LookupHandle", his, lookupHandle("paypal"), "", 2, 2},
		{"LookupHandle of nobody", his, lookupHandle("nobody"), "HANDLE_NOT_FOUND", 1, 1},
		{"SearchHandles of 1", his, searchHandles("pay", 0, ""), "", 3.95, 2},
		{"SearchHandles of none", his, searchHandles("zzz", 0, ""), "", 2.9, 1},
		{"ExportPlayer of a player with a handle", service, export(ada, ""), "", 16.86, 7},
		{"ErasePlayer of a player with a handle", service, erase(ada), "", 44.21, 9},
	}
	for _, test := range tests {
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter), test.as); fault.ReasonOf(err) != test.reason {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		sent := len(wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
}
