package leaderboard_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/fieldmaskpb"
	"google.golang.org/protobuf/types/known/structpb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// TestALifeOfABoard makes a board, changes it, lists it and removes it; made again it starts empty.
func TestALifeOfABoard(t *testing.T) {
	w := start(t, setup{})
	operator := w.operator(t)
	made := w.makeBoard(t, points("b"))
	again, err := operator.CreateLeaderboard(session(t), &leaderboardv1.CreateLeaderboardRequest{Leaderboard: points("b")})
	if err != nil || again.GetCreated() || again.GetLeaderboard().GetUid() != made.GetUid() {
		t.Errorf("made again: %v, %v", again, err)
	}
	other := points("b", withOperator(leaderboardv1.Operator_OPERATOR_SUM))
	if _, err := operator.CreateLeaderboard(session(t), &leaderboardv1.CreateLeaderboardRequest{Leaderboard: other}); fault.ReasonOf(err) != "BOARD_EXISTS" {
		t.Errorf("another definition: %v", err)
	}
	w.score(t, ada, "r1", "b", 10)

	changed, err := operator.UpdateLeaderboard(session(t), &leaderboardv1.UpdateLeaderboardRequest{
		Leaderboard: &leaderboardv1.Leaderboard{BoardId: "b", DisplayName: "B", Etag: made.GetEtag()}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
	})
	if err != nil || changed.GetLeaderboard().GetDisplayName() != "B" {
		t.Fatalf("update: %v, %v", changed, err)
	}
	_, err = operator.UpdateLeaderboard(session(t), &leaderboardv1.UpdateLeaderboardRequest{
		Leaderboard: &leaderboardv1.Leaderboard{BoardId: "b", DisplayName: "C", Etag: made.GetEtag()}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
	})
	if fault.ReasonOf(err) != "ETAG_MISMATCH" {
		t.Errorf("update of an old version: %v", err)
	}
	got, err := operator.GetLeaderboard(session(t), &leaderboardv1.GetLeaderboardRequest{BoardId: "b"})
	if err != nil || !proto.Equal(got.GetLeaderboard(), changed.GetLeaderboard()) {
		t.Errorf("get: %v, %v, want %v", got, err, changed)
	}
	if _, err := operator.DeleteLeaderboard(session(t), &leaderboardv1.DeleteLeaderboardRequest{BoardId: "b"}); err != nil {
		t.Fatal(err)
	}
	if _, err := operator.DeleteLeaderboard(session(t), &leaderboardv1.DeleteLeaderboardRequest{BoardId: "b"}); fault.ReasonOf(err) != "BOARD_NOT_FOUND" {
		t.Errorf("deleted again: %v", err)
	}
	anew := w.makeBoard(t, points("b"))
	if anew.GetUid() == made.GetUid() {
		t.Error("a board made again has the uid of the old one")
	}
	eventually(t, "the new board is empty", func() bool {
		players, _ := w.order(t, "b")
		return len(players) == 0
	})
	w.score(t, bob, "r1", "b", 5)
	if players, _ := w.order(t, "b"); !slices.Equal(players, []string{bob}) {
		t.Errorf("the new board has %v", players)
	}
}

