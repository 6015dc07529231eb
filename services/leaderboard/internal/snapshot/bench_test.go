package snapshot_test

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"runtime"
	"testing"
	"time"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// plainBoards is a catalog of the board of the benchmark: one column, no segments, no inline.
type plainBoards struct{}

func (plainBoards) Board(context.Context, string, time.Time) (board.Board, error) {
	return board.Board{ID: "b", UID: "u", Season: 1, Columns: []board.Column{{Name: "points", Descending: true}}}, nil
}

// BenchmarkRecovery stores and loads a snapshot of a million entries, with LONG=1 of ten.
func BenchmarkRecovery(b *testing.B) {
	n := 1_000_000
	if os.Getenv("LONG") != "" {
		n = 10_000_000
	}
	defer snapshot.SetChunkBytes(512 << 10)()
	client := cosmostest.StartShared(b, specs(b))
	w := newWorld(client)
	def, _ := plainBoards{}.Board(b.Context(), "b", now)
	random := rand.New(rand.NewPCG(1, 1))
	i := 0
	loaded := ranks.Load(&def, 1, func() (index.Entry, ranks.Names, bool) {
		if i == n {
			return index.Entry{}, nil, false
		}
		e := index.Entry{Version: now.UnixMicro()}
		binary.BigEndian.PutUint64(e.Player[8:], uint64(i)*0x9e3779b97f4a7c15>>8)
		e.Player[0], e.Player[1] = 1, byte(i>>16)
		e.Key = []byte(board.NewKey(def.Columns, []int64{random.Int64N(1 << 30)}, now, string(e.Player[:]), nil))
		i++
		return e, nil, true
	})
	view := ranks.NewView()
	view.Install(&def, loaded)
	w.taker.View, w.restore.Boards = view, plainBoards{}
	runtime.GC()
	for b.Loop() {
		meter := &cosmos.Meter{}
		begun := time.Now()
		state, err := w.store.State(b.Context())
		if err != nil {
			b.Fatal(err)
		}
		if err := w.taker.Take(cosmos.WithMeter(b.Context(), meter), &state); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begun).Seconds(), "s/take")
		b.ReportMetric(meter.Charge(), "RU/take")
		meter, begun = &cosmos.Meter{}, time.Now()
		w.restore.View = ranks.NewView()
		if _, err := w.restore.Restore(cosmos.WithMeter(b.Context(), meter)); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(time.Since(begun).Seconds(), "s/restore")
		b.ReportMetric(meter.Charge(), "RU/restore")
		if got, _ := w.restore.View.Season("u", 1).Count(ranks.List{}, nil, nil); got != int64(n) {
			b.Fatalf("%d entries", got)
		}
		w.restore.View.Drop("u")
	}
}
