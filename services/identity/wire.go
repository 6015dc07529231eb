package identity

import (
	"supergame/services/identity/internal/clients"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/credential"
	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/program"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/rpc"
	"supergame/services/identity/internal/session"
	"supergame/services/identity/internal/signin"
)

// nouns builds what the RPCs call. The configuration is valid.
func (c Config) nouns(deps Deps, keys keys, s *Service, tokens *issuer, revocations *revocation.Revocations) rpc.Nouns {
	players := cosmosstore.NewPlayers(deps.Cosmos)
	sessions := &session.Sessions{
		Players: players, Standings: s.verifier, Revocations: revocations, Access: tokens, Tokens: player.Tokens{Keys: keys.refresh},
		Life: c.RefreshTokenLife, Now: deps.Now, Log: deps.Logger,
	}
	providers := &credential.Providers{Device: c.Device, OIDC: map[string]credential.Verifier{}}
	for _, p := range c.Providers {
		providers.OIDC[p.Name] = clients.NewOIDC(p.provider(p.Name), deps.Providers, deps.Now)
	}
	return rpc.Nouns{
		Providers: providers,
		SignIn: &signin.SignIn{
			Identities: cosmosstore.NewIdentities(deps.Cosmos), Players: players, Profiles: clients.NewProfiles(s.profile),
			Sessions: sessions, Key: keys.family, Now: deps.Now,
		},
		Sessions:    sessions,
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