func TestBoardsAreListedByName(t *testing.T) {
	w := start(t, setup{})
	for i := range 5 {
		w.makeBoard(t, points(fmt.Sprintf("b%d", 4-i)))
	}
	var names []string
	for token := ""; ; {
		page, err := w.player(t, ada).ListLeaderboards(session(t), &leaderboardv1.ListLeaderboardsRequest{PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, l := range page.GetLeaderboards() {
			names = append(names, l.GetBoardId())
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	if !slices.Equal(names, []string{"b0", "b1", "b2", "b3", "b4"}) {
		t.Errorf("listed %v", names)
	}
}

// TestScoresAreRanked submits as players do and reads the board in every way there is.
func TestScoresAreRanked(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) { l.InlineBytes = 4 }))
	for i, player := range []string{ada, bob, cem, dan} {
		w.score(t, player, "r1", "b", int64(10*i))
	}
	outcome := w.score(t, ada, "r2", "b", 25)
	if !outcome.GetImproved() || outcome.GetEntry().GetRank() != 2 {
		t.Errorf("25 points: %v", outcome)
	}
	outcome = w.score(t, ada, "r3", "b", 20)
	if outcome.GetImproved() || outcome.GetEntry().GetColumns()[0] != 25 || outcome.GetEntry().GetRank() != 2 {
		t.Errorf("20 points after 25: %v", outcome)
	}
	if players, ranks := w.order(t, "b"); !slices.Equal(players, []string{dan, ada, cem, bob}) || !slices.Equal(ranks, []int64{1, 2, 3, 4}) {
		t.Errorf("the board is %v, %v", players, ranks)
	}
	rank, err := w.player(t, cem).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b"})
	if err != nil || rank.GetEntry().GetRank() != 3 || rank.GetTotal() != 4 || rank.GetPercentile() != 75 || rank.GetFreshness().GetAsOfTime() == nil ||
		rank.GetFreshness().GetEstimated() {
		t.Errorf("rank: %v, %v", rank, err)
	}
	none, err := w.operator(t).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: nobody})
	if err != nil || none.GetEntry() != nil || none.GetTotal() != 4 {
		t.Errorf("rank of nobody: %v, %v", none, err)
	}
	around, err := w.player(t, ada).ListAround(session(t), &leaderboardv1.ListAroundRequest{BoardId: "b", Radius: 1})
	if err != nil || !slices.Equal(playersOf(around.GetEntries()), []string{dan, ada, cem}) {
		t.Errorf("around: %v, %v", around, err)
	}
	among, err := w.operator(t).BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "b", PlayerIds: []string{bob, nobody, ada}})
	if err != nil || !slices.Equal(playersOf(among.GetEntries()), []string{ada, bob}) || among.GetEntries()[1].GetRank() != 2 ||
		among.GetEntries()[1].GetGlobalRank() != 4 {
		t.Errorf("among: %v, %v", among, err)
	}
	for _, test := range []struct {
		best, worst []int64
		want        int64
	}{{nil, nil, 4}, {[]int64{25}, nil, 3}, {nil, []int64{20}, 3}, {[]int64{25}, []int64{20}, 2}} {
		count, err := w.operator(t).CountEntries(session(t), &leaderboardv1.CountEntriesRequest{BoardId: "b", Best: test.best, Worst: test.worst})
		if err != nil || count.GetCount() != test.want {
			t.Errorf("count from %v to %v: %v, %v", test.best, test.worst, count, err)
		}
	}
}

func playersOf(entries []*leaderboardv1.Entry) (players []string) {
	for _, e := range entries {
		players = append(players, e.GetPlayerId())
	}
	return players
}

// TestPagesSkipNobody walks a board page by page while the last one seen moves away.
func TestPagesSkipNobody(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	for i, player := range []string{ada, bob, cem, dan} {
		w.score(t, player, "r1", "b", int64(40-10*i))
	}
	read := func(token string) *leaderboardv1.ListEntriesResponse {
		page, err := w.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", PageSize: 2, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		return page
	}
	first := read("")
	w.score(t, bob, "r2", "b", 100)
	second := read(first.GetNextPageToken())
	if got := append(playersOf(first.GetEntries()), playersOf(second.GetEntries())...); !slices.Equal(got, []string{ada, bob, cem, dan}) || second.GetNextPageToken() != "" {
		t.Errorf("the pages show %v", got)
	}
	from, err := w.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", StartRank: 3})
	if err != nil || !slices.Equal(playersOf(from.GetEntries()), []string{cem, dan}) {
		t.Errorf("from place 3: %v, %v", from, err)
	}
}

