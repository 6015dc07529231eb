package profile

import (
	"crypto/rand"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/loop"
)

// leasesContainer holds who of several replicas does the chores.
const leasesContainer = "profile-leases"

// newChores puts the service's chores under one lease.
func newChores(deps Deps, list ...loop.Chore) *loop.Chores {
	lease := cosmos.NewLease(deps.Cosmos.Container(leasesContainer), "chores", rand.Text())
	return &loop.Chores{Lease: lease, List: list, Log: deps.Logger}
}
