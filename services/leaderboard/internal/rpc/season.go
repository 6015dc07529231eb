package rpc

import (
	"context"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
)

// ListSeasons returns a page of seasons.
func (s *Leaderboards) ListSeasons(ctx context.Context, r *leaderboardv1.ListSeasonsRequest) (*leaderboardv1.ListSeasonsResponse, error) {
	list, next, err := s.Reviews.List(ctx, r.GetBoardId(), sizeOr(r.GetPageSize(), 50), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.ListSeasonsResponse{NextPageToken: next}
	for i := range list {
		response.Seasons = append(response.Seasons, encodeSeason(&list[i]))
	}
	return response, nil
}

// GetSeason returns one season.
func (s *Leaderboards) GetSeason(ctx context.Context, r *leaderboardv1.GetSeasonRequest) (*leaderboardv1.GetSeasonResponse, error) {
	found, err := s.Reviews.Get(ctx, r.GetBoardId(), r.GetSeason())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.GetSeasonResponse{Season: encodeSeason(&found)}, nil
}

// DisqualifyEntry takes a player out of a season in review.
func (s *Leaderboards) DisqualifyEntry(ctx context.Context, r *leaderboardv1.DisqualifyEntryRequest) (*leaderboardv1.DisqualifyEntryResponse, error) {
	changed, err := s.Reviews.Disqualify(ctx, r.GetBoardId(), r.GetPlayerId(), r.GetSeason(), r.GetReason())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.DisqualifyEntryResponse{Season: encodeSeason(&changed)}, nil
}

// ListGrants returns a page of a player's grants.
func (s *Leaderboards) ListGrants(ctx context.Context, r *leaderboardv1.ListGrantsRequest) (*leaderboardv1.ListGrantsResponse, error) {
	page, err := s.Rewards.List(ctx, caller(ctx), r.GetPlayerId(), sizeOr(r.GetPageSize(), 50), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.ListGrantsResponse{NextPageToken: page.Next}
	for i := range page.Grants {
		g := &page.Grants[i]
		response.Grants = append(response.Grants, &leaderboardv1.Grant{
			BoardId: g.BoardID, Season: g.Season, Tier: g.Tier, Rank: g.Rank, Grants: g.Assets, State: leaderboardv1.Grant_State(g.State),
			UpdateTime: timestamp(g.UpdateTime),
		})
	}
	return response, nil
}
