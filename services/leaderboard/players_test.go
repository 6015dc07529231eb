package leaderboard_test

import (
	"slices"
	"testing"

	"supergame/local/emulator"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// told tells a change of a player, as the profile service does.
func (w *world) told(t testing.TB, player string, version int64, country string, suspended bool) error {
	t.Helper()
	client := leaderboardv1.NewPlayerDataServiceClient(w.Dial(t, w.authority.Service("profile")))
	_, err := client.PlayerChanged(session(t), &leaderboardv1.PlayerChangedRequest{PlayerId: player, Version: version, Country: country, Suspended: suspended})
	return err
}

// withCountries ranks the players of a country among themselves.
func withCountries(l *leaderboardv1.Leaderboard) {
	l.Segments = []*leaderboardv1.Segment{{Name: "country", Source: leaderboardv1.Segment_SOURCE_COUNTRY}}
}

// TestASuspendedPlayerIsHiddenAndComesBack tells of a suspension, twice and late, and of its end; the player's place is the one he had.
func TestASuspendedPlayerIsHiddenAndComesBack(t *testing.T) {
	client := cosmostest.StartShared(t, containers(t))
	one := start(t, setup{client: client})
	two := start(t, setup{client: client, profile: one.profile})
	one.makeBoard(t, points("b", withCountries))
	one.makeBoard(t, points("other"))
	one.score(t, ada, "r1", "b", 5)
	one.score(t, bob, "r1", "b", 5)
	one.score(t, cem, "r1", "b", 5)
	one.score(t, bob, "r2", "other", 5)
	both := func(board string, want ...string) {
		t.Helper()
		for i, w := range []*world{one, two} {
			var got []string
			eventually(t, "the replicas show it", func() bool {
				got, _ = w.order(t, board)
				return slices.Equal(got, want) || i == 0 // the first at once
			})
			if !slices.Equal(got, want) {
				t.Errorf("replica %d shows %v, want %v", i, got, want)
			}
		}
	}
	tell := func(version int64, country string, suspended bool) {
		t.Helper()
		if err := one.told(t, bob, version, country, suspended); err != nil {
			t.Fatal(err)
		}
	}
	tell(7, "", true)
	tell(7, "", true)
	tell(6, "", false) // late
	both("b", ada, cem)
	both("other")
	one.makeBoard(t, points("new"))
	if _, err := one.server(t).SubmitScore(session(t), &leaderboardv1.SubmitScoreRequest{
		PlayerId: bob, RequestId: "r3", Scores: []*leaderboardv1.Score{{BoardId: "new", Columns: []int64{1}}},
	}); fault.ReasonOf(err) != "PLAYER_SUSPENDED" {
		t.Errorf("on a new board: %v", err)
	}
	tell(8, "DE", false)
	both("b", ada, bob, cem)
	both("other", bob)
	in := func(country string) []string {
		list, err := one.operator(t).ListEntries(session(t), &leaderboardv1.ListEntriesRequest{
			BoardId: "b", Segment: &leaderboardv1.SegmentFilter{Name: "country", Value: country},
		})
		if err != nil {
			t.Fatal(err)
		}
		return playersOf(list.GetEntries())
	}
	if got := in("DE"); !slices.Equal(got, []string{bob}) {
		t.Errorf("in Germany: %v", got)
	}
	tell(9, "FR", false)
	if got := in("DE"); len(got) != 0 || !slices.Equal(in("FR"), []string{bob}) {
		t.Errorf("he moved to France, and in Germany there is %v, in France %v", got, in("FR"))
	}
	if err := two.told(t, nobody, 1, "DE", true); err != nil {
		t.Errorf("of a player without entries: %v", err)
	}
}

// TestAnEntryThatComesToBeKnowsTheSuspension lets a replica create an entry whose answer about the player is older than the suspension.
func TestAnEntryThatComesToBeKnowsTheSuspension(t *testing.T) {
	client := cosmostest.StartShared(t, containers(t))
	one := start(t, setup{client: client})
	two := start(t, setup{client: client, profile: one.profile})
	one.makeBoard(t, points("b"))
	one.makeBoard(t, points("c"))
	one.profile.set(&profilev1.Profile{PlayerId: ada, Country: "DE"})
	one.score(t, ada, "r1", "b", 1) // now one knows him as not suspended
	if err := two.told(t, ada, 3, "DE", true); err != nil {
		t.Fatal(err)
	}
	if _, err := one.player(t, ada).SubmitScore(session(t), submission("r2", "c", 1)); fault.ReasonOf(err) != "PLAYER_SUSPENDED" {
		t.Errorf("a new entry of a suspended player: %v", err)
	}
}

// TestASuspensionThatIsCutIsFinished fails at each of the writes; told again it is carried out.
func TestASuspensionThatIsCutIsFinished(t *testing.T) {
	for skip := range 3 {
		w, e := startOnEmulator(t, "faults on order", setup{})
		w.makeBoard(t, points("b"))
		w.makeBoard(t, points("c"))
		w.score(t, ada, "r1", "b", 1)
		w.score(t, ada, "r2", "c", 1)
		remove := e.Inject(emulator.Fault{Op: emulator.OpReplace, PartitionKey: ada, Skip: skip, Status: 403})
		if err := w.told(t, ada, 2, "", true); err == nil {
			t.Fatalf("with the store cut behind %d writes it succeeds", skip)
		}
		remove()
		if err := w.told(t, ada, 2, "", true); err != nil {
			t.Fatal(err)
		}
		for _, board := range []string{"b", "c"} {
			if players, _ := w.order(t, board); len(players) != 0 {
				t.Errorf("cut behind %d writes, board %s shows %v", skip, board, players)
			}
		}
	}
}

// TestBadChangesOfPlayersAreRefused breaks PlayerChanged at one place after the other.
func TestBadChangesOfPlayersAreRefused(t *testing.T) {
	w := start(t, setup{})
	refused(t, "no version", w.told(t, ada, 0, "", false), "version")
	refused(t, "a country that is none", w.told(t, ada, 1, "de", false), "country")
	refused(t, "a player that is none", w.told(t, "ada", 1, "DE", false), "player_id")
	client := leaderboardv1.NewPlayerDataServiceClient(w.Dial(t, w.authority.Service("identity")))
	if _, err := client.PlayerChanged(session(t), &leaderboardv1.PlayerChangedRequest{PlayerId: ada, Version: 1}); !fault.Is(err, fault.PermissionDenied) {
		t.Errorf("another service: %v", err)
	}
	if open := w.MethodsWithoutRule(); len(open) != 0 {
		t.Errorf("methods without a rule of who may call them: %v", open)
	}
}
