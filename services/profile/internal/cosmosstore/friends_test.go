package cosmosstore

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/profile/internal/friends"
)

// friendsWorld is the noun on its store, with the feed in the test's hands.
type friendsWorld struct {
	*friends.Friends
	store   *Friends
	lossy   *lossyFriends
	profile *Store
	feed    *cosmos.Feed
	at      []cosmos.FeedPosition
}

func newFriendsWorld(t testing.TB, client *cosmos.Client) *friendsWorld {
	t.Helper()
	return friendsOn(t, New(client))
}

// friendsOn is the noun on the database of a store.
func friendsOn(t testing.TB, s *Store) *friendsWorld {
	t.Helper()
	store := friendsIn(s.players)
	w := &friendsWorld{
		store: store, lossy: &lossyFriends{Friends: store}, profile: s,
		feed: &cosmos.Feed{Container: s.players, PageSize: 2},
	}
	w.Friends = &friends.Friends{Store: w.lossy, Now: time.Now, Log: slog.New(slog.DiscardHandler)}
	w.rewind(t)
	return w
}

// rewind goes back to the beginning of the feed.
func (w *friendsWorld) rewind(t testing.TB) {
	t.Helper()
	var err error
	if w.at, err = w.feed.Positions(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// lossyFriends loses what is to be shown to the other side: as a process does that ends between the two steps.
type lossyFriends struct {
	*Friends
	mu   sync.Mutex
	lose bool
}

func (l *lossyFriends) Update(
	ctx context.Context, e friends.Edit, decide func(*friends.Half, friends.Counts) (bool, error),
) (friends.Half, error) {
	l.mu.Lock()
	lose := l.lose && e.Caller == ""
	l.mu.Unlock()
	if lose {
		return friends.Half{}, fault.New(fault.Unavailable, "LOST", "lost on order")
	}
	return l.Friends.Update(ctx, e, decide)
}

func (l *lossyFriends) losing(lose bool) {
	l.mu.Lock()
	l.lose = lose
	l.mu.Unlock()
}

// repairPage deals with one page of each range of the feed; it reports whether there was any news.
func (w *friendsWorld) repairPage(ctx context.Context, advance bool) (news bool, err error) {
	for i, at := range w.at {
		page, err := w.feed.Poll(ctx, at)
		if err != nil {
			return false, err
		}
		for _, change := range page.Changes {
			if change.Type != HalfType {
				continue
			}
			half, err := w.store.Decode(change.Body)
			if err != nil {
				return false, err
			}
			if err := w.Repair(ctx, half); err != nil {
				return false, err
			}
		}
		news = news || len(page.Changes) > 0
		if advance {
			w.at[i] = page.Next
		}
	}
	return news, nil
}

// repairAll follows the feed until it has no more news: it must come to an end.
func (w *friendsWorld) repairAll(ctx context.Context) error {
	for range 2000 {
		news, err := w.repairPage(ctx, true)
		if err != nil || !news {
			return err
		}
	}
	return fmt.Errorf("the feed never ends: the halves write to each other")
}

// verbs are the changes by name.
func (w *friendsWorld) verbs() map[string]func(context.Context, friends.Caller, friends.Pair) (friends.Half, error) {
	return map[string]func(context.Context, friends.Caller, friends.Pair) (friends.Half, error){
		"request": w.Request, "accept": w.Accept, "remove": w.Remove, "block": w.Block, "unblock": w.Unblock,
	}
}

// do makes a change that must succeed.
func (w *friendsWorld) do(t testing.TB, verb, player, other string) friends.Half {
	t.Helper()
	half, err := w.verbs()[verb](newSession(t), friendsPlayer(player), friends.Pair{OtherID: other})
	if err != nil {
		t.Fatalf("%s %s %s: %v", player, verb, other, err)
	}
	return half
}

func friendsPlayer(id string) friends.Caller { return friends.Caller{Subject: id, Player: true} }

// friendID is the n-th of many players.
func friendID(n int) string { return fmt.Sprintf("01HRZ3NDEKTSV4RRFFQ0%06d", n) }

// checkFriends finds what is wrong with a pair as both have it, and with the counts of both.
func (w *friendsWorld) checkFriends(ctx context.Context, a, b string) error {
	mine, err := w.store.Get(ctx, a, b)
	if err != nil {
		return err
	}
	theirs, err := w.store.Get(ctx, b, a)
	if err != nil {
		return err
	}
	for _, halves := range [][2]friends.Half{{mine, theirs}, {theirs, mine}} {
		word, copied, answer := halves[0].Mine, halves[1].Theirs, halves[0].Theirs
		forgotten := copied == (friends.Say{}) && word.Says == friends.Yes && word.Seq <= answer.Ends
		if copied.Ends = word.Ends; word != copied && !forgotten {
			return fmt.Errorf("the halves do not agree: %+v and %+v", mine, theirs)
		}
	}
	opposite := map[friends.State][]friends.State{
		friends.None: {friends.None, friends.Blocked}, friends.Friend: {friends.Friend}, friends.Incoming: {friends.Outgoing},
		friends.Outgoing: {friends.Incoming, friends.Blocked}, friends.Blocked: {friends.None, friends.Outgoing, friends.Blocked},
	}
	if !slices.Contains(opposite[mine.State()], theirs.State()) {
		return fmt.Errorf("%q on one side, %q on the other: %+v, %+v", mine.State(), theirs.State(), mine, theirs)
	}
	for _, id := range []string{a, b} {
		if err := w.recount(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// recount compares a player's counts with his halves.
func (w *friendsWorld) recount(ctx context.Context, playerID string) error {
	docs, err := w.store.halves.Query(ctx, cosmos.PK(playerID), cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, 'f|')"))
	if err != nil {
		return err
	}
	var want friends.Counts
	for _, doc := range docs {
		half := doc.half()
		want.Move(friends.None, half.State())
		if doc.State != string(half.State()) || (doc.TTL == overTTL) != half.Over() {
			return fmt.Errorf("%+v is stored with state %q and TTL %d", half, doc.State, doc.TTL)
		}
	}
	got, err := w.store.Counts(ctx, playerID)
	if err == nil && got != want {
		err = fmt.Errorf("%s counts %+v, his halves are %+v", playerID, got, want)
	}
	return err
}

// wantState checks how both stand, and that the halves agree.
func (w *friendsWorld) wantState(t testing.TB, a, b string, ofA, ofB friends.State) {
	t.Helper()
	mine, err := w.store.Get(newSession(t), a, b)
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := w.store.Get(newSession(t), b, a)
	if err != nil {
		t.Fatal(err)
	}
	if mine.State() != ofA || theirs.State() != ofB {
		t.Errorf("%q and %q, want %q and %q", mine.State(), theirs.State(), ofA, ofB)
	}
	if err := w.checkFriends(newSession(t), a, b); err != nil {
		t.Error(err)
	}
}

func newSharedFriends(t testing.TB, playerIDs ...string) *friendsWorld {
	t.Helper()
	w := newFriendsWorld(t, cosmostest.StartShared(t, specs(t)))
	mustCreate(newSession(t), t, w.profile, playerIDs...)
	return w
}

// TestFriendsByTheWord goes through what two players can do, and what both see after each step.
func TestFriendsByTheWord(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	for i, step := range []struct {
		who, verb string
		ada, bob  friends.State
	}{
		{ada, "request", friends.Outgoing, friends.Incoming},
		{ada, "request", friends.Outgoing, friends.Incoming},
		{ada, "remove", friends.None, friends.None}, // withdraws
		{ada, "request", friends.Outgoing, friends.Incoming},
		{bob, "remove", friends.None, friends.None}, // declines
		{bob, "request", friends.Incoming, friends.Outgoing},
		{ada, "accept", friends.Friend, friends.Friend},
		{ada, "accept", friends.Friend, friends.Friend},
		{bob, "remove", friends.None, friends.None},
		{bob, "request", friends.Incoming, friends.Outgoing}, // ada's yes of before counts no more
		{ada, "request", friends.Friend, friends.Friend},
		{bob, "block", friends.None, friends.Blocked},
		{ada, "request", friends.Outgoing, friends.Blocked},
		{ada, "remove", friends.None, friends.Blocked},
		{ada, "request", friends.Outgoing, friends.Blocked},
		{bob, "unblock", friends.None, friends.None}, // and does not find a request of meanwhile
		{ada, "request", friends.Outgoing, friends.Incoming},
		{bob, "block", friends.None, friends.Blocked},
		{ada, "block", friends.Blocked, friends.Blocked},
		{bob, "remove", friends.Blocked, friends.Blocked},
		{bob, "unblock", friends.Blocked, friends.None},
		{bob, "request", friends.Blocked, friends.Outgoing},
		{ada, "unblock", friends.None, friends.None},
		{ada, "unblock", friends.None, friends.None},
	} {
		other := bob
		if step.who == bob {
			other = ada
		}
		w.do(t, step.verb, step.who, other)
		w.wantState(t, ada, bob, step.ada, step.bob)
		if t.Failed() {
			t.Fatalf("after step %d, %s by %s", i, step.verb, step.who)
		}
	}
}

func TestFriendsRefusals(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	const nobody = "01D78XZ44G0000000000000000"
	w.do(t, "block", ada, bob)
	for _, test := range []struct{ who, verb, other, reason string }{
		{ada, "request", bob, "PLAYER_BLOCKED"},
		{ada, "accept", bob, "NO_FRIEND_REQUEST"},
		{bob, "accept", ada, "NO_FRIEND_REQUEST"},
		{ada, "request", nobody, "PLAYER_NOT_FOUND"}, {ada, "accept", nobody, "PLAYER_NOT_FOUND"}, {ada, "remove", nobody, "PLAYER_NOT_FOUND"},
		{ada, "block", nobody, "PLAYER_NOT_FOUND"}, {ada, "unblock", nobody, "PLAYER_NOT_FOUND"},
		{nobody, "request", bob, "PLAYER_NOT_FOUND"},
		{ada, "request", ada, "INVALID_FIELD"}, {ada, "block", ada, "INVALID_FIELD"},
	} {
		_, err := w.verbs()[test.verb](newSession(t), friendsPlayer(test.who), friends.Pair{OtherID: test.other})
		if fault.ReasonOf(err) != test.reason {
			t.Errorf("%s %s %s: %v, want %s", test.who, test.verb, test.other, err, test.reason)
		}
	}
	if ids := storedIDs(t, w.profile, nobody); len(ids) != 0 {
		t.Errorf("somebody who does not exist has %v", ids)
	}
	w.wantState(t, ada, bob, friends.Blocked, friends.None)
}

// TestCrossingRequests lets bob ask between ada's decision and her write.
func TestCrossingRequests(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	rival := friendsOn(t, w.profile)
	crossed := false
	w.Now = func() time.Time {
		if !crossed {
			crossed = true
			rival.do(t, "request", bob, ada)
		}
		return time.Now()
	}
	if half := w.do(t, "request", ada, bob); half.State() != friends.Friend {
		t.Errorf("ada is told %q", half.State())
	}
	w.wantState(t, ada, bob, friends.Friend, friends.Friend)
}

// TestCrossingRequestsOnTheirWay: both ask, and neither hears of the other before the feed tells.
func TestCrossingRequestsOnTheirWay(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.lossy.losing(true)
	for _, who := range [][2]string{{ada, bob}, {bob, ada}} {
		if half := w.do(t, "request", who[0], who[1]); half.State() != friends.Outgoing {
			t.Errorf("%s is told %q", who[0], half.State())
		}
	}
	w.lossy.losing(false)
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, ada, bob, friends.Friend, friends.Friend)
}

// TestLateWordsMeetTheLastOne shows bob old words of ada after her last one.
func TestLateWordsMeetTheLastOne(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	ctx := newSession(t)
	w.lossy.losing(true)
	asked := w.do(t, "request", ada, bob)
	withdrawn := w.do(t, "remove", ada, bob)
	w.lossy.losing(false)
	for _, half := range []friends.Half{withdrawn, asked, withdrawn, asked} {
		if err := w.Repair(ctx, half); err != nil {
			t.Fatal(err)
		}
		w.wantState(t, ada, bob, friends.None, friends.None)
	}
}

// TestFriendsRequestIDs: a request that comes again does not undo what came after it.
func TestFriendsRequestIDs(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	ctx := newSession(t)
	pair := friends.Pair{OtherID: bob, RequestID: "r1"}
	if _, err := w.Request(ctx, friendsPlayer(ada), pair); err != nil {
		t.Fatal(err)
	}
	w.do(t, "remove", bob, ada)
	half, err := w.Request(ctx, friendsPlayer(ada), pair)
	if err != nil || half.State() != friends.None {
		t.Errorf("again: %q, %v", half.State(), err)
	}
	w.wantState(t, ada, bob, friends.None, friends.None)
	if _, err := w.Block(ctx, friendsPlayer(ada), pair); fault.ReasonOf(err) != cosmos.ReasonRequestIDReused {
		t.Errorf("another change: %v", err)
	}
	// The process ended before bob was told: the request that comes again tells him.
	w.lossy.losing(true)
	pair.RequestID = "r2"
	if _, err := w.Request(ctx, friendsPlayer(ada), pair); err != nil {
		t.Fatal(err)
	}
	w.lossy.losing(false)
	if _, err := w.Request(ctx, friendsPlayer(ada), pair); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, ada, bob, friends.Outgoing, friends.Incoming)
}

// TestFriendsLimits lets many ask at once, close to a limit.
func TestFriendsLimits(t *testing.T) {
	others := make([]string, 6)
	for i := range others {
		others[i] = friendID(i)
	}
	for _, test := range []struct {
		verb, reason string
		counts       friends.Counts // of ada, two below the limit
	}{
		{"request", "FRIENDS_FULL", friends.Counts{Friends: friends.MaxFriends - 52, Outgoing: 50}},
		{"request", "REQUESTS_FULL", friends.Counts{Outgoing: friends.MaxOutgoing - 2}},
		{"accept", "FRIENDS_FULL", friends.Counts{Friends: friends.MaxFriends - 2}},
		{"block", "BLOCKS_FULL", friends.Counts{Blocked: friends.MaxBlocked - 2}},
	} {
		t.Run(test.verb+" "+test.reason, func(t *testing.T) {
			w := newSharedFriends(t, append([]string{ada}, others...)...)
			if test.verb == "accept" {
				for _, other := range others {
					w.do(t, "request", other, ada)
				}
			}
			w.pretend(t, ada, test.counts)
			var mu sync.Mutex
			made := 0
			var group sync.WaitGroup
			for _, other := range others {
				group.Go(func() {
					_, err := w.verbs()[test.verb](newSession(t), friendsPlayer(ada), friends.Pair{OtherID: other})
					mu.Lock()
					defer mu.Unlock()
					switch {
					case err == nil:
						made++
					case fault.ReasonOf(err) != test.reason:
						t.Errorf("%v, want %s", err, test.reason)
					}
				})
			}
			group.Wait()
			if made != 2 {
				t.Errorf("%d were let through, want 2", made)
			}
		})
	}
}

// pretend sets the counts of a player, as if he had more halves than a test wants to make.
func (w *friendsWorld) pretend(t testing.TB, playerID string, c friends.Counts) {
	t.Helper()
	doc, err := w.store.counts.UpdateOrCreate(newSession(t), cosmos.PK(playerID), idFriends, cosmos.Operation{}, func(d *friendsDoc) (bool, error) {
		d.PlayerID = playerID
		c.Incoming += d.Incoming
		d.set(c)
		return true, nil
	})
	if err != nil || doc.counts() != c {
		t.Fatalf("%+v, %v", doc, err)
	}
}

func TestFullInbox(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.pretend(t, bob, friends.Counts{Incoming: friends.MaxIncoming})
	_, err := w.Request(newSession(t), friendsPlayer(ada), friends.Pair{OtherID: bob})
	if f := fault.As(err); f == nil || f.Reason != "OTHER_REQUESTS_FULL" || f.Metadata["limit"] != "500" {
		t.Errorf("%v", err)
	}
	if stored := storedDocument(t, w.profile, ada, idHalf+bob); stored != nil {
		t.Errorf("ada has %v", stored)
	}
}

// TestHalfIsForgottenAfterAWhile: what is over has a TTL; a removed friend begins anew after it, and an old yes does not count.
func TestHalfIsForgottenAfterAWhile(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "the clock", specs(t))
	w := newFriendsWorld(t, client)
	w.Now = e.Clock().Now
	mustCreate(newSession(t), t, w.profile, ada, bob)
	w.do(t, "request", ada, bob)
	w.do(t, "request", bob, ada)
	w.do(t, "remove", bob, ada)
	e.Clock().Advance(15 * 24 * time.Hour)
	touched := func(d *halfDoc) (bool, error) { return true, nil } // ada's half lives longer than bob's
	if _, err := w.store.halves.Update(newSession(t), cosmos.PK(ada), idHalf+bob, cosmos.Operation{}, touched); err != nil {
		t.Fatal(err)
	}
	e.Clock().Advance(16 * 24 * time.Hour)
	if stored := storedDocument(t, w.profile, bob, idHalf+ada); stored != nil {
		t.Fatalf("bob still has %v", stored)
	}
	w.rewind(t)
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	if half, err := w.store.Get(newSession(t), bob, ada); err != nil || half.State() != friends.None {
		t.Errorf("ada's old yes came back: %+v, %v", half, err)
	}
	w.do(t, "request", bob, ada)
	if err := w.repairAll(newSession(t)); err != nil {
		t.Fatal(err)
	}
	w.wantState(t, ada, bob, friends.Incoming, friends.Outgoing)
	w.do(t, "accept", ada, bob)
	w.wantState(t, ada, bob, friends.Friend, friends.Friend)
	e.Clock().Advance(400 * 24 * time.Hour)
	w.wantState(t, ada, bob, friends.Friend, friends.Friend)
}

func TestListFriends(t *testing.T) {
	w := newSharedFriends(t, ada)
	var ids []string
	for i := range 25 {
		ids = append(ids, friendID(i))
		mustCreate(newSession(t), t, w.profile, ids[i])
		w.do(t, "request", ids[i], ada)
		if i%2 == 0 {
			w.do(t, "accept", ada, ids[i])
		}
	}
	w.do(t, "block", ids[1], ada)
	w.do(t, "block", ada, ids[3])
	w.Erased = func(id string) bool { return id == ids[4] }
	list := func(state friends.State, size int) (all []string, pages int) {
		page := friends.Page{Size: size}
		for {
			halves, next, err := w.List(newSession(t), friendsPlayer(ada), "", state, page)
			if err != nil {
				t.Fatal(err)
			}
			for _, half := range halves {
				all = append(all, half.OtherID)
			}
			if pages++; next == "" {
				return all, pages
			}
			page.Token = next
		}
	}
	var want []string
	for i := 0; i < 25; i += 2 {
		if i != 4 {
			want = append(want, ids[i])
		}
	}
	for size, wantPages := range map[int]int{0: 1, 1: 14, 5: 3, 13: 2, 5000: 1} {
		got, pages := list(friends.Friend, size)
		if diff := cmp.Diff(want, got); diff != "" || pages != wantPages {
			t.Errorf("pages of %d: %d pages, want %d: %s", size, pages, wantPages, diff)
		}
	}
	if got, _ := list(friends.Blocked, 0); !slices.Equal(got, ids[3:4]) {
		t.Errorf("blocked: %v", got)
	}
	if got, _ := list(friends.Incoming, 0); len(got) != 10 { // 12 asked and were not answered; one blocks, one is blocked
		t.Errorf("incoming: %v", got)
	}
	both, _, err := w.Relations(newSession(t), ada, friends.Filter{States: []friends.State{friends.Blocked}, BlockedByOther: true}, friends.Page{})
	if err != nil || len(both) != 2 || !both[0].BlockedByOther() || both[1].State() != friends.Blocked {
		t.Errorf("blocks of both directions: %+v, %v", both, err)
	}
}

// TestExportHidesWhatOthersSay: a player's export does not tell who blocks him.
func TestExportHidesWhatOthersSay(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.do(t, "block", bob, ada)
	documents, err := (&PlayerData{players: w.store.players}).Documents(newSession(t), ada, "", 50)
	if err != nil {
		t.Fatal(err)
	}
	if text := fmt.Sprint(documents); strings.Contains(text, "block:") || strings.Contains(text, "theirs") || !strings.Contains(text, idHalf+bob) {
		t.Errorf("%s", text)
	}
}

// TestFriendsUnderFaults orders one failure for each of the two batches of a change: of the own half, and of the other's.
func TestFriendsUnderFaults(t *testing.T) {
	t.Parallel()
	subtests := map[string]func(*testing.T){}
	for name, failure := range passing {
		for which, key := range map[string]string{"own half": ada, "other half": bob} {
			subtests[name+" "+which] = func(t *testing.T) {
				client, e := cosmostest.StartEmulator(t, "faults on order", specs(t))
				w := newFriendsWorld(t, client)
				mustCreate(newSession(t), t, w.profile, ada, bob)
				for _, step := range []struct {
					verb     string
					ada, bob friends.State
				}{
					{"request", friends.Outgoing, friends.Incoming}, {"remove", friends.None, friends.None}, {"block", friends.Blocked, friends.None},
				} {
					remove := e.Inject(friendsFault(failure, emulator.OpBatch, key))
					w.do(t, step.verb, ada, bob)
					remove()
					w.wantState(t, ada, bob, step.ada, step.bob)
				}
			}
		}
	}
	together(t, subtests)
}

func friendsFault(failure emulator.Fault, op emulator.Op, key string) emulator.Fault {
	failure.Op, failure.Container, failure.PartitionKey, failure.Count = op, Players, key, 1
	if key == bob { // the first batch of bob only reads
		failure.Skip = 1
	}
	return failure
}

// TestGoldenFriends keeps the stored form of a half and of the counts.
func TestGoldenFriends(t *testing.T) {
	w := newSharedFriends(t, ada, bob)
	w.Now = func() time.Time { return changed }
	w.do(t, "request", bob, ada)
	w.do(t, "accept", ada, bob)
	w.do(t, "remove", bob, ada)
	w.do(t, "block", ada, bob)
	for id, name := range map[string]string{idHalf + bob: HalfType, idFriends: idFriends} {
		stored := storedDocument(t, w.profile, ada, id)
		dropSystemProperties(stored)
		delete(stored, "ops") // random
		wantGoldenFriends(t, name, stored)
	}
	half, err := w.store.Decode(readGolden(t, HalfType))
	want := friends.Half{
		PlayerID: ada, OtherID: bob,
		Mine:   friends.Say{Says: friends.Block, Seq: 1772362800000003, Ends: 1772362800000003},
		Theirs: friends.Say{Says: friends.No, Seq: 1772362800000002, Ends: 1772362800000002},
	}
	if diff := cmp.Diff(want, half); diff != "" || err != nil {
		t.Error(diff, err)
	}
}

// wantGoldenFriends compares a stored document with its golden file.
func wantGoldenFriends(t *testing.T, name string, stored map[string]any) {
	t.Helper()
	var want map[string]any
	if err := json.Unmarshal(readGolden(t, name), &want); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, stored); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}
