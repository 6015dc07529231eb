package identity_test

import (
	"encoding/json"
	"strings"
	"testing"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
)

// Every field refuses what it must not hold, by its name.
func TestBadInput(t *testing.T) {
	t.Parallel()
	r := newWorld(t).replica()
	program := r.program("profile")
	identities, data := identityv1.NewIdentityServiceClient(program), identityv1.NewPlayerDataServiceClient(program)
	leaderboard := identityv1.NewIdentityServiceClient(r.program("leaderboard"))
	signIn := func(request *identityv1.SignInRequest) error { _, err := r.SignIn(t.Context(), request); return err }
	oidc := func(provider, token, nonce string) error {
		return signIn(&identityv1.SignInRequest{Credential: &identityv1.SignInRequest_Oidc{
			Oidc: &identityv1.OidcCredential{Provider: provider, IdToken: token, Nonce: nonce},
		}})
	}
	client := func(request *identityv1.SignInClientRequest) error {
		_, err := r.SignInClient(t.Context(), request)
		return err
	}
	refresh := func(token string) error { _, err := r.refresh(token); return err }
	revoke := func(id string) error {
		_, err := identities.RevokePlayer(t.Context(), &identityv1.RevokePlayerRequest{PlayerId: id})
		return err
	}
	erase := func(id string) error {
		_, err := data.ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: id})
		return err
	}
	export := func(id, resume string) error {
		stream, err := data.ExportPlayer(t.Context(), &identityv1.ExportPlayerRequest{PlayerId: id, ResumeToken: resume})
		if err == nil {
			_, err = stream.Recv()
		}
		return err
	}
	list := func(cursor string) error {
		_, err := leaderboard.ListRevocations(t.Context(), &identityv1.ListRevocationsRequest{Cursor: cursor})
		return err
	}
	for name, tt := range map[string]struct {
		err   error
		field string
	}{
		"no credential":           {signIn(&identityv1.SignInRequest{}), "credential"},
		"device id too short":     {signIn(device("0123456789abcde", "")), "device.device_id"},
		"device id too long":      {signIn(device(strings.Repeat("a", 129), "")), "device.device_id"},
		"device id with a NUL":    {signIn(device("0123456789abcdef\x00", "")), "device.device_id"},
		"device id with a mark":   {signIn(device("0123456789abcdef\u202e", "")), "device.device_id"},
		"device id with a slash":  {signIn(device("0123456789abcdef/", "")), "device.device_id"},
		"device id with a line":   {signIn(device("0123456789abcdef\n", "")), "device.device_id"},
		"request id":              {signIn(device(secret(), "a/b")), "request_id"},
		"long request id":         {signIn(device(secret(), strings.Repeat("a", 65))), "request_id"},
		"provider":                {oidc("No Name", "x", ""), "oidc.provider"},
		"no ID token":             {oidc("entra", "", ""), "oidc.id_token"},
		"long ID token":           {oidc("entra", strings.Repeat("a", 16385), ""), "oidc.id_token"},
		"long nonce":              {oidc("entra", "x", strings.Repeat("a", 257)), "oidc.nonce"},
		"no program's credential": {client(&identityv1.SignInClientRequest{}), "credential"},
		"client id":               {client(clientKey("A/b", testKey)), "client_key.client_id"},
		"short client key":        {client(clientKey("profile", "short")), "client_key.client_key"},
		"no workload token": {client(&identityv1.SignInClientRequest{
			Credential: &identityv1.SignInClientRequest_Workload{Workload: &identityv1.WorkloadCredential{}},
		}), "workload.token"},
		"no refresh token":             {refresh(""), "refresh_token"},
		"long refresh token":           {refresh(strings.Repeat("a", 513)), "refresh_token"},
		"no refresh token to sign out": {r.signOut(""), "refresh_token"},
		"no player to revoke":          {revoke(""), "player_id"},
		"player id in lower case":      {revoke(strings.ToLower(someID)), "player_id"},
		"player id with a line":        {revoke(someID + "\n"), "player_id"},
		"player id to erase":           {erase("../" + someID[3:]), "player_id"},
		"player id to export":          {export("", ""), "player_id"},
		"resume token":                 {export(someID, "nonsense"), "resume_token"},
		"long resume token":            {export(someID, strings.Repeat("a", 8193)), "resume_token"},
		"cursor":                       {list("nonsense"), "cursor"},
		"long cursor":                  {list(strings.Repeat("a", 8193)), "cursor"},
	} {
		f := fault.As(tt.err)
		if f == nil || f.Kind != fault.InvalidArgument || len(f.Fields) == 0 || f.Fields[0].Path != tt.field {
			t.Errorf("%s: %v, want %s named", name, tt.err, tt.field)
		}
	}
	wantFault(t, oidc("entra", "x", ""), fault.FailedPrecondition, "PROVIDER_DISABLED")
	wantFault(t, client(&identityv1.SignInClientRequest{
		Credential: &identityv1.SignInClientRequest_Workload{Workload: &identityv1.WorkloadCredential{Token: "x"}},
	}), fault.FailedPrecondition, "PROVIDER_DISABLED")
}

