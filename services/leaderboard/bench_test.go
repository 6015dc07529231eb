package leaderboard_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health/grpc_health_v1"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard"
)

const (
	benchEntries = 1_000_000
	benchClients = 64
)

// BenchmarkCalls makes calls from 64 clients, each on a connection of its own, to a service with a million entries, beside the service's own
// health check. Clients, service and store share the machine: CPU/call is that of all of them.
func BenchmarkCalls(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // as the command does
	w := start(b, setup{config: func(c *leaderboard.Config) { c.Heartbeat, c.FeedInterval = time.Second, 250*time.Millisecond }})
	board := w.makeBoard(b, points("b"))
	w.score(b, ada, "r0", "b", 1) // now the view knows the board
	player := leaderboard.FillForTest(w.service, "b", board.GetUid(), benchEntries)
	conns := make([]*grpc.ClientConn, benchClients)
	for i := range conns {
		conns[i] = w.Dial(b, w.authority.GameServer(fmt.Sprint("server-", i)))
	}
	var requests atomic.Int64
	for _, bench := range []struct {
		name string
		call func(ctx context.Context, c *grpc.ClientConn, random *rand.Rand) error
	}{
		{"HealthCheck", func(ctx context.Context, c *grpc.ClientConn, _ *rand.Rand) error {
			_, err := grpc_health_v1.NewHealthClient(c).Check(ctx, &grpc_health_v1.HealthCheckRequest{})
			return err
		}},
		{"GetRank", func(ctx context.Context, c *grpc.ClientConn, random *rand.Rand) error {
			rank, err := leaderboardv1.NewLeaderboardServiceClient(c).GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: player(random.IntN(benchEntries))})
			if err == nil && rank.GetEntry() == nil {
				err = errors.New("the player has no rank")
			}
			return err
		}},
		{"ListAround21", around(player, 10)},
		{"ListAround101", around(player, 50)},
		{"Top100", func(ctx context.Context, c *grpc.ClientConn, _ *rand.Rand) error {
			_, err := leaderboardv1.NewLeaderboardServiceClient(c).ListEntries(ctx, &leaderboardv1.ListEntriesRequest{BoardId: "b", PageSize: 100})
			return err
		}},
		{"SubmitScore", func(ctx context.Context, c *grpc.ClientConn, random *rand.Rand) error {
			r := submission(fmt.Sprint("r", requests.Add(1)), "b", requests.Load())
			r.PlayerId = player(random.IntN(1000))
			_, err := leaderboardv1.NewLeaderboardServiceClient(c).SubmitScore(ctx, r)
			return err
		}},
	} {
		b.Run(bench.name, func(b *testing.B) { measureCalls(b, conns, bench.call) })
	}
}

func around(player func(int) string, radius int32) func(context.Context, *grpc.ClientConn, *rand.Rand) error {
	return func(ctx context.Context, c *grpc.ClientConn, random *rand.Rand) error {
		list, err := leaderboardv1.NewLeaderboardServiceClient(c).ListAround(ctx, &leaderboardv1.ListAroundRequest{
			BoardId: "b", PlayerId: player(random.IntN(benchEntries)), Radius: radius,
		})
		if n := len(list.GetEntries()); err == nil && n <= int(radius) {
			err = fmt.Errorf("the window has %d entries", n)
		}
		return err
	}
}

// measureCalls makes b.N calls from all clients at once.
func measureCalls(b *testing.B, conns []*grpc.ClientConn, call func(context.Context, *grpc.ClientConn, *rand.Rand) error) {
	took := make([][]time.Duration, len(conns))
	var left atomic.Int64
	left.Store(int64(b.N))
	for i, conn := range conns { // connect
		if err := call(b.Context(), conn, rand.New(rand.NewPCG(3, uint64(i)))); err != nil {
			b.Fatal(err)
		}
	}
	cpu := cpuTime()
	b.ResetTimer()
	var wg sync.WaitGroup
	for i, conn := range conns {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(i)))
			for left.Add(-1) >= 0 {
				begin := time.Now()
				if err := call(b.Context(), conn, random); err != nil {
					b.Error(err)
					return
				}
				took[i] = append(took[i], time.Since(begin))
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	all := slices.Concat(took...)
	slices.Sort(all)
	if len(all) == 0 {
		return
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "ops/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(all[len(all)*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(b.N), "CPU-µs/call")
}
