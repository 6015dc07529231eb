package leaderboard_test

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	optionsv1 "supergame/proto/gen/supergame/options/v1"
	"supergame/services/platform/fault"
)

// refused checks that an error is the caller's, and names the field.
func refused(t *testing.T, what string, err error, field string) {
	t.Helper()
	f := fault.As(err)
	if f == nil || f.Kind != fault.InvalidArgument {
		t.Errorf("%s: %v, want INVALID_ARGUMENT", what, err)
		return
	}
	for _, named := range f.Fields {
		if strings.HasPrefix(named.Path, field) {
			return
		}
	}
	t.Errorf("%s: %v names %v, want %s", what, err, f.Fields, field)
}

// TestBadBoardsAreRefused breaks a definition at one place after the other.
func TestBadBoardsAreRefused(t *testing.T) {
	w := start(t, setup{})
	operator := w.operator(t)
	for _, test := range []struct {
		field string
		wrong func(*leaderboardv1.Leaderboard)
	}{
		{"leaderboard.board_id", func(l *leaderboardv1.Leaderboard) { l.BoardId = "" }},
		{"leaderboard.board_id", func(l *leaderboardv1.Leaderboard) { l.BoardId = "Böse" }},
		{"leaderboard.board_id", func(l *leaderboardv1.Leaderboard) { l.BoardId = strings.Repeat("b", 41) }},
		{"leaderboard.display_name", func(l *leaderboardv1.Leaderboard) { l.DisplayName = strings.Repeat("b", 65) }},
		{"leaderboard.operator", func(l *leaderboardv1.Leaderboard) { l.Operator = 0 }},
		{"leaderboard.operator", func(l *leaderboardv1.Leaderboard) { l.Operator = 9 }},
		{"leaderboard.columns", func(l *leaderboardv1.Leaderboard) { l.Columns = nil }},
		{"leaderboard.columns", func(l *leaderboardv1.Leaderboard) { l.Columns = make([]*leaderboardv1.Column, 6) }},
		{"leaderboard.columns", func(l *leaderboardv1.Leaderboard) { l.Columns = append(l.Columns, proto.CloneOf(l.Columns[0])) }},
		{"leaderboard.columns[0].name", func(l *leaderboardv1.Leaderboard) { l.Columns[0].Name = "Points" }},
		{"leaderboard.columns[0].order", func(l *leaderboardv1.Leaderboard) { l.Columns[0].Order = 0 }},
		{"leaderboard.columns[0].decimals", func(l *leaderboardv1.Leaderboard) { l.Columns[0].Decimals = 10 }},
		{"leaderboard.columns[0].min_value", func(l *leaderboardv1.Leaderboard) {
			l.Columns[0].MinValue, l.Columns[0].MaxValue = proto.Int64(2), proto.Int64(1)
		}},
		{"leaderboard.ties", func(l *leaderboardv1.Leaderboard) { l.Ties = 7 }},
		{"leaderboard.submitters", func(l *leaderboardv1.Leaderboard) { l.Submitters = []optionsv1.Role{optionsv1.Role_ROLE_OPERATOR} }},
		{"leaderboard.segments", func(l *leaderboardv1.Leaderboard) {
			for i := range 4 {
				l.Segments = append(l.Segments, &leaderboardv1.Segment{Name: fmt.Sprint("s", i), Source: leaderboardv1.Segment_SOURCE_COUNTRY})
			}
		}},
		{"leaderboard.segments[0].values", func(l *leaderboardv1.Leaderboard) {
			l.Segments = []*leaderboardv1.Segment{{Name: "platform", Source: leaderboardv1.Segment_SOURCE_SUBMISSION}}
		}},
		{"leaderboard.segments[0].source", func(l *leaderboardv1.Leaderboard) { l.Segments = []*leaderboardv1.Segment{{Name: "country"}} }},
		{"leaderboard.schedule.cron", func(l *leaderboardv1.Leaderboard) {
			l.Schedule = &leaderboardv1.Schedule{Cron: "every day", TimeZone: "UTC"}
		}},
		{"leaderboard.schedule.cron", func(l *leaderboardv1.Leaderboard) {
			l.Schedule = &leaderboardv1.Schedule{Cron: "* * * * *", TimeZone: "UTC"}
		}},
		{"leaderboard.schedule.time_zone", func(l *leaderboardv1.Leaderboard) {
			l.Schedule = &leaderboardv1.Schedule{Cron: "0 0 * * *", TimeZone: "Mars/Olympus"}
		}},
		{"leaderboard.grace", func(l *leaderboardv1.Leaderboard) { l.Grace = durationpb.New(2 * time.Hour) }},
		{"leaderboard.review", func(l *leaderboardv1.Leaderboard) { l.Review = durationpb.New(-time.Second) }},
		{"leaderboard.retention", func(l *leaderboardv1.Leaderboard) { l.Retention = durationpb.New(time.Second) }},
		{"leaderboard.inline_bytes", func(l *leaderboardv1.Leaderboard) { l.InlineBytes = 33 }},
		{"leaderboard.submits_per_minute", func(l *leaderboardv1.Leaderboard) { l.SubmitsPerMinute = -1 }},
		{"leaderboard.rewards", func(l *leaderboardv1.Leaderboard) {
			l.Rewards = []*leaderboardv1.RewardTier{{Tier: "gold", MaxRank: 1, Grants: map[string]int64{"gold": 1}}}
		}},
		{"leaderboard.rewards[0].grants", func(l *leaderboardv1.Leaderboard) {
			l.Rewards = []*leaderboardv1.RewardTier{{Tier: "gold", MaxRank: 1}}
		}},
		{"leaderboard.rewards[0].max_percentile", func(l *leaderboardv1.Leaderboard) {
			l.Rewards = []*leaderboardv1.RewardTier{{Tier: "gold", MaxPercentile: math.NaN(), Grants: map[string]int64{"gold": 1}}}
		}},
	} {
		board := points("b", test.wrong)
		_, err := operator.CreateLeaderboard(session(t), &leaderboardv1.CreateLeaderboardRequest{Leaderboard: board})
		refused(t, fmt.Sprint(board), err, test.field)
	}
	_, err := operator.CreateLeaderboard(session(t), &leaderboardv1.CreateLeaderboardRequest{})
	refused(t, "no board", err, "leaderboard")
	w.makeBoard(t, points("b"))
	for _, mask := range [][]string{nil, {"operator"}, {"display_name", "columns"}, {"nonsense"}} {
		_, err := operator.UpdateLeaderboard(session(t), &leaderboardv1.UpdateLeaderboardRequest{
			Leaderboard: &leaderboardv1.Leaderboard{BoardId: "b"}, UpdateMask: &fieldmaskpb.FieldMask{Paths: mask},
		})
		refused(t, fmt.Sprint("mask ", mask), err, "update_mask")
	}
}