// TestDetails reads metadata, inline bytes, names and friends.
func TestDetails(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) { l.InlineBytes = 4 }))
	metadata, err := structpb.NewStruct(map[string]any{"ship": "falcon", "laps": 3})
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.player(t, ada).SubmitScore(session(t), &leaderboardv1.SubmitScoreRequest{RequestId: "r1", Scores: []*leaderboardv1.Score{
		{BoardId: "b", Columns: []int64{5}, Metadata: metadata, Inline: []byte("abcd")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	w.score(t, bob, "r1", "b", 6)
	w.score(t, cem, "r1", "b", 7)
	w.profile.set(&profilev1.Profile{PlayerId: ada, DisplayName: "Ada"})
	w.profile.missing[bob] = true
	w.profile.relations[ada] = []*profilev1.Relation{
		{PlayerId: bob, Friends: true}, {PlayerId: cem, Friends: true, BlockedBy: true}, {PlayerId: dan, Friends: true},
	}
	full, err := w.player(t, ada).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", View: leaderboardv1.View_VIEW_FULL})
	if err != nil || !proto.Equal(full.GetEntry().GetMetadata(), metadata) || string(full.GetEntry().GetInline()) != "abcd" {
		t.Errorf("full: %v, %v", full, err)
	}
	for range 2 { // the second from memory
		list, err := w.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", WithProfiles: true, View: leaderboardv1.View_VIEW_FULL})
		if err != nil || len(list.GetEntries()) != 3 {
			t.Fatalf("list: %v, %v", list, err)
		}
		bobs, adas := list.GetEntries()[1], list.GetEntries()[2]
		if !bobs.GetConcealed() || adas.GetConcealed() || adas.GetDisplayName() != "Ada" || !proto.Equal(adas.GetMetadata(), metadata) {
			t.Errorf("list: %v", list)
		}
	}
	if n := w.profile.called("BatchGetProfiles"); n != 1 {
		t.Errorf("names were asked for %d times", n)
	}
	friends, err := w.player(t, ada).ListFriendEntries(session(t), &leaderboardv1.ListFriendEntriesRequest{BoardId: "b", PageSize: 1})
	if err != nil || !slices.Equal(playersOf(friends.GetEntries()), []string{bob}) || friends.GetTotal() != 2 || friends.GetEntries()[0].GetGlobalRank() != 2 {
		t.Fatalf("friends: %v, %v", friends, err)
	}
	friends, err = w.player(t, ada).ListFriendEntries(session(t), &leaderboardv1.ListFriendEntriesRequest{
		BoardId: "b", PageSize: 1, PageToken: friends.GetNextPageToken(),
	})
	if err != nil || !slices.Equal(playersOf(friends.GetEntries()), []string{ada}) || friends.GetEntries()[0].GetRank() != 2 || friends.GetNextPageToken() != "" {
		t.Errorf("friends, second page: %v, %v", friends, err)
	}
	if _, err := w.player(t, ada).ListFriendEntries(session(t), &leaderboardv1.ListFriendEntriesRequest{BoardId: "b", PlayerId: bob}); fault.ReasonOf(err) != "NOT_YOUR_FRIENDS" {
		t.Errorf("another's friends: %v", err)
	}
}

// TestErasedPlayersAreShownNowhere reads a board on which a player is being erased whose entries are still there.
func TestErasedPlayersAreShownNowhere(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	w.score(t, ada, "r1", "b", 5)
	w.score(t, bob, "r1", "b", 6)
	w.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: bob})
	if players, _ := w.order(t, "b"); !slices.Equal(players, []string{ada}) {
		t.Errorf("the board shows %v", players)
	}
	among, err := w.operator(t).BatchGetEntries(session(t), &leaderboardv1.BatchGetEntriesRequest{BoardId: "b", PlayerIds: []string{ada, bob}})
	if err != nil || !slices.Equal(playersOf(among.GetEntries()), []string{ada}) {
		t.Errorf("among: %v, %v", among, err)
	}
	around, err := w.player(t, ada).ListAround(session(t), &leaderboardv1.ListAroundRequest{BoardId: "b"})
	if err != nil || !slices.Equal(playersOf(around.GetEntries()), []string{ada}) {
		t.Errorf("around: %v, %v", around, err)
	}
	if _, err := w.operator(t).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: bob}); !fault.Is(err, fault.NotFound) {
		t.Errorf("rank: %v", err)
	}
}

