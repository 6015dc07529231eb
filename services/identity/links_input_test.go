package identity_test

import (
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/platform/fault"
)

// Every field of links, suspensions and platforms refuses what it must not hold, by its name, and nothing is written.
func TestBadInputOfLinksAndSuspensions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	newRemotes(t).configure(w)
	r := w.replica()
	p, console := r.linker(), r.operator()
	before := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players) + w.stored(cosmosstore.Revocations)
	link := func(request *identityv1.LinkIdentityRequest) error {
		_, err := p.LinkIdentity(t.Context(), request)
		return err
	}
	signIn := func(request *identityv1.SignInRequest) error { _, err := r.SignIn(t.Context(), request); return err }
	unlink := func(request *identityv1.UnlinkIdentityRequest) error {
		_, err := p.UnlinkIdentity(t.Context(), request)
		return err
	}
	list := func(id string) error { _, err := p.ListIdentities(t.Context(), listRequest(id)); return err }
	resolve := func(token, keep string) error { return p.resolve(token, keep, false) }
	suspend := func(request *identityv1.SuspendPlayerRequest) error {
		_, err := console.SuspendPlayer(t.Context(), request)
		return err
	}
	lift := func(request *identityv1.LiftSuspensionRequest) error {
		_, err := console.LiftSuspension(t.Context(), request)
		return err
	}
	get := func(id string) error {
		_, err := console.GetSuspension(t.Context(), &identityv1.GetSuspensionRequest{PlayerId: id})
		return err
	}
	until := func(t *timestamppb.Timestamp) *identityv1.SuspendPlayerRequest {
		return &identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: "x", UntilTime: t}
	}
	steam := func(ticket string) error {
		return signIn(&identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Steam{Steam: &identityv1.SteamCredential{Ticket: ticket}}})
	}
	playFab := func(token string) error {
		return signIn(&identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Playfab{Playfab: &identityv1.PlayFabCredential{EntityToken: token}}})
	}
	playGames := func(code string) error {
		return link(&identityv1.LinkIdentityRequest{Credential: &identityv1.LinkIdentityRequest_PlayGames{
			PlayGames: &identityv1.PlayGamesCredential{ServerAuthCode: code},
		}})
	}
	xbox := func(token string) error {
		return link(&identityv1.LinkIdentityRequest{Credential: &identityv1.LinkIdentityRequest_Xbox{Xbox: &identityv1.XboxCredential{Token: token}}})
	}
	id := strings.Repeat("a", 64)
	for name, tt := range map[string]struct {
		err   error
		field string
	}{
		"no credential":              {link(&identityv1.LinkIdentityRequest{}), "credential"},
		"short device":               {link(linkDevice("short", "")), "device.device_id"},
		"device with a NUL":          {link(linkDevice("0123456789abcdef\x00", "")), "device.device_id"},
		"link's request id":          {link(linkDevice(secret(), "a b")), "request_id"},
		"no ticket":                  {steam(""), "steam.ticket"},
		"short ticket":               {steam("00112233445566a"), "steam.ticket"},
		"long ticket":                {steam(strings.Repeat("a", 5122)), "steam.ticket"},
		"ticket with a parameter":    {steam("00112233445566aa&key=x"), "steam.ticket"},
		"ticket with a line":         {steam("00112233445566aa\n"), "steam.ticket"},
		"no entity token":            {playFab(""), "playfab.entity_token"},
		"long entity token":          {playFab(strings.Repeat("a", 8193)), "playfab.entity_token"},
		"entity token with a line":   {playFab("a\r\nX-SecretKey: b"), "playfab.entity_token"},
		"entity token with a letter": {playFab("ä"), "playfab.entity_token"},
		"no code":                    {playGames(""), "play_games.server_auth_code"},
		"long code":                  {playGames(strings.Repeat("a", 2049)), "play_games.server_auth_code"},
		"code with a blank":          {playGames("a b"), "play_games.server_auth_code"},
		"no Xbox token":              {xbox(""), "xbox.token"},
		"Xbox token with a NUL":      {xbox("a\x00"), "xbox.token"},
		"no identity":                {unlink(&identityv1.UnlinkIdentityRequest{}), "identity_id"},
		"identity in capitals":       {unlink(unlinkRequest(strings.ToUpper(id))), "identity_id"},
		"identity with a path":       {unlink(unlinkRequest("../" + id[3:])), "identity_id"},
		"identity with a line":       {unlink(unlinkRequest(id + "\n")), "identity_id"},
		"unlink's player":            {unlink(&identityv1.UnlinkIdentityRequest{IdentityId: id, PlayerId: "x"}), "player_id"},
		"unlink's request id":        {unlink(&identityv1.UnlinkIdentityRequest{IdentityId: id, RequestId: "\u202e"}), "request_id"},
		"list's player":              {list(strings.ToLower(someID)), "player_id"},
		"no resolve token":           {resolve("", p.id), "resolve_token"},
		"long resolve token":         {resolve(strings.Repeat("a", 1025), p.id), "resolve_token"},
		"made-up resolve token":      {resolve("a.b.c.d.e.f", p.id), "resolve_token"},
		"resolve token with a NUL":   {resolve("\x00", p.id), "resolve_token"},
		"nobody keeps it":            {resolve("x", ""), "keep_player_id"},
		"nobody to suspend":          {suspend(&identityv1.SuspendPlayerRequest{Reason: "x"}), "player_id"},
		"no reason":                  {suspend(&identityv1.SuspendPlayerRequest{PlayerId: p.id}), "reason"},
		"long reason":                {suspend(&identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: strings.Repeat("ä", 501)}), "reason"},
		"a past end":                 {suspend(until(timestamppb.New(time.Now().Add(-time.Second)))), "until_time"},
		"the zero time":              {suspend(until(&timestamppb.Timestamp{})), "until_time"},
		"no time":                    {suspend(until(&timestamppb.Timestamp{Seconds: 1 << 60})), "until_time"},
		"nanoseconds below zero":     {suspend(until(&timestamppb.Timestamp{Seconds: time.Now().Unix() + 60, Nanos: -1})), "until_time"},
		"suspend's request id":       {suspend(&identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: "x", RequestId: "a/b"}), "request_id"},
		"nobody to lift":             {lift(&identityv1.LiftSuspensionRequest{Reason: "x"}), "player_id"},
		"no reason to lift":          {lift(&identityv1.LiftSuspensionRequest{PlayerId: p.id}), "reason"},
		"nobody to look at":          {get(""), "player_id"},
		"somebody to look at":        {get(someID[1:] + "U"), "player_id"},
	} {
		f := fault.As(tt.err)
		if f == nil || f.Kind != fault.InvalidArgument || len(f.Fields) == 0 || f.Fields[0].Path != tt.field {
			t.Errorf("%s: %v, want %s named", name, tt.err, tt.field)
		}
	}
	if after := w.stored(cosmosstore.Identities) + w.stored(cosmosstore.Players) + w.stored(cosmosstore.Revocations); after != before {
		t.Errorf("%d documents, were %d", after, before)
	}
	wantFault(t, steam("00112233445566aab"), fault.Unauthenticated, "CREDENTIAL_REFUSED") // half a byte
	// What only looks odd is stored and shown as it is.
	odd := "he said \"<script>\" \u202e\t\U0001F600"
	if err := suspend(&identityv1.SuspendPlayerRequest{PlayerId: p.id, Reason: odd}); err != nil || console.suspension(p.id).GetHistory()[0].GetReason() != odd {
		t.Errorf("an odd reason: %v, %v", console.suspension(p.id), err)
	}
}