// A refresh token that is not one of ours never gets as far as the store, whatever stands in it.
func TestRefreshTokensThatAreNotOurs(t *testing.T) {
	t.Parallel()
	r := newWorld(t).replica()
	mine, other := r.signIn(secret()).GetSession().GetRefreshToken(), r.signIn(secret()).GetSession().GetRefreshToken()
	m, o := strings.Split(mine, "."), strings.Split(other, ".")
	for name, token := range map[string]string{
		"nothing in it":             "x",
		"made up":                   "a.b.1.c",
		"a mark":                    "\u202e",
		"a path":                    "../x",
		"characters of no id":       `a/b\c?d#e.f.1.` + m[3],
		"a NUL":                     m[0] + "\x00." + m[1] + ".1." + m[3],
		"another player's family":   strings.Join([]string{m[0], o[1], m[2], m[3]}, "."),
		"another player":            strings.Join([]string{o[0], m[1], m[2], m[3]}, "."),
		"another number":            strings.Join([]string{m[0], m[1], "2", m[3]}, "."),
		"the number written longer": strings.Join([]string{m[0], m[1], "01", m[3]}, "."),
		"another's authenticator":   strings.Join([]string{m[0], m[1], m[2], o[3]}, "."),
		"no authenticator":          strings.Join([]string{m[0], m[1], m[2], ""}, "."),
		"parts moved":               strings.Join([]string{m[0] + m[1][:1], m[1][1:], m[2], m[3]}, "."),
		"padded":                    mine + "=",
		"a space behind it":         mine + " ",
		"four parts and one more":   "x." + mine,
	} {
		_, err := r.refresh(token)
		if !fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != "REFRESH_REFUSED" {
			t.Errorf("refresh with %s: %v", name, err)
		}
		if err := r.signOut(token); !fault.Is(err, fault.Unauthenticated) || fault.ReasonOf(err) != "REFRESH_REFUSED" {
			t.Errorf("sign out with %s: %v", name, err)
		}
	}
	for _, token := range []string{mine, other} {
		if _, err := r.refresh(token); err != nil {
			t.Errorf("the real one, afterwards: %v", err)
		}
	}
}

// Nothing that is stored lets its reader sign in.
func TestNoSecretIsStored(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.replica()
	me := secret()
	session := r.signIn(me).GetSession()
	next, err := r.refresh(session.GetRefreshToken())
	if err != nil {
		t.Fatal(err)
	}
	if err := r.signOut(next.GetSession().GetRefreshToken()); err != nil {
		t.Fatal(err)
	}
	secrets := []string{me, testKey, session.GetAccessToken(), w.cfg.RefreshKey.Reveal(), w.cfg.SealingKey.Reveal(), w.cfg.ErasureKey.Reveal()}
	for _, token := range []string{session.GetRefreshToken(), next.GetSession().GetRefreshToken()} {
		secrets = append(secrets, token[strings.LastIndexByte(token, '.')+1:])
	}
	for _, spec := range specs(t) {
		documents, err := cosmos.Select[json.RawMessage](t.Context(), w.client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
		if err != nil || len(documents) == 0 {
			t.Fatalf("%s: %d documents, %v", spec.ID, len(documents), err)
		}
		for _, document := range documents {
			for _, s := range secrets {
				if strings.Contains(string(document), s) {
					t.Errorf("a document in %s holds a secret", spec.ID)
				}
			}
		}
	}
}