// TestModeration hides, restores and deletes; the honest score after a deletion stands, though it is lower.
func TestModeration(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	w.score(t, ada, "r1", "b", 100)
	w.score(t, bob, "r1", "b", 50)
	operator := w.operator(t)
	for range 2 {
		if _, err := operator.HideEntry(session(t), &leaderboardv1.HideEntryRequest{BoardId: "b", PlayerId: ada, Reason: "bot"}); err != nil {
			t.Fatal(err)
		}
	}
	if players, _ := w.order(t, "b"); !slices.Equal(players, []string{bob}) {
		t.Errorf("with a hidden entry the board is %v", players)
	}
	if outcome := w.score(t, ada, "r2", "b", 200); !outcome.GetImproved() || outcome.GetEntry().GetRank() != 0 {
		t.Errorf("a hidden player's better score: %v", outcome)
	}
	if _, err := operator.RestoreEntry(session(t), &leaderboardv1.RestoreEntryRequest{BoardId: "b", PlayerId: ada}); err != nil {
		t.Fatal(err)
	}
	rank, err := operator.GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", PlayerId: ada})
	if err != nil || rank.GetEntry().GetRank() != 1 || rank.GetEntry().GetColumns()[0] != 200 {
		t.Errorf("restored: %v, %v", rank, err)
	}
	_, err = operator.DeleteEntry(session(t), &leaderboardv1.DeleteEntryRequest{BoardId: "b", PlayerId: ada, EntryVersion: rank.GetEntry().GetVersion() - 1})
	if fault.ReasonOf(err) != "ENTRY_CHANGED" {
		t.Errorf("deletion of an older version: %v", err)
	}
	if _, err = operator.DeleteEntry(session(t), &leaderboardv1.DeleteEntryRequest{BoardId: "b", PlayerId: ada}); err != nil {
		t.Fatal(err)
	}
	if outcome := w.score(t, ada, "r3", "b", 10); !outcome.GetImproved() || outcome.GetEntry().GetRank() != 2 {
		t.Errorf("an honest score after the deletion: %v", outcome)
	}
	if _, err := operator.HideEntry(session(t), &leaderboardv1.HideEntryRequest{BoardId: "b", PlayerId: nobody}); !fault.Is(err, fault.NotFound) {
		t.Errorf("hiding what is not there: %v", err)
	}
}

// TestSegments ranks players of a country and of a platform among themselves.
func TestSegments(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) {
		l.Segments = []*leaderboardv1.Segment{
			{Name: "country", Source: leaderboardv1.Segment_SOURCE_COUNTRY},
			{Name: "platform", Source: leaderboardv1.Segment_SOURCE_SUBMISSION, Values: []string{"pc", "console"}},
		}
	}))
	for i, player := range []string{ada, bob, cem} {
		country := "DE"
		if player == bob {
			country = "FR"
		}
		w.profile.set(&profilev1.Profile{PlayerId: player, Country: country})
		request := submission("r1", "b", int64(10*(3-i)))
		request.Scores[0].Segments = map[string]string{"platform": "pc"}
		if _, err := w.player(t, player).SubmitScore(session(t), request); err != nil {
			t.Fatal(err)
		}
	}
	german := &leaderboardv1.SegmentFilter{Name: "country", Value: "DE"}
	list, err := w.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{BoardId: "b", Segment: german})
	if err != nil || !slices.Equal(playersOf(list.GetEntries()), []string{ada, cem}) || list.GetTotal() != 2 ||
		list.GetEntries()[1].GetRank() != 2 || list.GetEntries()[1].GetGlobalRank() != 3 {
		t.Errorf("in Germany: %v, %v", list, err)
	}
	rank, err := w.player(t, cem).GetRank(session(t), &leaderboardv1.GetRankRequest{BoardId: "b", Segment: german})
	if err != nil || rank.GetEntry().GetRank() != 2 || rank.GetEntry().GetGlobalRank() != 3 || rank.GetTotal() != 2 {
		t.Errorf("rank in Germany: %v, %v", rank, err)
	}
	count, err := w.operator(t).CountEntries(session(t), &leaderboardv1.CountEntriesRequest{
		BoardId: "b", Segment: &leaderboardv1.SegmentFilter{Name: "platform", Value: "console"},
	})
	if err != nil || count.GetCount() != 0 {
		t.Errorf("on consoles: %v, %v", count, err)
	}
}

