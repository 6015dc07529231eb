package rpc

import (
	"context"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/boards"
	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/reward"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/leaderboard/internal/watch"
	"supergame/services/platform/auth"
)

// Leaderboards serves supergame.leaderboard.v1.LeaderboardService.
type Leaderboards struct {
	leaderboardv1.UnimplementedLeaderboardServiceServer
	Boards  *boards.Boards
	Scores  *scores.Scores
	Queries *query.Queries
	Watches *watch.Watches
	Reviews *season.Reviews
	Rewards *reward.Rewards
	// Code is the gRPC code of an error, and what of it a caller may see.
	Code func(error) (code int32, text string)
}

func caller(ctx context.Context) scores.Caller {
	c := auth.CallerFrom(ctx)
	return scores.Caller{
		Subject: c.Subject, Player: c.Role == auth.RolePlayer, Server: c.Role == auth.RoleGameServer, Operator: c.Role == auth.RoleOperator,
		Service: c.Role == auth.RoleService,
	}
}

// CreateLeaderboard makes a board.
func (s *Leaderboards) CreateLeaderboard(
	ctx context.Context, r *leaderboardv1.CreateLeaderboardRequest,
) (*leaderboardv1.CreateLeaderboardResponse, error) {
	b, created, err := s.Boards.Create(ctx, decodeBoard(r.GetLeaderboard()))
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.CreateLeaderboardResponse{Leaderboard: encodeBoard(&b), Created: created}, nil
}

// GetLeaderboard returns a definition.
func (s *Leaderboards) GetLeaderboard(ctx context.Context, r *leaderboardv1.GetLeaderboardRequest) (*leaderboardv1.GetLeaderboardResponse, error) {
	b, err := s.Boards.Get(ctx, r.GetBoardId())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.GetLeaderboardResponse{Leaderboard: encodeBoard(&b)}, nil
}

// ListLeaderboards returns definitions.
func (s *Leaderboards) ListLeaderboards(
	ctx context.Context, r *leaderboardv1.ListLeaderboardsRequest,
) (*leaderboardv1.ListLeaderboardsResponse, error) {
	page, err := s.Boards.List(ctx, sizeOr(r.GetPageSize(), 50), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.ListLeaderboardsResponse{NextPageToken: page.Next}
	for i := range page.Boards {
		response.Leaderboards = append(response.Leaderboards, encodeBoard(&page.Boards[i]))
	}
	return response, nil
}

// UpdateLeaderboard changes a definition.
func (s *Leaderboards) UpdateLeaderboard(
	ctx context.Context, r *leaderboardv1.UpdateLeaderboardRequest,
) (*leaderboardv1.UpdateLeaderboardResponse, error) {
	b, err := s.Boards.Update(ctx, decodeBoard(r.GetLeaderboard()), r.GetUpdateMask().GetPaths())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.UpdateLeaderboardResponse{Leaderboard: encodeBoard(&b)}, nil
}

// DeleteLeaderboard removes a board.
func (s *Leaderboards) DeleteLeaderboard(
	ctx context.Context, r *leaderboardv1.DeleteLeaderboardRequest,
) (*leaderboardv1.DeleteLeaderboardResponse, error) {
	if err := s.Boards.Delete(ctx, r.GetBoardId(), r.GetEtag()); err != nil {
		return nil, err
	}
	return &leaderboardv1.DeleteLeaderboardResponse{}, nil
}

// HideEntry takes an entry out of the ranks.
func (s *Leaderboards) HideEntry(ctx context.Context, r *leaderboardv1.HideEntryRequest) (*leaderboardv1.HideEntryResponse, error) {
	version, err := s.Scores.Hide(ctx, r.GetBoardId(), r.GetPlayerId(), r.GetSeason(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.HideEntryResponse{Version: version}, nil
}

// RestoreEntry undoes HideEntry.
func (s *Leaderboards) RestoreEntry(ctx context.Context, r *leaderboardv1.RestoreEntryRequest) (*leaderboardv1.RestoreEntryResponse, error) {
	version, err := s.Scores.Restore(ctx, r.GetBoardId(), r.GetPlayerId(), r.GetSeason())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.RestoreEntryResponse{Version: version}, nil
}

// DeleteEntry removes an entry.
func (s *Leaderboards) DeleteEntry(ctx context.Context, r *leaderboardv1.DeleteEntryRequest) (*leaderboardv1.DeleteEntryResponse, error) {
	version, err := s.Scores.Delete(ctx, r.GetBoardId(), r.GetPlayerId(), r.GetSeason(), r.GetEntryVersion())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.DeleteEntryResponse{Version: version}, nil
}

// sizeOr is a page size, or the default.
func sizeOr(n int32, or int) int {
	if n == 0 {
		return or
	}
	return int(n)
}
