package rpc

import (
	"context"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/players"
	"supergame/services/leaderboard/internal/scores"
)

// PlayerChanges serves the PlayerChanged of supergame.leaderboard.v1.PlayerDataService.
type PlayerChanges struct{ Players *players.Players }

// PlayerChanged takes in a change of a player.
func (s *PlayerChanges) PlayerChanged(ctx context.Context, r *leaderboardv1.PlayerChangedRequest) (*leaderboardv1.PlayerChangedResponse, error) {
	told := players.Known{Version: r.GetVersion(), Standing: scores.Standing{Country: r.GetCountry(), Suspended: r.GetSuspended()}}
	if err := s.Players.Changed(ctx, r.GetPlayerId(), told); err != nil {
		return nil, err
	}
	return &leaderboardv1.PlayerChangedResponse{}, nil
}