// TestAttempts lists what was submitted, newest first, improvement or not.
func TestAttempts(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b", func(l *leaderboardv1.Leaderboard) { l.KeepAttempts = true }))
	w.makeBoard(t, points("plain"))
	for i, n := range []int64{5, 3, 9} {
		w.score(t, ada, fmt.Sprint("r", i), "b", n)
		time.Sleep(2 * time.Millisecond) // those of one millisecond come in any order
	}
	read := func(size int32, token string) (got []string, next string) {
		t.Helper()
		page, err := w.player(t, ada).ListAttempts(session(t), &leaderboardv1.ListAttemptsRequest{BoardId: "b", PageSize: size, PageToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.GetAttempts() {
			got = append(got, fmt.Sprintf("%s %d %v", a.GetRequestId(), a.GetColumns()[0], a.GetImproved()))
		}
		return got, page.GetNextPageToken()
	}
	if got, next := read(0, ""); !slices.Equal(got, []string{"r2 9 true", "r1 3 false", "r0 5 true"}) || next != "" {
		t.Errorf("attempts: %q", got)
	}
	var all []string
	for token := ""; ; {
		var got []string
		if got, token = read(2, token); len(got) > 2 {
			t.Errorf("a page of 2 has %q", got)
		}
		if all = append(all, got...); token == "" {
			break
		}
	}
	if slices.Sort(all); !slices.Equal(all, []string{"r0 5 true", "r1 3 false", "r2 9 true"}) {
		t.Errorf("page by page: %q", all)
	}
	if _, err := w.player(t, bob).ListAttempts(session(t), &leaderboardv1.ListAttemptsRequest{BoardId: "b", PlayerId: ada}); fault.ReasonOf(err) != "NOT_YOUR_ATTEMPTS" {
		t.Errorf("another's attempts: %v", err)
	}
	if _, err := w.player(t, ada).ListAttempts(session(t), &leaderboardv1.ListAttemptsRequest{BoardId: "plain"}); fault.ReasonOf(err) != "NO_ATTEMPTS" {
		t.Errorf("attempts of a board without: %v", err)
	}
}

// TestABatchReportsEachResult submits results of several players at once, of which one is refused.
func TestABatchReportsEachResult(t *testing.T) {
	w := start(t, setup{})
	w.makeBoard(t, points("b"))
	w.profile.missing[nobody] = true
	request := &leaderboardv1.BatchSubmitScoresRequest{}
	for _, player := range []string{ada, nobody, bob} {
		one := submission("r-"+player, "b", 5)
		one.PlayerId = player
		request.Requests = append(request.Requests, one)
	}
	answer, err := w.server(t).BatchSubmitScores(session(t), request)
	if err != nil {
		t.Fatal(err)
	}
	r := answer.GetResults()
	if len(r) != 3 || r[0].GetResponse().GetOutcomes()[0].GetEntry() == nil || r[2].GetResponse() == nil ||
		r[1].GetCode() != 5 || r[1].GetResponse() != nil || r[1].GetError() != "NotFound PLAYER_NOT_FOUND: there is no player "+nobody {
		t.Errorf("results: %v", r)
	}
}
