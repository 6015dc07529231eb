package leaderboard_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/archive"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestSeasonCosts pins what the RPCs of closed seasons cost in the store.
func TestSeasonCosts(t *testing.T) {
	s := startSeasons(t, nil, emulatortest.WithClock(emulator.NewFrozenClock(time.Now())))
	for i, id := range []string{ada, bob, cem, dan} {
		s.submitLeague(id, "a", int64(100-i))
	}
	s.e.Clock().Advance(time.Hour)
	s.until(1, leaderboardv1.Season_STATE_REVIEW)
	var requests atomic.Int64 // to the store, but for what runs on its own
	count := func(_ context.Context, p emulator.Point) {
		if !strings.HasPrefix(p.ID, "h|") {
			requests.Add(1)
		}
	}
	for _, container := range []string{"leaderboards", "leaderboard-entries", "leaderboard-archives", "leaderboard-snapshots"} {
		for _, op := range []emulator.Op{emulator.OpRead, emulator.OpWrite, emulator.OpQuery} {
			if op != emulator.OpQuery || container != "leaderboards" {
				s.e.Inject(emulator.Fault{Op: op, Container: container, Hook: count})
			}
		}
	}
	player, ops := s.player(t, cem), s.operator(t)
	profile := leaderboardv1.NewPlayerDataServiceClient(s.Dial(t, s.authority.Service("profile")))
	page := func(ctx context.Context) error {
		_, err := player.ListEntries(ctx, &leaderboardv1.ListEntriesRequest{BoardId: "hourly", Season: 1})
		return err
	}
	rank := func(ctx context.Context) error {
		_, err := player.GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "hourly", Season: 1})
		return err
	}
	forget := func() { s.e.Clock().Advance(archive.MaxAge) } // the caches
	for _, test := range []struct {
		what   string
		most   float64
		before func()
		call   func(context.Context) error
	}{
		{"GetSeason", 1.1, nil, func(ctx context.Context) error {
			_, err := player.GetSeason(ctx, &leaderboardv1.GetSeasonRequest{BoardId: "hourly", Season: 1})
			return err
		}},
		{"ListSeasons of 2", 3, nil, func(ctx context.Context) error {
			_, err := player.ListSeasons(ctx, &leaderboardv1.ListSeasonsRequest{BoardId: "hourly"})
			return err
		}},
		{"ListEntries of an archive, nothing in memory", 5, forget, page},
		{"ListEntries of an archive, in memory", 0, nil, page},
		{"GetRank in an archive, in memory", 1.1, nil, rank},
		{"GetRank in an archive, nothing in memory", 6, forget, rank},
		{"DisqualifyEntry", 95, nil, func(ctx context.Context) error {
			_, err := ops.DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "hourly", PlayerId: ada, Season: 1})
			return err
		}},
		{"ListGrants of none", 3, nil, func(ctx context.Context) error {
			_, err := player.ListGrants(ctx, &leaderboardv1.ListGrantsRequest{})
			return err
		}},
		{"ExportPlayer with 1 entry in an archive", 25, nil, func(ctx context.Context) error {
			stream, err := profile.ExportPlayer(ctx, &leaderboardv1.ExportPlayerRequest{PlayerId: bob})
			for err == nil {
				_, err = stream.Recv()
			}
			if errors.Is(err, io.EOF) {
				return nil
			}
			return err
		}},
		{"ErasePlayer with 1 entry in an archive, first call", 120, nil, func(ctx context.Context) error {
			_, err := profile.ErasePlayer(ctx, &leaderboardv1.ErasePlayerRequest{PlayerId: bob})
			return err
		}},
	} {
		if test.before != nil {
			test.before()
			if _, err := player.GetLeaderboard(session(t), &leaderboardv1.GetLeaderboardRequest{BoardId: "hourly"}); err != nil {
				t.Fatal(err)
			}
			// The definition is in memory again, for the next five seconds: it is read for the season that runs.
			if _, err := player.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "hourly"}); err != nil {
				t.Fatal(err)
			}
		}
		meter := &cosmos.Meter{}
		requests.Store(0)
		if err := test.call(cosmos.WithMeter(session(t), meter)); err != nil {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		if meter.Charge() > test.most {
			t.Errorf("%s costs %.2f RU, more than %.2f", test.what, meter.Charge(), test.most)
		}
		cosmostest.Record(t, test.what, meter.Charge(), int(requests.Load()))
	}
}
