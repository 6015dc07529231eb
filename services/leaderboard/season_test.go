package leaderboard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/protobuf/types/known/durationpb"

	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// Apply stands in for the wallet: a request counts once.
func (p *fakeProfile) Apply(_ context.Context, r *profilev1.ApplyRequest) (*profilev1.ApplyResponse, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.calls["Apply"]++
	if p.missing[r.GetPlayerId()] {
		return nil, fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no such player")
	}
	if p.wallet == nil {
		p.wallet = map[string]string{}
	}
	text := r.GetKind().String() + r.GetReason()
	for _, line := range r.GetLines() {
		text += fmt.Sprintf(" %s%s:%d", line.GetAsset().GetCurrency(), line.GetAsset().GetItem(), line.GetAmount())
	}
	p.wallet[r.GetPlayerId()+" "+r.GetRequestId()] = text
	return &profilev1.ApplyResponse{}, nil
}

// hourlyBoard has seasons, rewards and segments.
func hourlyBoard(l *leaderboardv1.Leaderboard) {
	l.Schedule = &leaderboardv1.Schedule{Cron: "0 * * * *", TimeZone: "Europe/Berlin"}
	l.Review, l.InlineBytes = durationpb.New(time.Hour), 4
	l.Segments = []*leaderboardv1.Segment{{Name: "league", Source: leaderboardv1.Segment_SOURCE_SUBMISSION, Values: []string{"a", "b"}}}
	l.Rewards = []*leaderboardv1.RewardTier{
		{Tier: "gold", MaxRank: 1, Grants: map[string]int64{"gems": 100, "item.crown": 1}}, {Tier: "half", MaxPercentile: 67, Grants: map[string]int64{"gems": 5}},
	}
}

// seasonWorld is a world whose clock can be moved, with a board of hourly seasons.
type seasonWorld struct {
	*world
	t   *testing.T
	e   *emulatortest.Emulator
	db  string
	uid string
}

func startSeasons(t *testing.T, change func(*leaderboard.Config), options ...emulatortest.Option) *seasonWorld {
	t.Helper()
	client, e := cosmostest.StartEmulator(t, "a clock of its own", containers(t), options...)
	s := &seasonWorld{t: t, e: e, db: client.Database()}
	s.world = start(t, setup{client: client, now: e.Clock().Now, config: change})
	s.uid = s.makeBoard(t, points("hourly", hourlyBoard)).GetUid()
	return s
}

// submitLeague submits with a segment.
func (s *seasonWorld) submitLeague(player, league string, score int64) {
	s.t.Helper()
	r := submission("r-"+player[:3]+fmt.Sprint(score), "hourly", score)
	r.Scores[0].Segments = map[string]string{"league": league}
	if _, err := s.player(s.t, player).SubmitScore(session(s.t), r); err != nil {
		s.t.Fatal(err)
	}
}

// until moves the clock until a season is in a state.
func (s *seasonWorld) until(number int64, state leaderboardv1.Season_State) *leaderboardv1.Season {
	s.t.Helper()
	var season *leaderboardv1.Season
	eventually(s.t, state.String(), func() bool {
		answer, err := s.operator(s.t).GetSeason(s.t.Context(), &leaderboardv1.GetSeasonRequest{BoardId: "hourly", Season: number})
		if err != nil {
			s.t.Fatal(err)
		}
		if season = answer.GetSeason(); season.GetState() >= state {
			return true
		}
		s.e.Clock().Advance(5 * time.Second)
		time.Sleep(20 * time.Millisecond)
		return false
	})
	return season
}

// page is the players of a season, best first, with their ranks.
func (s *seasonWorld) page(number int64, league string) string {
	s.t.Helper()
	r := &leaderboardv1.ListEntriesRequest{BoardId: "hourly", Season: number, PageSize: 100}
	if league != "" {
		r.Segment = &leaderboardv1.SegmentFilter{Name: "league", Value: league}
	}
	answer, err := s.operator(s.t).ListEntries(session(s.t), r)
	if err != nil {
		s.t.Fatal(err)
	}
	text := fmt.Sprint(answer.GetTotal(), ":")
	for _, e := range answer.GetEntries() {
		text += fmt.Sprintf(" %d %s %d", e.GetRank(), e.GetPlayerId()[:3], e.GetColumns()[0])
	}
	return text
}

