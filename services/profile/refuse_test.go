package profile_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

const full = profilev1.ProfileView_PROFILE_VIEW_FULL

// call is one request of a table, as the caller of a connection.
type call func(context.Context, *grpc.ClientConn) error

func get(id string, view profilev1.ProfileView) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: id, View: view})
		return err
	}
}

func getBatch(ids ...string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).BatchGetProfiles(ctx, &profilev1.BatchGetProfilesRequest{PlayerIds: ids})
		return err
	}
}

func change(p *profilev1.Profile, paths ...string) call {
	return changeNamed("", p, paths...)
}

func changeNamed(requestID string, p *profilev1.Profile, paths ...string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		r := update(p, paths...)
		r.RequestId = requestID
		_, err := profilev1.NewProfileServiceClient(c).UpdateProfile(ctx, r)
		return err
	}
}

func ensure(id string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewProfileServiceClient(c).EnsureProfile(ctx, &profilev1.EnsureProfileRequest{PlayerId: id})
		return err
	}
}

func erase(id string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewPlayerDataServiceClient(c).ErasePlayer(ctx, &profilev1.ErasePlayerRequest{PlayerId: id})
		return err
	}
}

func export(id, token string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		stream, err := profilev1.NewPlayerDataServiceClient(c).ExportPlayer(ctx, &profilev1.ExportPlayerRequest{PlayerId: id, ResumeToken: token})
		for err == nil {
			_, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		return err
	}
}

