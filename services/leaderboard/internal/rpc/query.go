package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/watch"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// GetRank returns one player's place.
func (s *Leaderboards) GetRank(ctx context.Context, r *leaderboardv1.GetRankRequest) (*leaderboardv1.GetRankResponse, error) {
	player, err := playerOr(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	rank, err := s.Queries.Rank(ctx, query.Where{
		BoardID: r.GetBoardId(), Season: r.GetSeason(), List: listOf(r.GetSegment()), PlayerID: player, MinVersion: r.GetMinEntryVersion(),
		Detail: detailOf(r.GetView(), false),
	})
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.GetRankResponse{
		Total: rank.Total, Percentile: rank.Percentile, Season: rank.Season, Freshness: encodeFreshness(rank.Freshness),
	}
	if rank.Found {
		response.Entry, err = encodeRow(&rank.Row)
	}
	return response, err
}

// ListEntries returns a page from the top on.
func (s *Leaderboards) ListEntries(ctx context.Context, r *leaderboardv1.ListEntriesRequest) (*leaderboardv1.ListEntriesResponse, error) {
	size := sizeOr(r.GetPageSize(), 50)
	if r.GetView() == leaderboardv1.View_VIEW_FULL {
		size = min(size, query.MaxMetadataRows)
	}
	page, err := s.Queries.List(ctx, query.Where{
		BoardID: r.GetBoardId(), Season: r.GetSeason(), List: listOf(r.GetSegment()), PlayerID: auth.CallerFrom(ctx).PlayerID(),
		MinVersion: r.GetMinEntryVersion(), Detail: detailOf(r.GetView(), r.GetWithProfiles()),
	}, query.PageOptions{Size: int64(size), Token: r.GetPageToken(), Start: r.GetStartRank()})
	if err != nil {
		return nil, err
	}
	entries, err := encodeRows(page.Rows)
	return &leaderboardv1.ListEntriesResponse{
		Entries: entries, NextPageToken: page.Next, Total: page.Total, Season: page.Season, Freshness: encodeFreshness(page.Freshness),
	}, err
}

// maxFullRadius is how far a window with metadata reaches: 99 entries.
const maxFullRadius = (query.MaxMetadataRows - 1) / 2

// ListAround returns the entries around a player's.
func (s *Leaderboards) ListAround(ctx context.Context, r *leaderboardv1.ListAroundRequest) (*leaderboardv1.ListAroundResponse, error) {
	player, err := playerOr(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	radius := sizeOr(r.GetRadius(), 10)
	if r.GetView() == leaderboardv1.View_VIEW_FULL && radius > maxFullRadius {
		return nil, fault.Invalid("radius", "is more than %d, the most in VIEW_FULL", maxFullRadius)
	}
	page, err := s.Queries.Around(ctx, query.Where{
		BoardID: r.GetBoardId(), Season: r.GetSeason(), List: listOf(r.GetSegment()), PlayerID: player, MinVersion: r.GetMinEntryVersion(),
		Detail: detailOf(r.GetView(), r.GetWithProfiles()),
	}, int64(radius))
	if err != nil {
		return nil, err
	}
	entries, err := encodeRows(page.Rows)
	return &leaderboardv1.ListAroundResponse{
		Entries: entries, Total: page.Total, Season: page.Season, Freshness: encodeFreshness(page.Freshness),
	}, err
}

// BatchGetEntries returns the entries of some players.
func (s *Leaderboards) BatchGetEntries(ctx context.Context, r *leaderboardv1.BatchGetEntriesRequest) (*leaderboardv1.BatchGetEntriesResponse, error) {
	if n := len(r.GetPlayerIds()); r.GetView() == leaderboardv1.View_VIEW_FULL && n > query.MaxMetadataRows {
		return nil, fault.Invalid("player_ids", "are %d; at most %d in VIEW_FULL", n, query.MaxMetadataRows)
	}
	page, err := s.Queries.Among(ctx, query.Where{
		BoardID: r.GetBoardId(), Season: r.GetSeason(), Detail: detailOf(r.GetView(), r.GetWithProfiles()),
	}, r.GetPlayerIds())
	if err != nil {
		return nil, err
	}
	entries, err := encodeRows(page.Rows)
	return &leaderboardv1.BatchGetEntriesResponse{
		Entries: entries, Total: page.Total, Season: page.Season, Freshness: encodeFreshness(page.Freshness),
	}, err
}

// ListFriendEntries returns the entries of a player and his friends.
func (s *Leaderboards) ListFriendEntries(
	ctx context.Context, r *leaderboardv1.ListFriendEntriesRequest,
) (*leaderboardv1.ListFriendEntriesResponse, error) {
	c := caller(ctx)
	player, err := query.Whose(c.Subject, r.GetPlayerId(), c.Player)
	if err != nil {
		return nil, err
	}
	page, err := s.Queries.Friends(ctx, query.Where{
		BoardID: r.GetBoardId(), Season: r.GetSeason(), PlayerID: player, MinVersion: r.GetMinEntryVersion(),
		Detail: detailOf(leaderboardv1.View_VIEW_BASIC, r.GetWithProfiles()),
	}, query.PageOptions{Size: int64(sizeOr(r.GetPageSize(), 50)), Token: r.GetPageToken()})
	if err != nil {
		return nil, err
	}
	entries, err := encodeRows(page.Rows)
	return &leaderboardv1.ListFriendEntriesResponse{
		Entries: entries, NextPageToken: page.Next, Total: page.Total, Season: page.Season, Freshness: encodeFreshness(page.Freshness),
	}, err
}

// CountEntries counts.
func (s *Leaderboards) CountEntries(ctx context.Context, r *leaderboardv1.CountEntriesRequest) (*leaderboardv1.CountEntriesResponse, error) {
	count, a, err := s.Queries.Count(ctx, query.Where{BoardID: r.GetBoardId(), Season: r.GetSeason(), List: listOf(r.GetSegment())}, r.GetBest(), r.GetWorst())
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.CountEntriesResponse{Count: count, Season: a.Season, Freshness: encodeFreshness(a.Freshness)}, nil
}

// WatchLeaderboard streams the top and a player's place.
func (s *Leaderboards) WatchLeaderboard(
	r *leaderboardv1.WatchLeaderboardRequest, stream grpc.ServerStreamingServer[leaderboardv1.WatchLeaderboardResponse],
) error {
	player := r.GetPlayerId()
	if player == "" {
		player = auth.CallerFrom(stream.Context()).PlayerID()
	}
	return s.Watches.Watch(stream.Context(), watch.Watch{
		Where: query.Where{BoardID: r.GetBoardId(), List: listOf(r.GetSegment()), PlayerID: player},
		Top:   int64(sizeOr(r.GetTop(), 10)), Resume: r.GetResumeRevision(),
	}, func(state watch.State) error {
		response, err := encodeState(&state)
		if err != nil {
			return err
		}
		return stream.Send(response)
	})
}

func encodeState(s *watch.State) (*leaderboardv1.WatchLeaderboardResponse, error) {
	top, err := encodeRows(s.Top)
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.WatchLeaderboardResponse{
		Revision: s.Revision, Season: s.Season, Top: top, Total: s.Total, Heartbeat: s.Heartbeat, Freshness: encodeFreshness(s.Freshness),
		ReconnectAfterMillis: int32(s.Reconnect.Milliseconds()), //nolint:gosec // at most 20 s
	}
	if s.Own != nil {
		response.Own, err = encodeRow(s.Own)
	}
	return response, err
}

// playerOr is the player that a request names, or else its caller.
func playerOr(ctx context.Context, named string) (string, error) {
	if named != "" {
		return named, nil
	}
	if own := auth.CallerFrom(ctx).PlayerID(); own != "" {
		return own, nil
	}
	return "", fault.Invalid("player_id", "is empty; only a player may leave his own id out")
}

func listOf(f *leaderboardv1.SegmentFilter) ranks.List {
	return ranks.List{Segment: f.GetName(), Value: f.GetValue()}
}

func detailOf(view leaderboardv1.View, profiles bool) query.Detail {
	return query.Detail{Metadata: view == leaderboardv1.View_VIEW_FULL, Profiles: profiles}
}

func encodeFreshness(f query.Freshness) *leaderboardv1.Freshness {
	return &leaderboardv1.Freshness{AsOfTime: timestamp(f.AsOf), Estimated: f.Estimated}
}

// encodeRows writes rows. A page is many small messages: they are made at once, not one by one.
func encodeRows(rows []query.Row) ([]*leaderboardv1.Entry, error) {
	if len(rows) == 0 {
		return nil, nil
	}
	entries := make([]*leaderboardv1.Entry, len(rows))
	messages, times := make([]leaderboardv1.Entry, len(rows)), make([]timestamppb.Timestamp, len(rows))
	for i := range rows {
		r, e, t := &rows[i], &messages[i], &times[i]
		metadata, err := encodeMetadata(r.Metadata)
		if err != nil {
			return nil, err
		}
		t.Seconds, t.Nanos = r.AchieveTime.Unix(), int32(r.AchieveTime.Nanosecond()) //nolint:gosec // below a billion
		e.PlayerId, e.Rank, e.GlobalRank, e.Columns, e.AchieveTime, e.Version = r.PlayerID, r.Rank, r.GlobalRank, r.Columns, t, r.Version
		e.Inline, e.Metadata, e.DisplayName, e.Concealed = r.Inline, metadata, r.Profile.DisplayName, r.Profile.Concealed
		entries[i] = e
	}
	return entries, nil
}

func encodeRow(r *query.Row) (*leaderboardv1.Entry, error) {
	entries, err := encodeRows([]query.Row{*r})
	if err != nil {
		return nil, err
	}
	return entries[0], nil
}
