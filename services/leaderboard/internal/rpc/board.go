package rpc

import (
	"time"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	optionsv1 "supergame/proto/gen/supergame/options/v1"
	"supergame/services/leaderboard/internal/board"
)

// decodeBoard reads a definition. What the store adds is not read.
func decodeBoard(l *leaderboardv1.Leaderboard) board.Board {
	b := board.Board{
		ID: l.GetBoardId(), DisplayName: l.GetDisplayName(), Operator: board.Operator(l.GetOperator()), //nolint:gosec // a known value
		SharedTies: l.GetTies() == leaderboardv1.Ties_TIES_SHARED,
		Grace:      l.GetGrace().AsDuration(), Review: l.GetReview().AsDuration(), Retention: l.GetRetention().AsDuration(),
		InlineBytes: int(l.GetInlineBytes()), KeepAttempts: l.GetKeepAttempts(), SubmitsPerMinute: int(l.GetSubmitsPerMinute()), ETag: l.GetEtag(),
	}
	for _, role := range l.GetSubmitters() {
		b.PlayersSubmit = b.PlayersSubmit || role == optionsv1.Role_ROLE_PLAYER
		b.ServersSubmit = b.ServersSubmit || role == optionsv1.Role_ROLE_GAME_SERVER
	}
	for _, c := range l.GetColumns() {
		b.Columns = append(b.Columns, board.Column{
			Name: c.GetName(), Descending: c.GetOrder() == leaderboardv1.Order_ORDER_DESCENDING, Decimals: int(c.GetDecimals()), Min: c.MinValue, Max: c.MaxValue,
		})
	}
	for _, g := range l.GetSegments() {
		b.Segments = append(b.Segments, board.Segment{Name: g.GetName(), Source: board.Source(g.GetSource()), Values: g.GetValues()}) //nolint:gosec // a known value
	}
	if s := l.GetSchedule(); s != nil {
		b.Schedule = &board.Schedule{Cron: s.GetCron(), Zone: s.GetTimeZone()}
	}
	for _, t := range l.GetRewards() {
		b.Rewards = append(b.Rewards, board.Tier{Name: t.GetTier(), MaxRank: t.GetMaxRank(), MaxPercentile: t.GetMaxPercentile(), Grants: t.GetGrants()})
	}
	return b
}

// encodeBoard writes a definition.
func encodeBoard(b *board.Board) *leaderboardv1.Leaderboard {
	l := &leaderboardv1.Leaderboard{
		BoardId: b.ID, Uid: b.UID, DisplayName: b.DisplayName, Operator: leaderboardv1.Operator(b.Operator), Ties: leaderboardv1.Ties_TIES_ORDINAL,
		Grace: durationpb.New(b.Grace), Review: durationpb.New(b.Review), Retention: durationpb.New(b.Retention),
		InlineBytes: int32(b.InlineBytes), KeepAttempts: b.KeepAttempts, SubmitsPerMinute: int32(b.SubmitsPerMinute), //nolint:gosec // bounded by the proto
		CreateTime: timestamppb.New(b.CreateTime), UpdateTime: timestamppb.New(b.UpdateTime), Etag: b.ETag,
	}
	if b.SharedTies {
		l.Ties = leaderboardv1.Ties_TIES_SHARED
	}
	if b.PlayersSubmit {
		l.Submitters = append(l.Submitters, optionsv1.Role_ROLE_PLAYER)
	}
	if b.ServersSubmit {
		l.Submitters = append(l.Submitters, optionsv1.Role_ROLE_GAME_SERVER)
	}
	for _, c := range b.Columns {
		order := leaderboardv1.Order_ORDER_ASCENDING
		if c.Descending {
			order = leaderboardv1.Order_ORDER_DESCENDING
		}
		l.Columns = append(l.Columns, &leaderboardv1.Column{Name: c.Name, Order: order, Decimals: int32(c.Decimals), MinValue: c.Min, MaxValue: c.Max}) //nolint:gosec // bounded by the proto
	}
	for _, g := range b.Segments {
		l.Segments = append(l.Segments, &leaderboardv1.Segment{Name: g.Name, Source: leaderboardv1.Segment_Source(g.Source), Values: g.Values})
	}
	if b.Schedule != nil {
		l.Schedule = &leaderboardv1.Schedule{Cron: b.Schedule.Cron, TimeZone: b.Schedule.Zone}
	}
	for _, t := range b.Rewards {
		l.Rewards = append(l.Rewards, &leaderboardv1.RewardTier{Tier: t.Name, MaxRank: t.MaxRank, MaxPercentile: t.MaxPercentile, Grants: t.Grants})
	}
	return l
}

// encodeSeason writes a season.
func encodeSeason(s *board.Season) *leaderboardv1.Season {
	return &leaderboardv1.Season{
		BoardId: s.BoardID, Season: s.Number, State: leaderboardv1.Season_State(s.State), StartTime: timestamp(s.Start), EndTime: timestamp(s.End),
		EntryCount: s.EntryCount, ArchiveVersion: s.ArchiveVersion, ArchiveChecksum: s.Checksum, LateWrites: s.LateWrites,
		GrantCount: s.Grants, ForfeitCount: s.Forfeits,
	}
}

// timestamp is nil for the zero time.
func timestamp(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
