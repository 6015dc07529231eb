package identity

import (
	"supergame/services/identity/internal/clients"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/link"
	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/program"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/rpc"
	"supergame/services/identity/internal/session"
	"supergame/services/identity/internal/signin"
	"supergame/services/identity/internal/suspension"
)

// nouns builds what the RPCs call. The configuration is valid.
func (c Config) nouns(deps Deps, keys keys, s *Service, tokens *issuer, revocations *revocation.Revocations) rpc.Nouns {
	players, identities, profiles := cosmosstore.NewPlayers(deps.Cosmos), cosmosstore.NewIdentities(deps.Cosmos), clients.NewProfiles(s.profile)
	sessions := &session.Sessions{
		Players: players, Standings: s.verifier, Revocations: revocations, Access: tokens, Tokens: player.Tokens{Keys: keys.refresh},
		Life: c.RefreshTokenLife, Now: deps.Now, Log: deps.Logger,
	}
	signIn := &signin.SignIn{
		Identities: identities, Players: players, Profiles: profiles, Sessions: sessions, Key: keys.family, Now: deps.Now,
	}
	return rpc.Nouns{
		Providers: c.providers(deps),
		SignIn:    signIn,
		Sessions:  sessions,
		Links: &link.Links{
			Players: players, Identities: identities, SignIns: signIn, Profiles: profiles, Standings: s.verifier,
			Tokens: link.Tokens{Key: keys.links}, Now: deps.Now,
		},
		Suspensions: &suspension.Suspensions{
			Store: cosmosstore.NewSuspensions(deps.Cosmos), Players: players, Profiles: profiles, Revocations: s.verifier, Now: deps.Now, Log: deps.Logger,
		},
		Programs:    program.New(c.Clients.programs(), c.workloads(deps), tokens),
		Revocations: revocations,
		Keys:        s.ring,
	}
}

func (c Config) workloads(deps Deps) program.Workloads {
	if !c.Workloads.set() {
		return nil
	}
	claim := c.Workloads.Claim
	if claim == "" {
		claim = "oid"
	}
	return clients.NewWorkloads(clients.NewOIDC(c.Workloads.provider("workload"), deps.Providers, deps.Now), claim)
}
