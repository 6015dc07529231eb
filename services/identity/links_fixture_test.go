package identity_test

import (
	"context"
	"slices"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/player"
	"supergame/services/platform/fault"
)

// linker is a player who is signed in and changes his credentials.
type linker struct {
	identityv1.IdentityServiceClient
	r  *replica
	id string
	me string // his first device
}

// linker signs a new player in, with so many devices linked to him besides the first.
func (r *replica) linker(devices ...string) *linker {
	r.t.Helper()
	me := secret()
	session := r.signIn(me)
	l := &linker{
		IdentityServiceClient: identityv1.NewIdentityServiceClient(r.dial(session.GetSession().GetAccessToken())), r: r, id: session.GetPlayerId(), me: me,
	}
	for _, d := range devices {
		if err := l.link(d); err != nil {
			r.t.Fatal(err)
		}
	}
	return l
}

// on is the same player at another replica.
func (l *linker) on(r *replica) *linker {
	l.r.t.Helper()
	session := r.signIn(l.me)
	return &linker{IdentityServiceClient: identityv1.NewIdentityServiceClient(r.dial(session.GetSession().GetAccessToken())), r: r, id: l.id, me: l.me}
}

func linkDevice(device, requestID string) *identityv1.LinkIdentityRequest {
	return &identityv1.LinkIdentityRequest{
		RequestId: requestID, Credential: &identityv1.LinkIdentityRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: device}},
	}
}

func (l *linker) link(device string) error {
	_, err := l.LinkIdentity(context.WithoutCancel(l.r.t.Context()), linkDevice(device, ""))
	return err
}

func (l *linker) unlink(device string) error {
	_, err := l.UnlinkIdentity(context.WithoutCancel(l.r.t.Context()), &identityv1.UnlinkIdentityRequest{IdentityId: identityOf(device)})
	return err
}

// taken links a device that leads to another player, and gives the token to resolve that.
func (l *linker) taken(device string) *identityv1.IdentityTaken {
	l.r.t.Helper()
	err := l.link(device)
	wantFault(l.r.t, err, fault.AlreadyExists, "IDENTITY_TAKEN")
	return takenOf(err)
}

func takenOf(err error) *identityv1.IdentityTaken {
	if f := fault.As(err); f != nil {
		if taken, ok := f.Detail.(*identityv1.IdentityTaken); ok {
			return taken
		}
	}
	return nil
}

func (l *linker) resolve(token, keep string, acknowledge bool) error {
	_, err := l.ResolveLink(context.WithoutCancel(l.r.t.Context()), &identityv1.ResolveLinkRequest{
		ResolveToken: token, KeepPlayerId: keep, AcknowledgeLast: acknowledge,
	})
	return err
}

// identities are the ids of the identities that lead to him, as he is told.
func (l *linker) identities() []string {
	l.r.t.Helper()
	response, err := l.ListIdentities(l.r.t.Context(), &identityv1.ListIdentitiesRequest{})
	if err != nil {
		l.r.t.Error(err)
	}
	var ids []string
	for _, i := range response.GetIdentities() {
		ids = append(ids, i.GetIdentityId())
	}
	return ids
}

func unlinkRequest(identityID string) *identityv1.UnlinkIdentityRequest {
	return &identityv1.UnlinkIdentityRequest{IdentityId: identityID}
}

func listRequest(playerID string) *identityv1.ListIdentitiesRequest {
	return &identityv1.ListIdentitiesRequest{PlayerId: playerID}
}

// who signs in with a device and gives the player whom it leads to.
func (r *replica) who(device string) string {
	r.t.Helper()
	return r.signIn(device).GetPlayerId()
}

// playerLinks is what links a player's document lists.
type playerLinks struct {
	PlayerID string `json:"playerId"`
	Revoked  bool   `json:"revoked"`
	Links    map[string]struct {
		Claimed, Leaving bool
	} `json:"links"`
}

// linksAgree checks that both sides say the same, that no change is left half done, and that every player can sign in but those without.
func (w *world) linksAgree(without map[string]bool) {
	w.t.Helper()
	all := w.links()
	listed := map[string]string{}
	for _, p := range all.players {
		if len(p.Links) == 0 && !without[p.PlayerID] {
			w.t.Errorf("nothing leads to player %s any more", p.PlayerID)
		}
		if len(p.Links) > player.MaxLinks {
			w.t.Errorf("player %s has %d links", p.PlayerID, len(p.Links))
		}
		for id, l := range p.Links {
			if l.Claimed || l.Leaving {
				w.t.Errorf("a link of player %s is half done: %+v", p.PlayerID, l)
			}
			if all.identities[id] != p.PlayerID {
				w.t.Errorf("player %s lists an identity that names %q", p.PlayerID, all.identities[id])
			}
			if listed[id] != "" {
				w.t.Errorf("two players list one identity")
			}
			listed[id] = p.PlayerID
		}
	}
	for id, playerID := range all.identities {
		if listed[id] != playerID {
			w.t.Errorf("an identity names player %s, listed by %q", playerID, listed[id])
		}
	}
}

// reachable checks that somebody can sign in as each of the players, whatever is half done: one of his links names him and is listed.
func (w *world) reachable(ids ...string) {
	w.t.Helper()
	all := w.links()
	for _, p := range all.players {
		if !slices.Contains(ids, p.PlayerID) {
			continue
		}
		if !slices.ContainsFunc(linkIDs(p), func(id string) bool { return all.identities[id] == p.PlayerID }) {
			w.t.Errorf("nothing leads to player %s any more: %v", p.PlayerID, p)
		}
	}
}

func linkIDs(p playerLinks) (ids []string) {
	for id := range p.Links {
		ids = append(ids, id)
	}
	return ids
}
