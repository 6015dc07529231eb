package cosmosstore

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func boardSpecs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func boardSession(t testing.TB) context.Context {
	return cosmos.WithSession(t.Context(), &cosmos.Session{})
}

var boardStart = time.Date(2026, 3, 1, 10, 0, 0, 120_000_000, time.UTC)

// fullBoard says everything that a definition can say.
func fullBoard(id string) board.Board {
	low, high := int64(-1<<63), int64(1<<63-1)
	return board.Board{
		ID: id, UID: "abcdefghijklm", DisplayName: "Daily", Operator: board.Best,
		Columns:    []board.Column{{Name: "points", Descending: true, Decimals: 2, Min: &low, Max: &high}, {Name: "ms"}},
		SharedTies: true, PlayersSubmit: true, ServersSubmit: true,
		Segments: []board.Segment{{Name: "country", Source: board.FromCountry}, {Name: "platform", Source: board.FromSubmission, Values: []string{"pc", "tv"}}},
		Schedule: &board.Schedule{Cron: "0 0 * * *", Zone: "Europe/Berlin"}, Grace: time.Minute, Review: time.Hour, Retention: 90 * 24 * time.Hour,
		InlineBytes: 8, KeepAttempts: true, SubmitsPerMinute: 60,
		Rewards: []board.Tier{
			{Name: "gold", MaxRank: 1, Grants: map[string]int64{"gems": 1<<53 - 1}}, {Name: "rest", MaxPercentile: 12.5, Grants: map[string]int64{"gems": 1}},
		},
		CreateTime: boardStart, UpdateTime: boardStart, Season: 1, Start: boardStart,
		End: boardStart.Add(13 * time.Hour).Truncate(time.Hour), NextEnd: boardStart.Add(37 * time.Hour).Truncate(time.Hour),
	}
}

var ignoreBoardETags = cmp.Options{cmpopts.IgnoreFields(board.Board{}, "ETag"), cmpopts.IgnoreFields(board.Season{}, "ETag")}

func createBoard(t testing.TB, s *BoardStore, id string) board.Board {
	t.Helper()
	stored, made, err := s.Create(boardSession(t), fullBoard(id))
	if err != nil || !made {
		t.Fatalf("create: %v, %v", made, err)
	}
	return stored
}

