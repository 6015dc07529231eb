package profile

import (
	"time"

	"supergame/services/platform/pagetoken"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/handle"
	"supergame/services/profile/internal/loop"
)

func newHandles(deps Deps, k keys) *handle.Handles {
	return &handle.Handles{
		Profiles: cosmosstore.NewClaims(deps.Cosmos), Reservations: cosmosstore.NewHandles(deps.Cosmos),
		Key: k.handles, Now: deps.Now, Erased: deps.Erased, Tokens: pagetoken.New(nil),
	}
}

// sweepHandles is the chore that finishes claims of handles whose calls did not. With [handle.Grace] it bounds how long one stays open.
func sweepHandles(handles *handle.Handles) loop.Chore {
	return loop.Chore{Name: "claims of handles", Every: 15 * time.Second, Round: handles.Sweep}
}