func TestBadInput(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	identity, service := w.Dial(t, w.authority.Service("identity")), w.Dial(t, w.authority.Service("profile"))

	gameServer := w.Dial(t, w.authority.GameServer("eu-1"))
	private := func(settings map[string]string) *profilev1.Profile {
		return &profilev1.Profile{Private: &profilev1.PrivateProfile{Settings: settings}}
	}
	many := map[string]string{}
	for i := range 65 {
		many[fmt.Sprint("key-", i)] = "v"
	}
	tests := []struct {
		what  string
		as    *grpc.ClientConn
		call  call
		field string
		part  string // of its description
	}{
		{"no mask", player, func(ctx context.Context, c *grpc.ClientConn) error {
			r := update(&profilev1.Profile{})
			r.UpdateMask = nil
			_, err := profilev1.NewProfileServiceClient(c).UpdateProfile(ctx, r)
			return err
		}, "update_mask", ""},
		{"empty mask", player, change(&profilev1.Profile{}), "update_mask", "names no field"},
		{"unknown path", player, change(&profilev1.Profile{}, "country", "wallet"), "update_mask", `"wallet" is not a field`},
		{"path with NUL", player, change(&profilev1.Profile{}, "a\x00"), "update_mask", "is not a field"},
		{"all and more", player, change(&profilev1.Profile{}, "*", "country"), "update_mask", "beside `*`"},
		{"output path", player, change(&profilev1.Profile{}, "join_time"), "update_mask", "output only"},
		{"flags by a player", player, change(&profilev1.Profile{}, "private.flags"), "update_mask", "operators only"},
		{"no profile", player, change(nil, "country"), "profile", ""},
		{"path of JSON", player, change(&profilev1.Profile{}, "displayName"), "update_mask", `"displayName" is not a field`},
		{"path with a blank", player, change(&profilev1.Profile{}, " country"), "update_mask", `" country" is not a field`},
		{"path into a map", player, change(&profilev1.Profile{}, "private.settings.sound"), "update_mask", "is not a field"},
		{"ten thousand paths", player, change(&profilev1.Profile{}, append(slices.Repeat([]string{"country"}, 9999), "x")...), "update_mask", `"x" is not`},
		{"a game server asks for itself", gameServer, get("", 0), "player_id", "only a player"},
		{"an operator asks for himself", operator, get("", full), "player_id", "only a player"},
		{"operator names nobody", operator, change(&profilev1.Profile{}, "country"), "profile.player_id", "is empty"},

		{"name with a right-to-left mark", player, change(&profilev1.Profile{DisplayName: "a\u200fb"}, "display_name"), "profile.display_name", "U+200F"},
		{"name with NUL", player, change(&profilev1.Profile{DisplayName: "a\x00b"}, "display_name"), "profile.display_name", "U+0000"},
		{"name with a flood of marks", player, change(&profilev1.Profile{DisplayName: "a\u0310\u0311\u0312\u0313\u0314"}, "display_name"), "profile.display_name", "more than 4"},
		{"name of spaces", player, change(&profilev1.Profile{DisplayName: "   "}, "display_name"), "profile.display_name", "empty"},
		{"name too long", player, change(&profilev1.Profile{DisplayName: strings.Repeat("a", 33)}, "display_name"), "profile.display_name", "32"},
		{"name too long after normalization", player, change(&profilev1.Profile{DisplayName: "ﷺﷺ"}, "display_name"), "profile.display_name", "36 characters"},
		{"avatar with a slash", player, change(&profilev1.Profile{Avatar: "a/b"}, "avatar"), "profile.avatar", ""},
		{"avatar too long", player, change(&profilev1.Profile{Avatar: strings.Repeat("a", 65)}, "avatar"), "profile.avatar", ""},
		{"not a country", player, change(&profilev1.Profile{Country: "QX"}, "country"), "profile.country", "not a country"},
		{"country in small letters", player, change(&profilev1.Profile{Country: "de"}, "country"), "profile.country", ""},
		{"not a language", player, change(&profilev1.Profile{Languages: []string{"de", "xx"}}, "languages"), "profile.languages[1]", `"xx"`},
		{"language with a NUL", player, change(&profilev1.Profile{Languages: []string{"de\x00"}}, "languages"), "profile.languages[0]", ""},
		{"nine languages", player, change(&profilev1.Profile{Languages: strings.Fields("de en fr es it pt nl pl sv")}, "languages"), "profile.languages", ""},
		{"the same language twice", player, change(&profilev1.Profile{Languages: []string{"de", "de"}}, "languages"), "profile.languages", ""},
		{"setting with a bad key", player, change(private(map[string]string{"A/B": "v"}), "private.settings"), `profile.private.settings["A/B"]`, ""},
		{"setting too large", player, change(private(map[string]string{"k": strings.Repeat("v", 513)}), "private.settings"), `profile.private.settings["k"]`, ""},
		{"too many settings", player, change(private(many), "private.settings"), "profile.private.settings", ""},
		{"etag too long", player, change(&profilev1.Profile{Etag: strings.Repeat("e", 129)}, "country"), "profile.etag", ""},
		{"request id with a slash", player, changeNamed("a/b", &profilev1.Profile{}, "country"), "request_id", ""},
		{"request id too long", player, changeNamed(strings.Repeat("a", 65), &profilev1.Profile{}, "country"), "request_id", ""},

		{"unknown view", player, get(ada, 7), "view", ""},
		{"nobody asked for", player, getBatch(), "player_ids", ""},
		{"101 players", player, getBatch(slices.Repeat([]string{bob}, 101)...), "player_ids", ""},
		{"the same player twice", player, getBatch(ada, ada), "player_ids", ""},
		{"a bad id among good ones", player, getBatch(ada, "x/y"), "player_ids[1]", ""},
		{"foreign resume token", service, export(ada, "nonsense"), "resume_token", "is not one of an export"},
		{"resume token too long", service, export(ada, strings.Repeat("a", 8193)), "resume_token", ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			wantBadField(t, test.call(session(t), test.as), test.field, test.part)
		})
	}

	ids := map[string]string{
		"empty": "", "slash": ada[:25] + "/", "backslash": ada[:25] + `\`, "question mark": ada[:25] + "?", "hash": ada[:25] + "#",
		"NUL": ada[:25] + "\x00", "right-to-left mark": ada[:25] + "\u200f", "small letters": strings.ToLower(ada),
		"too short": ada[:25], "too long": ada + "0", "very long": strings.Repeat("0", 5000), "beyond 128 bits": "8" + ada[1:],
		"look-alike": ada[:25] + "Ѕ", "newline": ada + "\n",
	}
	for what, id := range ids {
		t.Run("id with "+what, func(t *testing.T) {
			wantBadField(t, get(id, 0)(session(t), operator), "player_id", "")
			wantBadField(t, getBatch(id)(session(t), player), "player_ids[0]", "")
			wantBadField(t, ensure(id)(session(t), identity), "player_id", "")
			wantBadField(t, erase(id)(session(t), service), "player_id", "")
			wantBadField(t, export(id, "")(session(t), service), "player_id", "")
			if id != "" {
				wantBadField(t, change(&profilev1.Profile{PlayerId: id}, "country")(session(t), operator), "profile.player_id", "")
			}
		})
	}
}

func wantBadField(t *testing.T, err error, field, part string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.InvalidArgument {
		t.Errorf("got %v, want INVALID_ARGUMENT about %s", err, field)
		return
	}
	for _, bad := range f.Fields {
		if bad.Path == field && bad.Description != "" && strings.Contains(bad.Description, part) {
			return
		}
	}
	t.Errorf("the bad fields are %+v, want %s with %q", f.Fields, field, part)
}

func TestWhoMayCallWhat(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	callers := map[string]*grpc.ClientConn{
		"nobody": w.Dial(t, ""), "bob": w.Dial(t, w.authority.Player(bob)), "a game server": w.Dial(t, w.authority.GameServer("eu-1")),
		"an operator": w.Dial(t, w.authority.Operator(someOps)), "identity": w.Dial(t, w.authority.Service("identity")),
		"profile": w.Dial(t, w.authority.Service("profile")), "leaderboard": w.Dial(t, w.authority.Service("leaderboard")),
		"a game server called identity": w.Dial(t, w.authority.Sign(w.authority.Claims(auth.RoleGameServer, "identity"))),
	}
	const denied = auth.ReasonAccessDenied
	tests := []struct {
		what    string
		call    call
		reasons map[string]string // by caller; not named = allowed
	}{
		{"public view", get(ada, 0), map[string]string{}},
		{"several", getBatch(ada, nobody), map[string]string{}},
		{"full view", get(ada, full), map[string]string{
			"bob": "PRIVATE_PROFILE", "a game server": "PRIVATE_PROFILE", "identity": "PRIVATE_PROFILE", "profile": "PRIVATE_PROFILE",
			"leaderboard": "PRIVATE_PROFILE", "a game server called identity": "PRIVATE_PROFILE",
		}},
		{"change", change(&profilev1.Profile{PlayerId: ada, Country: "DE"}, "country"), map[string]string{
			"bob": "NOT_YOUR_PROFILE", "a game server": denied, "identity": denied, "profile": denied, "leaderboard": denied, "a game server called identity": denied,
		}},
		{"ensure", ensure(ada), map[string]string{
			"bob": denied, "a game server": denied, "an operator": denied, "profile": denied, "leaderboard": denied, "a game server called identity": denied,
		}},
		{"export", export(ada, ""), map[string]string{
			"bob": denied, "a game server": denied, "an operator": denied, "identity": denied, "leaderboard": denied, "a game server called identity": denied,
		}},
		{"erase", erase(nobody), map[string]string{
			"bob": denied, "a game server": denied, "an operator": denied, "identity": denied, "leaderboard": denied, "a game server called identity": denied,
		}},
	}
	for _, test := range tests {
		for name, conn := range callers {
			err := test.call(session(t), conn)
			switch {
			case name == "nobody":
				if !fault.Is(err, fault.Unauthenticated) {
					t.Errorf("%s by nobody: %v", test.what, err)
				}
			case fault.ReasonOf(err) != test.reasons[name] || (err != nil) != fault.Is(err, fault.PermissionDenied):
				t.Errorf("%s by %s: %v, want %q", test.what, name, err, test.reasons[name])
			}
		}
	}
}

// TestRefusalsLeakNothing: whether a player exists is not told by a refusal, and nothing is read for it.
func TestRefusalsLeakNothing(t *testing.T) {
	w, wire, _ := startOnWire(t)
	w.join(t, ada, bob)
	other := w.Dial(t, w.authority.Player(bob))
	wire.take()
	for what, pair := range map[string][2]call{
		"full view": {get(ada, full), get(nobody, full)},
		"change":    {change(&profilev1.Profile{PlayerId: ada}, "country"), change(&profilev1.Profile{PlayerId: nobody}, "country")},
	} {
		exists, missing := fault.As(pair[0](session(t), other)), fault.As(pair[1](session(t), other))
		if exists == nil || missing == nil || exists.Reason != missing.Reason || exists.Message != missing.Message {
			t.Errorf("%s: %v for a player who exists, %v for one who does not", what, exists, missing)
		}
	}
	if sent := wire.take(); len(sent) != 0 {
		t.Errorf("%d requests to the store for refused calls", len(sent))
	}
}

func TestUnknownPlayer(t *testing.T) {
	w := start(t)
	conn := w.Dial(t, w.authority.Operator(someOps))
	for what, c := range map[string]call{
		"public view": get(nobody, 0), "full view": get(nobody, full), "change": change(&profilev1.Profile{PlayerId: nobody}, "country"),
	} {
		err := c(session(t), conn)
		if f := fault.As(err); f == nil || f.Kind != fault.NotFound || f.Reason != "PLAYER_NOT_FOUND" || f.Metadata["player_id"] != nobody {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestMalformedSessions are ignored: the worst that follows is an eventual read.
func TestMalformedSessions(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	me := w.profiles(t, w.authority.Player(ada))
	for _, text := range []string{"nonsense", "///", strings.Repeat("A", 5000), "AQ"} {
		ctx := withMetadata(t, "supergame-session", text)
		if _, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada}); err != nil {
			t.Errorf("%.20q: %v", text, err)
		}
	}
}