// TestBoards is the contract of [board.Store] and [board.Seasons].
func TestBoards(t *testing.T) {
	s := NewBoards(cosmostest.StartShared(t, boardSpecs(t)), time.Now)
	ctx := boardSession(t)
	if _, err := s.Get(ctx, "b"); fault.ReasonOf(err) != "BOARD_NOT_FOUND" {
		t.Error(err)
	}
	made := createBoard(t, s, "b")
	if diff := cmp.Diff(fullBoard("b"), made, ignoreBoardETags); diff != "" {
		t.Error(diff)
	}
	other := fullBoard("b")
	other.UID = "other"
	if there, again, err := s.Create(ctx, other); again || err != nil || there.UID != made.UID {
		t.Errorf("made again: %v, %v", again, err)
	}
	got, err := s.Get(ctx, "b")
	if diff := cmp.Diff(made, got); diff != "" || err != nil {
		t.Error(err, diff)
	}
	changed, err := s.Update(ctx, "b", func(b *board.Board) (bool, error) {
		b.DisplayName = "changed"
		return true, nil
	})
	if err != nil || changed.DisplayName != "changed" || changed.ETag == got.ETag {
		t.Error(changed, err)
	}
	refusal := fault.New(fault.Aborted, "NO", "no")
	if _, err := s.Update(ctx, "b", func(*board.Board) (bool, error) { return true, refusal }); fault.ReasonOf(err) != "NO" {
		t.Error(err)
	}
	if err := s.Delete(ctx, "b", func(*board.Board) error { return refusal }); fault.ReasonOf(err) != "NO" {
		t.Error(err)
	}
	if err := s.Delete(ctx, "b", func(*board.Board) error { return nil }); err != nil {
		t.Error(err)
	}
	for what, err := range map[string]error{
		"get":    func() error { _, err := s.Get(ctx, "b"); return err }(),
		"update": func() error { _, err := s.Update(ctx, "b", nil); return err }(),
		"delete": s.Delete(ctx, "b", nil),
	} {
		if fault.ReasonOf(err) != "BOARD_NOT_FOUND" {
			t.Errorf("%s of a deleted board: %v", what, err)
		}
	}
	anew, again, err := s.Create(ctx, other)
	if err != nil || !again || anew.UID != "other" {
		t.Errorf("made after its deletion: %v, %v", again, err)
	}
	if list, err := s.Seasons(ctx, &anew, 0, 10); err != nil || len(list) != 1 || list[0].BoardUID != "other" {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestSeasons: rolling, listing, changing and finding.
func TestSeasons(t *testing.T) {
	s := NewBoards(cosmostest.StartShared(t, boardSpecs(t)), func() time.Time { return boardStart })
	ctx := boardSession(t)
	made := createBoard(t, s, "rolling")
	first, err := s.Season(ctx, &made, 1)
	if diff := cmp.Diff(board.Season{BoardID: "rolling", BoardUID: made.UID, Number: 1, State: board.Open, Start: made.Start, End: made.End}, first, ignoreBoardETags); diff != "" || err != nil {
		t.Error(err, diff)
	}
	if _, err := s.Season(ctx, &made, 2); fault.ReasonOf(err) != "SEASON_NOT_FOUND" {
		t.Error(err)
	}
	rolled, err := s.Roll(ctx, "rolling", 1)
	if err != nil || rolled.Season != 2 || !rolled.Start.Equal(made.End) || !rolled.End.Equal(made.NextEnd) || !rolled.NextEnd.After(rolled.End) {
		t.Fatalf("%+v, %v", rolled, err)
	}
	if again, err := s.Roll(ctx, "rolling", 1); err != nil || again.Season != 2 {
		t.Errorf("rolled twice: %d, %v", again.Season, err)
	}
	closed, err := s.Season(ctx, &rolled, 1)
	if err != nil || closed.State != board.Closing || !closed.NextTime.Equal(made.End.Add(made.Grace+board.SettleTime)) {
		t.Errorf("%+v, %v", closed, err)
	}
	list, err := s.Seasons(ctx, &rolled, 0, 10)
	if err != nil || len(list) != 2 || list[0].Number != 2 || list[1].Number != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	if list, err = s.Seasons(ctx, &rolled, 2, 10); err != nil || len(list) != 1 || list[0].Number != 1 {
		t.Errorf("%+v, %v", list, err)
	}
	want := goldenSeasonValue
	want.BoardID, want.BoardUID, want.Number = "rolling", made.UID, 1
	stored, err := s.UpdateSeason(ctx, &rolled, 1, func(season *board.Season) (bool, error) {
		etag := season.ETag
		*season = want
		season.ETag = etag
		return true, nil
	})
	if diff := cmp.Diff(want, stored, ignoreBoardETags); diff != "" || err != nil {
		t.Error(err, diff)
	}
	due := func(now time.Time) (list []string) {
		if err := s.Due(ctx, now, func(id, uid string, number int64) error {
			if id == "rolling" {
				list = append(list, fmt.Sprint(uid, number))
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		slices.Sort(list)
		return list
	}
	if got := due(rolled.End.Add(-time.Second)); len(got) != 1 || got[0] != made.UID+"1" {
		t.Errorf("due are %v", got)
	}
	if got := due(rolled.End); len(got) != 2 {
		t.Errorf("due are %v", got)
	}
	for range 2 {
		if err := s.Forget(ctx, "rolling", made.UID, 1); err != nil {
			t.Error(err)
		}
	}
	if list, err = s.Seasons(ctx, &rolled, 0, 10); err != nil || len(list) != 1 {
		t.Errorf("%+v, %v", list, err)
	}
}

// TestStoreTimes: what the store dates is dated by the store's clock, and stays so.
func TestStoreTimes(t *testing.T) {
	frozen := emulator.NewFrozenClock(boardStart)
	client, e := cosmostest.StartEmulator(t, "a clock of its own", boardSpecs(t), emulatortest.WithClock(frozen))
	s := NewBoards(client, func() time.Time { return boardStart.Add(time.Hour) })
	b := createBoard(t, s, "b")
	for _, state := range []board.State{board.Frozen, board.Archived} {
		if _, err := s.UpdateSeason(t.Context(), &b, 1, func(season *board.Season) (bool, error) {
			season.State = state
			return true, nil
		}); err != nil {
			t.Fatal(err)
		}
		took := e.Clock().Now().Truncate(time.Second)
		for range 2 {
			e.Clock().Advance(time.Minute)
			season, err := s.Season(t.Context(), &b, 1)
			got := map[board.State]time.Time{board.Frozen: season.FreezeTime, board.Archived: season.ArchiveTime}[state]
			if err != nil || !got.Equal(took) {
				t.Errorf("state %d: %v, want %v, %v", state, got, took, err)
			}
			if _, err := s.UpdateSeason(t.Context(), &b, 1, func(season *board.Season) (bool, error) {
				season.LateWrites++
				return true, nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

var boardFaults = map[string]emulator.Fault{
	"410":                   {Status: 410, Substatus: 1002},
	"429":                   {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond},
	"449":                   {Status: 449},
	"500":                   {Status: 500},
	"503":                   {Status: 503},
	"cut before the commit": {DropBefore: true},
	"cut after the commit":  {DropAfter: true},
	"503 after the commit":  {Status: 503, After: true},
}

// TestBoardsUnderFaults: a season is opened once and a change is made once, whatever becomes of the request.
func TestBoardsUnderFaults(t *testing.T) {
	var group sync.WaitGroup // they wait more than they compute
	for name, failure := range boardFaults {
		group.Go(func() {
			t.Run(name, func(t *testing.T) {
				client, e := cosmostest.StartEmulator(t, "faults on order", boardSpecs(t))
				s := NewBoards(client, time.Now)
				inject := func(op emulator.Op) {
					f := failure
					f.Op, f.Container, f.Count = op, Boards, 1
					e.Inject(f)
				}
				inject(emulator.OpBatch)
				createBoard(t, s, "b")
				inject(emulator.OpBatch)
				rolled, err := s.Roll(boardSession(t), "b", 1)
				if err != nil || rolled.Season != 2 {
					t.Fatalf("roll: %d, %v", rolled.Season, err)
				}
				inject(emulator.OpReplace)
				runs := 0
				season, err := s.UpdateSeason(boardSession(t), &rolled, 1, func(season *board.Season) (bool, error) {
					runs++
					season.LateWrites++
					return true, nil
				})
				if err != nil || season.LateWrites != 1 || runs > 2 {
					t.Errorf("update: %+v after %d runs, %v", season, runs, err)
				}
				if list, err := s.Seasons(boardSession(t), &rolled, 0, 10); err != nil || len(list) != 2 || list[1].LateWrites != 1 {
					t.Errorf("%+v, %v", list, err)
				}
			})
		})
	}
	group.Wait()
}

// TestRollRacesUpdate: a definition that is changed while its season is rolled keeps both.
func TestRollRacesUpdate(t *testing.T) {
	s := NewBoards(cosmostest.StartShared(t, boardSpecs(t)), time.Now)
	createBoard(t, s, "raced")
	runs := 0
	b, err := s.Update(boardSession(t), "raced", func(b *board.Board) (bool, error) {
		if runs++; runs == 1 { // the rival writes first
			if _, err := s.Roll(boardSession(t), "raced", 1); err != nil {
				t.Error(err)
			}
		}
		b.DisplayName = "mine"
		return true, nil
	})
	if err != nil || runs != 2 || b.Season != 2 || b.DisplayName != "mine" {
		t.Errorf("%+v after %d runs, %v", b, runs, err)
	}
	var group sync.WaitGroup
	for range 16 { // all see the same end
		group.Go(func() {
			if b, err := s.Roll(boardSession(t), "raced", 2); err != nil || b.Season != 3 {
				t.Errorf("%d, %v", b.Season, err)
			}
		})
	}
	group.Wait()
	if list, err := s.Seasons(boardSession(t), &b, 0, 10); err != nil || len(list) != 2 { // b knows of two
		t.Errorf("%+v, %v", list, err)
	}
}

// boardsDirVariable makes this test binary an emulator on a folder, for the test that kills it.
const boardsDirVariable = "LEADERBOARD_TEST_BOARDS_DATA"

// TestBoardsEmulator is that emulator.
func TestBoardsEmulator(t *testing.T) {
	dir := os.Getenv(boardsDirVariable)
	if dir == "" {
		return
	}
	e, err := emulator.New(emulator.Options{DataDir: dir})
	if err != nil {
		t.Fatal(err)
	}
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println("address", addr)
	select {}
}

func startKillableBoards(t *testing.T, dir string) (*BoardStore, *exec.Cmd) {
	t.Helper()
	command := exec.Command(os.Args[0], "-test.run=^TestBoardsEmulator$", "-test.timeout=1m")
	command.Env = append(os.Environ(), boardsDirVariable+"="+dir)
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill() // it may be dead already
		_ = command.Wait()
	})
	addr := ""
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		if _, after, ok := strings.Cut(lines.Text(), "address "); ok {
			addr = after
		}
	}
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "http://" + addr, Key: config.NewSecret(emulator.WellKnownKey), Database: "supergame", Create: true,
	}, cosmos.Options{Patience: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	if err := client.Prepare(t.Context(), boardSpecs(t)); err != nil {
		t.Fatal(err)
	}
	return NewBoards(client, time.Now), command
}

// TestKillWhileRolling ends the store's process with -9 between rolls: no season is closed without its successor, or opened twice.
func TestKillWhileRolling(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("kills the store, which only the embedded emulator lets one do")
	}
	dir := t.TempDir()
	s, process := startKillableBoards(t, dir)
	createBoard(t, s, "b")
	acknowledged := int64(1)
	for ctx := boardSession(t); ; {
		if acknowledged == 20 {
			go func() { _ = process.Process.Kill() }() // while the next is on its way
		}
		b, err := s.Roll(ctx, "b", acknowledged)
		if err != nil {
			break
		}
		acknowledged = b.Season
	}
	_ = process.Wait() // killed: it has an error
	s, _ = startKillableBoards(t, dir)
	b, err := s.Get(boardSession(t), "b")
	if err != nil || b.Season < acknowledged || b.Season > acknowledged+1 {
		t.Fatalf("season %d, %d was acknowledged, %v", b.Season, acknowledged, err)
	}
	list, err := s.Seasons(boardSession(t), &b, 0, 1000)
	if err != nil || int64(len(list)) != b.Season {
		t.Fatalf("%d seasons, %v", len(list), err)
	}
	for i, season := range list {
		if open := season.State == board.Open; open != (i == 0) {
			t.Errorf("season %d is in state %d", season.Number, season.State)
		}
		if i > 0 && !season.End.Equal(list[i-1].Start) {
			t.Errorf("season %d ends at %v, the next begins at %v", season.Number, season.End, list[i-1].Start)
		}
	}
}