// TestBadScoresAreRefused breaks a submission at one place after the other; nothing of it is written.
func TestBadScoresAreRefused(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) {
		l.Columns[0].MinValue, l.Columns[0].MaxValue, l.InlineBytes = proto.Int64(0), proto.Int64(100), 4
		l.Segments = []*leaderboardv1.Segment{
			{Name: "platform", Source: leaderboardv1.Segment_SOURCE_SUBMISSION, Values: []string{"pc"}},
			{Name: "country", Source: leaderboardv1.Segment_SOURCE_COUNTRY},
		}
	}))
	w.makeBoard(t, points("other"))
	server := w.server(t)
	for _, test := range []struct {
		field string
		wrong func(*leaderboardv1.SubmitScoreRequest)
	}{
		{"player_id", func(r *leaderboardv1.SubmitScoreRequest) { r.PlayerId = "" }},
		{"player_id", func(r *leaderboardv1.SubmitScoreRequest) { r.PlayerId = "ada" }},
		{"request_id", func(r *leaderboardv1.SubmitScoreRequest) { r.RequestId = "" }},
		{"request_id", func(r *leaderboardv1.SubmitScoreRequest) { r.RequestId = "a b" }},
		{"scores", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores = nil }},
		{"scores", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores = make([]*leaderboardv1.Score, 21) }},
		{"scores[1].board_id", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[1].BoardId = "b" }},
		{"scores[0].board_id", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].BoardId = "a|b" }},
		{"scores[0].columns", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Columns = nil }},
		{"scores[0].columns", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Columns = []int64{1, 2} }},
		{"scores[0].columns", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Columns = []int64{101} }},
		{"scores[0].columns", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Columns = []int64{-1} }},
		{"scores[0].inline", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Inline = make([]byte, 5) }},
		{"scores[0].inline", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Inline = make([]byte, 33) }},
		{"scores[0].metadata", func(r *leaderboardv1.SubmitScoreRequest) {
			r.Scores[0].Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewStringValue(strings.Repeat("x", 1024))}}
		}},
		{"scores[0].metadata", func(r *leaderboardv1.SubmitScoreRequest) {
			r.Scores[0].Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{"x": structpb.NewNumberValue(math.Inf(1))}}
		}},
		{"scores[0].segments", func(r *leaderboardv1.SubmitScoreRequest) {
			r.Scores[0].Segments = map[string]string{"platform": "toaster"}
		}},
		{"scores[0].segments", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Segments = map[string]string{"country": "DE"} }},
		{"scores[0].segments", func(r *leaderboardv1.SubmitScoreRequest) { r.Scores[0].Segments = map[string]string{"nonsense": "x"} }},
		{"achieve_time", func(r *leaderboardv1.SubmitScoreRequest) { r.AchieveTime = timestamppb.New(time.Now().Add(time.Hour)) }},
		{"achieve_time", func(r *leaderboardv1.SubmitScoreRequest) {
			r.AchieveTime = &timestamppb.Timestamp{Seconds: math.MaxInt64}
		}},
	} {
		request := &leaderboardv1.SubmitScoreRequest{PlayerId: ada, RequestId: "r", Scores: []*leaderboardv1.Score{
			{BoardId: "b", Columns: []int64{5}}, {BoardId: "other", Columns: []int64{5}},
		}}
		test.wrong(request)
		_, err := server.SubmitScore(session(t), request)
		refused(t, fmt.Sprintf("%.300s", request), err, test.field)
	}
	unknown := submission("r", "nowhere", 1)
	unknown.PlayerId = ada
	if _, err := server.SubmitScore(session(t), unknown); fault.ReasonOf(err) != "BOARD_NOT_FOUND" {
		t.Errorf("an unknown board: %v", err)
	}
	late := submission("r", "b", 1)
	late.PlayerId, late.AchieveTime = ada, timestamppb.New(time.Now().Add(-time.Hour))
	if _, err := server.SubmitScore(session(t), late); fault.ReasonOf(err) != "SEASON_OVER" {
		t.Errorf("a result from before the board: %v", err)
	}
	mine := submission("r", "b", 1)
	mine.AchieveTime = timestamppb.Now()
	if _, err := w.player(t, ada).SubmitScore(session(t), mine); fault.ReasonOf(err) != "NOT_A_TRUSTED_WRITER" {
		t.Errorf("a player who says when: %v", err)
	}
	for _, board := range []string{"b", "other"} {
		if players, _ := w.order(t, board); len(players) != 0 {
			t.Errorf("of what was refused, board %s has %v", board, players)
		}
	}
}

