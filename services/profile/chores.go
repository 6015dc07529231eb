package profile

import (
	"crypto/rand"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/loop"
)

// newChores puts the service's chores under one lease.
func newChores(deps Deps, list ...loop.Chore) *loop.Chores {
	lease := cosmos.NewLease(deps.Cosmos.Container(cosmosstore.Leases), "chores", rand.Text())
	return &loop.Chores{Lease: lease, List: list, Log: deps.Logger}
}