// TestSeasonOverTheWire plays a season with its archive, review and rewards, as clients see it.
func TestSeasonOverTheWire(t *testing.T) {
	t.Parallel()
	s := startSeasons(t, nil)
	for i, id := range []string{ada, bob, cem, dan} {
		s.submitLeague(id, []string{"a", "b"}[i%2], int64(100-i))
	}
	s.e.Clock().Advance(time.Hour)
	s.until(1, leaderboardv1.Season_STATE_CLOSING)
	s.submitLeague(dan, "a", 1) // in the next season
	before := s.page(1, "")
	season := s.until(1, leaderboardv1.Season_STATE_REVIEW)
	if season.GetEntryCount() != 4 || season.GetArchiveVersion() != 1 || len(season.GetArchiveChecksum()) != 64 {
		t.Errorf("%v", season)
	}
	want := "4: 1 01A 100 2 01B 99 3 01C 98 4 01D 97"
	if got := s.page(1, ""); got != want || got != before {
		t.Errorf("archived are %s, before it was %s", got, before)
	}
	if got := s.page(1, "b"); got != "2: 1 01B 99 2 01D 97" {
		t.Errorf("in a segment are %s", got)
	}
	if got := s.page(0, ""); got != "1: 1 01D 1" {
		t.Errorf("in the next season are %s", got)
	}
	ctx := session(t)
	rank, err := s.player(t, cem).GetRank(ctx, &leaderboardv1.GetRankRequest{BoardId: "hourly", Season: 1})
	if err != nil || rank.GetEntry().GetRank() != 3 || rank.GetTotal() != 4 || rank.GetPercentile() != 75 {
		t.Errorf("%v, %v", rank, err)
	}
	around, err := s.player(t, cem).ListAround(ctx, &leaderboardv1.ListAroundRequest{BoardId: "hourly", Season: 1, Radius: 1})
	if err != nil || len(around.GetEntries()) != 3 || around.GetEntries()[1].GetPlayerId() != cem {
		t.Errorf("%v, %v", around, err)
	}
	count, err := s.operator(t).CountEntries(ctx, &leaderboardv1.CountEntriesRequest{BoardId: "hourly", Season: 1, Worst: []int64{98}})
	if err != nil || count.GetCount() != 3 {
		t.Errorf("%v, %v", count, err)
	}
	some, err := s.operator(t).BatchGetEntries(ctx, &leaderboardv1.BatchGetEntriesRequest{BoardId: "hourly", Season: 1, PlayerIds: []string{dan, ada, nobody}})
	if err != nil || len(some.GetEntries()) != 2 || some.GetEntries()[1].GetGlobalRank() != 4 {
		t.Errorf("%v, %v", some, err)
	}
	if _, err := s.operator(t).HideEntry(ctx, &leaderboardv1.HideEntryRequest{BoardId: "hourly", PlayerId: ada, Season: 1}); fault.ReasonOf(err) != "SEASON_ARCHIVED" {
		t.Errorf("hide: %v", err)
	}
	for range 2 { // safe to repeat
		out, err := s.operator(t).DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "hourly", PlayerId: ada, Season: 1, Reason: "cheat"})
		if err != nil || out.GetSeason().GetArchiveVersion() != 2 || out.GetSeason().GetEntryCount() != 3 || out.GetSeason().GetArchiveChecksum() == season.GetArchiveChecksum() {
			t.Fatalf("%v, %v", out, err)
		}
	}
	s.e.Clock().Advance(6 * time.Second)
	if got := s.page(1, ""); got != "3: 1 01B 99 2 01C 98 3 01D 97" {
		t.Errorf("without the disqualified are %s", got)
	}
	s.e.Clock().Advance(time.Hour)
	season = s.until(1, leaderboardv1.Season_STATE_REWARDED)
	if season.GetGrantCount() != 2 || season.GetForfeitCount() != 0 {
		t.Errorf("%v", season)
	}
	s.profile.mu.Lock()
	wallet := fmt.Sprint(slices.Sorted(maps.Values(s.profile.wallet)))
	s.profile.mu.Unlock()
	if wallet != "[LEDGER_KIND_REWARDseason 1 of hourly: gold gems:100 crown:1 LEDGER_KIND_REWARDseason 1 of hourly: half gems:5]" {
		t.Error(wallet)
	}
	grants, err := s.player(t, bob).ListGrants(ctx, &leaderboardv1.ListGrantsRequest{})
	if err != nil || len(grants.GetGrants()) != 1 || grants.GetGrants()[0].GetTier() != "gold" || grants.GetGrants()[0].GetRank() != 1 ||
		grants.GetGrants()[0].GetState() != leaderboardv1.Grant_STATE_GRANTED {
		t.Errorf("%v, %v", grants, err)
	}
	list, err := s.player(t, bob).ListSeasons(ctx, &leaderboardv1.ListSeasonsRequest{BoardId: "hourly", PageSize: 1})
	if err != nil || len(list.GetSeasons()) != 1 || list.GetNextPageToken() == "" {
		t.Fatalf("%v, %v", list, err)
	}
	newest := list.GetSeasons()[0].GetSeason()
	for next := newest - 1; list.GetNextPageToken() != ""; next-- {
		list, err = s.player(t, bob).ListSeasons(ctx, &leaderboardv1.ListSeasonsRequest{BoardId: "hourly", PageSize: 1, PageToken: list.GetNextPageToken()})
		if err != nil || len(list.GetSeasons()) != 1 || list.GetSeasons()[0].GetSeason() != next {
			t.Fatalf("%v, %v", list, err)
		}
	}
}

