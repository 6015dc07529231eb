package leaderboard_test

import (
	"context"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/structpb"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestCosts pins what each RPC costs in the store, beside what the profile service spends on its behalf. The clock stands still, so that
// definitions are read once: in life that is 1 RU every five seconds for each board in use and replica.
func TestCosts(t *testing.T) {
	frozen := time.Now()
	w, e := startOnEmulator(t, "the model of request units", setup{
		now: func() time.Time { return frozen }, config: func(c *leaderboard.Config) { c.Heartbeat, c.SeasonEvery = 0, time.Minute },
	}, emulatortest.WithClock(emulator.NewFrozenClock(frozen))) // _ts is indexed: a replace in a later second costs 0.8 RU more
	w.makeBoard(t, points("b", withCountries, func(l *leaderboardv1.Leaderboard) { l.InlineBytes = 8 }))
	w.makeBoard(t, points("kept", func(l *leaderboardv1.Leaderboard) { l.KeepAttempts = true }))
	w.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))
	for _, board := range []string{"b", "kept", "sum"} {
		w.score(t, bob, "warm-"+board, board, 1)
	}
	var requests atomic.Int64 // to the store, but for the feed
	for _, op := range []emulator.Op{emulator.OpRead, emulator.OpWrite, emulator.OpQuery} {
		for _, container := range []string{"leaderboards", "leaderboard-entries"} {
			e.Inject(emulator.Fault{Op: op, Container: container, Hook: func(context.Context, emulator.Point) { requests.Add(1) }})
		}
	}
	player, operator := w.player(t, ada), w.operator(t)
	one := func(id, board string, n int64) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := player.SubmitScore(ctx, submission(id, board, n))
			return err
		}
	}
	large := submission("r9", "b", 1000)
	large.Scores[0].Metadata = &structpb.Struct{Fields: map[string]*structpb.Value{"replay": structpb.NewStringValue(strings.Repeat("x", 1000))}}
	several := func(id string, n int64) *leaderboardv1.SubmitScoreRequest {
		return &leaderboardv1.SubmitScoreRequest{RequestId: id, Scores: []*leaderboardv1.Score{{BoardId: "b", Columns: []int64{n}}, {BoardId: "sum", Columns: []int64{n}}}}
	}
	for _, test := range []struct {
		what string
		most float64
		call func(context.Context) error
	}{
		{"SubmitScore, first of a season", 8, one("r1", "b", 5)},
		{"SubmitScore, improving", 12, one("r2", "b", 6)},
		{"SubmitScore, not improving", 2, one("r3", "b", 5)},
		{"SubmitScore, repeated", 2, one("r2", "b", 6)},
		{"SubmitScore, attempts kept, first of a season", 14, one("k1", "kept", 5)},
		{"SubmitScore, attempts kept, improving", 18, one("k2", "kept", 6)},
		{"SubmitScore, attempts kept, not improving", 7, one("k3", "kept", 5)},
		{"SubmitScore, sum, first of a season", 14, one("s1", "sum", 5)},
		{"SubmitScore, sum", 18, one("s2", "sum", 5)},
		{"SubmitScore, sum, repeated", 4, one("s2", "sum", 5)},
		{"SubmitScore to 2 boards", 31, func(ctx context.Context) error {
			_, err := player.SubmitScore(ctx, several("m1", 7))
			return err
		}},
		{"SubmitScore, improving, with 1 KB of metadata", 15, func(ctx context.Context) error {
			_, err := player.SubmitScore(ctx, large)
			return err
		}},
		{"GetRank", 0, func(ctx context.Context) error {
			_, err := player.GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "b"})
			return err
		}},
		{"GetRank, full", 1.1, func(ctx context.Context) error {
			_, err := player.GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "b", View: leaderboardv1.View_VIEW_FULL})
			return err
		}},
		{"ListEntries", 0, func(ctx context.Context) error {
			_, err := player.ListEntries(ctx, &leaderboardv1.ListEntriesRequest{BoardId: "b"})
			return err
		}},
		{"ListEntries, full, 2 rows", 5, func(ctx context.Context) error {
			_, err := player.ListEntries(ctx, &leaderboardv1.ListEntriesRequest{BoardId: "b", View: leaderboardv1.View_VIEW_FULL})
			return err
		}},
		{"ListAround", 0, func(ctx context.Context) error {
			_, err := player.ListAround(ctx, &leaderboardv1.ListAroundRequest{BoardId: "b"})
			return err
		}},
		{"BatchGetEntries", 0, func(ctx context.Context) error {
			_, err := player.BatchGetEntries(ctx, &leaderboardv1.BatchGetEntriesRequest{BoardId: "b", PlayerIds: []string{ada, bob}})
			return err
		}},
		{"ListFriendEntries", 0, func(ctx context.Context) error {
			_, err := player.ListFriendEntries(ctx, &leaderboardv1.ListFriendEntriesRequest{BoardId: "b"})
			return err
		}},
		{"CountEntries", 0, func(ctx context.Context) error {
			_, err := player.CountEntries(ctx, &leaderboardv1.CountEntriesRequest{BoardId: "b"})
			return err
		}},
		{"ListAttempts of 3", 4, func(ctx context.Context) error {
			_, err := player.ListAttempts(ctx, &leaderboardv1.ListAttemptsRequest{BoardId: "kept"})
			return err
		}},
		{"HideEntry", 14, func(ctx context.Context) error {
			_, err := operator.HideEntry(ctx, &leaderboardv1.HideEntryRequest{BoardId: "b", PlayerId: ada})
			return err
		}},
		{"RestoreEntry", 13, func(ctx context.Context) error {
			_, err := operator.RestoreEntry(ctx, &leaderboardv1.RestoreEntryRequest{BoardId: "b", PlayerId: ada})
			return err
		}},
		{"DeleteEntry", 14, func(ctx context.Context) error {
			_, err := operator.DeleteEntry(ctx, &leaderboardv1.DeleteEntryRequest{BoardId: "b", PlayerId: ada})
			return err
		}},
		{"CreateLeaderboard", 14, func(ctx context.Context) error {
			_, err := operator.CreateLeaderboard(ctx, &leaderboardv1.CreateLeaderboardRequest{Leaderboard: points("new", daily)})
			return err
		}},
		{"GetLeaderboard", 1, func(ctx context.Context) error {
			_, err := operator.GetLeaderboard(ctx, &leaderboardv1.GetLeaderboardRequest{BoardId: "b"})
			return err
		}},
		{"PlayerChanged of a player with 3 entries", 60, func(ctx context.Context) error {
			client := leaderboardv1.NewPlayerDataServiceClient(w.Dial(t, w.authority.Service("profile")))
			_, err := client.PlayerChanged(ctx, &leaderboardv1.PlayerChangedRequest{PlayerId: bob, Version: 1, Suspended: true})
			return err
		}},
	} {
		meter := &cosmos.Meter{}
		requests.Store(0)
		if err := test.call(cosmos.WithMeter(session(t), meter)); err != nil {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		if meter.Charge() > test.most {
			t.Errorf("%s costs %.2f RU, want at most %v", test.what, meter.Charge(), test.most)
		}
		cosmostest.Record(t, test.what, meter.Charge(), int(requests.Load()))
	}
}