// TestBadQuestionsAreRefused breaks every read at one place after the other.
func TestBadQuestionsAreRefused(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	w.makeBoard(t, points("c", func(l *leaderboardv1.Leaderboard) {
		l.Columns = append(l.Columns, &leaderboardv1.Column{Name: "x", Order: 1})
	}))
	for i := range 3 {
		w.score(t, somebody(i), "r1", "b", int64(i))
		w.score(t, somebody(i), "r2", "c", int64(i), 0)
	}
	player, server := w.player(t, ada), w.server(t)
	page, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	many := make([]string, 101)
	for i := range many {
		many[i] = somebody(i)
	}
	nonsense := &leaderboardv1.SegmentFilter{Name: "nonsense", Value: "x"}
	for _, test := range []struct {
		field string
		ask   func() error
	}{
		{"board_id", func() error { _, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{}); return err }},
		{"player_id", func() error {
			_, err := server.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b"})
			return err
		}},
		{"player_id", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: "x"})
			return err
		}},
		{"season", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", Season: -1})
			return err
		}},
		{"segment.name", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", Segment: nonsense})
			return err
		}},
		{"segment.value", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", Segment: &leaderboardv1.SegmentFilter{Name: "x", Value: "ä"}})
			return err
		}},
		{"min_entry_version", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", MinEntryVersion: -1})
			return err
		}},
		{"view", func() error {
			_, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", View: 9})
			return err
		}},
		{"page_size", func() error {
			_, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", PageSize: 1001})
			return err
		}},
		{"page_token", func() error {
			_, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", PageToken: "x"})
			return err
		}},
		{"page_token", func() error {
			_, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "c", PageToken: page.GetNextPageToken()})
			return err
		}},
		{"page_token", func() error {
			_, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", Season: 2, PageToken: page.GetNextPageToken()})
			return err
		}},
		{"start_rank", func() error {
			_, err := player.ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", StartRank: 2, PageToken: page.GetNextPageToken()})
			return err
		}},
		{"radius", func() error {
			_, err := player.ListAround(session(t), &leaderboardv1.ListAroundRequest{BoardId: "b", Radius: 101})
			return err
		}},
		{"radius", func() error {
			_, err := player.ListAround(session(t), &leaderboardv1.ListAroundRequest{BoardId: "b", Radius: 50, View: leaderboardv1.View_VIEW_FULL})
			return err
		}},
		{"player_ids", func() error {
			_, err := player.BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "b"})
			return err
		}},
		{"player_ids", func() error {
			_, err := player.BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "b", PlayerIds: []string{ada, ada}})
			return err
		}},
		{"player_ids", func() error {
			_, err := player.BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "b", PlayerIds: many, View: leaderboardv1.View_VIEW_FULL})
			return err
		}},
		{"page_token", func() error {
			_, err := player.ListFriendEntries(session(t), &leaderboardv1.ListFriendEntriesRequest{BoardId: "b", PageToken: "x"})
			return err
		}},
		{"best", func() error {
			_, err := player.CountEntries(session(t), &leaderboardv1.CountEntriesRequest{BoardId: "b", Best: []int64{1, 2}})
			return err
		}},
		{"worst", func() error {
			_, err := player.CountEntries(session(t), &leaderboardv1.CountEntriesRequest{BoardId: "b", Worst: make([]int64, 6)})
			return err
		}},
		{"page_token", func() error {
			_, err := player.ListLeaderboards(session(t), &leaderboardv1.ListLeaderboardsRequest{PageToken: "x"})
			return err
		}},
		{"top", func() error {
			stream, err := player.WatchLeaderboard(session(t), &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", Top: 101})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}},
		{"segment.name", func() error {
			stream, err := player.WatchLeaderboard(session(t), &leaderboardv1.WatchLeaderboardRequest{BoardId: "b", Segment: nonsense})
			if err == nil {
				_, err = stream.Recv()
			}
			return err
		}},
	} {
		refused(t, "a question about "+test.field, test.ask(), test.field)
	}
	for season, reason := range map[int64]string{7: "SEASON_NOT_FOUND"} {
		if _, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", Season: season}); fault.ReasonOf(err) != reason {
			t.Errorf("season %d: %v", season, err)
		}
	}
	if _, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "nowhere"}); fault.ReasonOf(err) != "BOARD_NOT_FOUND" {
		t.Errorf("an unknown board: %v", err)
	}
}