// TestSeasonRefusals: bad requests.
func TestSeasonRefusals(t *testing.T) {
	t.Parallel()
	w := start(t, setup{})
	w.makeBoard(t, points("plain"))
	ctx := t.Context()
	ops, bobs := w.operator(t), w.player(t, bob)
	errOf := func(_ any, err error) error { return err }
	for want, err := range map[string]error{
		"get, BOARD_NOT_FOUND":               errOf(bobs.GetSeason(ctx, &leaderboardv1.GetSeasonRequest{BoardId: "none"})),
		"get, SEASON_NOT_FOUND":              errOf(bobs.GetSeason(ctx, &leaderboardv1.GetSeasonRequest{BoardId: "plain", Season: 2})),
		"list, BOARD_NOT_FOUND":              errOf(bobs.ListSeasons(ctx, &leaderboardv1.ListSeasonsRequest{BoardId: "none"})),
		"list, BAD_PAGE_TOKEN":               errOf(bobs.ListSeasons(ctx, &leaderboardv1.ListSeasonsRequest{BoardId: "plain", PageToken: "AAAA"})),
		"disqualify, NOT_IN_REVIEW":          errOf(ops.DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "plain", PlayerId: bob, Season: 1})),
		"disqualify, BOARD_NOT_FOUND":        errOf(ops.DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "none", PlayerId: bob, Season: 1})),
		"disqualify, SEASON_NOT_FOUND":       errOf(ops.DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "plain", PlayerId: bob, Season: 7})),
		"disqualify by a player, FORBIDDEN":  errOf(bobs.DisqualifyEntry(ctx, &leaderboardv1.DisqualifyEntryRequest{BoardId: "plain", PlayerId: bob, Season: 1})),
		"grants of another, NOT_YOUR_GRANTS": errOf(bobs.ListGrants(ctx, &leaderboardv1.ListGrantsRequest{PlayerId: ada})),
		"grants, BAD_PAGE_TOKEN":             errOf(bobs.ListGrants(ctx, &leaderboardv1.ListGrantsRequest{PageToken: "AAAA"})),
		"grants of nobody, ":                 errOf(ops.ListGrants(ctx, &leaderboardv1.ListGrantsRequest{PlayerId: nobody})),
	} {
		_, reason, _ := strings.Cut(want, ", ")
		switch {
		case reason == "FORBIDDEN":
			if !fault.Is(err, fault.PermissionDenied) {
				t.Errorf("%s: %v", want, err)
			}
		case reason == "" && err != nil, reason != "" && fault.ReasonOf(err) != reason:
			t.Errorf("%s: %v", want, err)
		}
	}
	if _, err := ops.ListGrants(ctx, &leaderboardv1.ListGrantsRequest{}); !fault.Is(err, fault.InvalidArgument) {
		t.Errorf("an operator's own grants: %v", err)
	}
}

// stored are all documents of the service that a text stands in, by container and id.
func (s *seasonWorld) stored(text string) map[string]map[string]any {
	s.t.Helper()
	client := cosmostest.Open(s.t, s.e, s.db, containers(s.t))
	found := map[string]map[string]any{}
	for _, spec := range containers(s.t) {
		rows, err := cosmos.Select[map[string]any](s.t.Context(), client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"))
		if err != nil {
			s.t.Fatal(err)
		}
		for _, row := range rows {
			body, err := json.Marshal(row)
			if err != nil {
				s.t.Fatal(err)
			}
			if strings.Contains(string(body), text) {
				found[fmt.Sprint(spec.ID, " ", row["id"])] = row
			}
		}
	}
	return found
}

// TestEraseOverTheWire erases a player who stands in the open season, in an archive and in a snapshot: he is in no answer, also of a replica that
// starts afterwards, nothing of his scores is stored, and everybody else stays in his place.
func TestEraseOverTheWire(t *testing.T) {
	t.Parallel()
	every := func(c *leaderboard.Config) { c.SnapshotEvery = 10 * time.Millisecond }
	s := startSeasons(t, every)
	for i, id := range []string{ada, bob, cem} {
		s.submitLeague(id, "a", int64(100-i))
	}
	s.e.Clock().Advance(time.Hour)
	s.until(1, leaderboardv1.Season_STATE_REVIEW)
	for i, id := range []string{ada, bob, cem} {
		s.submitLeague(id, "b", int64(1000-i))
	}
	profile := leaderboardv1.NewPlayerDataServiceClient(s.Dial(t, s.authority.Service("profile")))
	documents := s.export(profile, bob)
	if len(documents["leaderboard-entries"]) != 2 || len(documents["leaderboard-archives"]) != 1 {
		t.Errorf("exported are %v", documents)
	}
	if row := documents["leaderboard-archives"][0]; row["rank"] != 2.0 || row["board"] != "hourly" || row["season"] != 1.0 {
		t.Errorf("exported is %v", row)
	}
	deleted := map[string]int64{}
	var covered []string
	calls := 0
	eventually(t, "erased", func() bool {
		answer, err := profile.ErasePlayer(session(t), &leaderboardv1.ErasePlayerRequest{PlayerId: bob})
		if err != nil {
			t.Fatal(err)
		}
		for container, n := range answer.GetDeleted() {
			deleted[container] += n
		}
		if text, err := os.ReadFile("testdata/playerdata.json"); err != nil || json.Unmarshal(text, &covered) != nil || !slices.Equal(covered, answer.GetContainers()) {
			t.Errorf("ErasePlayer names %v, testdata/playerdata.json %v, %v", answer.GetContainers(), covered, err)
		}
		if calls++; answer.GetDone() {
			return true
		}
		s.e.Clock().Advance(20 * time.Second)
		time.Sleep(50 * time.Millisecond)
		return false
	})
	if calls < 7 || deleted["leaderboard-entries"] < 2 || deleted["leaderboard-archives"] != 1 {
		t.Errorf("%v in %d calls", deleted, calls)
	}
	check := func(w *seasonWorld) {
		t.Helper()
		if got := w.page(1, ""); got != "2: 1 01A 100 3 01C 98" { // he leaves a gap
			t.Errorf("archived are %s", got)
		}
		if got := w.page(1, "a"); got != "2: 1 01A 100 3 01C 98" {
			t.Errorf("in a segment are %s", got)
		}
		if got := w.page(2, "b"); got != "2: 1 01A 1000 2 01C 998" {
			t.Errorf("in the open season are %s", got)
		}
		for number := range int64(3) {
			count, err := w.operator(t).CountEntries(session(t), &leaderboardv1.CountEntriesRequest{BoardId: "hourly", Season: number})
			if err != nil || count.GetCount() != 2 && number != 0 {
				t.Errorf("season %d: %v, %v", number, count, err)
			}
			some, err := w.operator(t).BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "hourly", Season: number, PlayerIds: []string{bob}})
			if err != nil || len(some.GetEntries()) != 0 {
				t.Errorf("season %d: %v, %v", number, some, err)
			}
		}
	}
	check(s)
	for id, doc := range s.stored(bob) {
		if doc["deleted"] != true && doc["type"] != "erasure" || doc["k"] != nil || doc["columns"] != nil || doc["archivedK"] != nil {
			t.Errorf("%s is left: %v", id, doc)
		}
	}
	if documents := s.export(profile, bob); len(documents) != 0 {
		t.Errorf("exported are %v", documents)
	}
	restarted := *s
	restarted.world = start(t, setup{client: cosmostest.Open(t, s.e, s.db, containers(t)), now: s.e.Clock().Now})
	check(&restarted)
}

// export is what a player is given, by container.
func (s *seasonWorld) export(client leaderboardv1.PlayerDataServiceClient, player string) map[string][]map[string]any {
	s.t.Helper()
	stream, err := client.ExportPlayer(session(s.t), &leaderboardv1.ExportPlayerRequest{PlayerId: player})
	if err != nil {
		s.t.Fatal(err)
	}
	found := map[string][]map[string]any{}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return found
		}
		if err != nil {
			s.t.Fatal(err)
		}
		if d := part.GetDocument(); d != nil {
			found[d.GetContainer()] = append(found[d.GetContainer()], d.GetContent().AsMap())
		}
	}
}
