package cosmosstore

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/identity/internal/player"
	"supergame/services/identity/internal/revocation"
	"supergame/services/identity/internal/signing"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

func specs(t testing.TB) []cosmos.ContainerSpec {
	t.Helper()
	text, err := os.ReadFile("../../containers.json")
	if err != nil {
		t.Fatal(err)
	}
	list, err := cosmos.ParseSpecs(text)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestIdentities(t *testing.T) {
	t.Parallel()
	store := NewIdentities(cosmostest.StartShared(t, specs(t)))
	mine, rival := goldenIdentity(), goldenIdentity()
	mine.CreatedBy, rival.PlayerID = "", "01JDC000000000000000000001"
	if _, err := store.Get(t.Context(), mine.ID); !fault.Is(err, fault.NotFound) {
		t.Fatalf("nothing there: %v", err)
	}
	// same takes over the version that the store gave.
	same := func(want player.Identity, got player.Identity) bool {
		want.Version = got.Version
		return got == want && got.Version != ""
	}
	if got, err := store.Create(t.Context(), mine); err != nil || !same(mine, got) {
		t.Fatalf("created %+v, %v", got, err)
	}
	if got, err := store.Create(t.Context(), rival); err != nil || !same(mine, got) {
		t.Errorf("who comes second gets %+v, %v", got, err)
	}
	done := mine
	done.Pending, done.CreatedBy = false, "family-1"
	if got, err := store.Complete(t.Context(), mine.ID, "family-1"); err != nil || !same(done, got) {
		t.Errorf("completed %+v, %v", got, err)
	}
	if got, err := store.Complete(t.Context(), mine.ID, "family-2"); err != nil || !same(done, got) {
		t.Errorf("completed by another: %+v, %v", got, err)
	}
	if got, err := store.Get(t.Context(), mine.ID); err != nil || !same(done, got) {
		t.Errorf("read %+v, %v", got, err)
	}
	if _, err := store.Complete(t.Context(), "gone", "family"); !fault.Is(err, fault.NotFound) {
		t.Errorf("completing what is gone: %v", err)
	}
}

// An identity changes hands, or goes, only as the version that was read.
func TestIdentitiesAreGuarded(t *testing.T) {
	t.Parallel()
	store := NewIdentities(cosmostest.StartShared(t, specs(t)))
	ctx, other := t.Context(), "01JDC000000000000000000001"
	first, err := store.Create(ctx, goldenIdentity())
	if err != nil {
		t.Fatal(err)
	}
	if err := store.Delete(ctx, player.Identity{ID: first.ID, Version: player.NoVersion}); !fault.Is(err, fault.Aborted) {
		t.Errorf("no version of one that is there: %v", err)
	}
	second, err := store.Lead(ctx, first, first.PlayerID)
	if err != nil || second.Version == first.Version || second.CreatedBy != first.CreatedBy {
		t.Fatalf("written as it was: %+v, %v", second, err)
	}
	third, err := store.Lead(ctx, second, other)
	if err != nil || third.PlayerID != other || third.CreatedBy != "" {
		t.Fatalf("led to another: %+v, %v", third, err)
	}
	for _, old := range []player.Identity{first, second} {
		if _, err := store.Lead(ctx, old, old.PlayerID); !fault.Is(err, fault.Aborted) {
			t.Errorf("led as an old version: %v", err)
		}
		if err := store.Delete(ctx, old); !fault.Is(err, fault.Aborted) {
			t.Errorf("deleted as an old version: %v", err)
		}
	}
	for range 2 {
		if err := store.Delete(ctx, third); err != nil {
			t.Errorf("deleted: %v", err)
		}
	}
	if err := store.Delete(ctx, player.Identity{ID: first.ID, Version: player.NoVersion}); err != nil {
		t.Errorf("no version of one that is gone: %v", err)
	}
	if _, err := store.Lead(ctx, third, other); !fault.Is(err, fault.Aborted) {
		t.Errorf("led after it was deleted: %v", err)
	}
}

// A request is applied once, and its id is not good for another one.
func TestPlayersApplyARequestOnce(t *testing.T) {
	t.Parallel()
	store := NewPlayers(cosmostest.StartShared(t, specs(t)))
	p := goldenPlayer()
	if err := store.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	r := player.Request{Caller: "player:" + p.ID, ID: "r", Asks: "this"}
	for i := range 2 {
		again, err := store.Apply(t.Context(), p.ID, r, func(*player.Player) bool { return true })
		if err != nil || again != (i == 1) {
			t.Errorf("call %d: again %t, %v", i, again, err)
		}
	}
	r.Asks = "that"
	if _, err := store.Apply(t.Context(), p.ID, r, func(*player.Player) bool { return true }); fault.ReasonOf(err) != "REQUEST_ID_REUSED" {
		t.Errorf("another request of the same id: %v", err)
	}
}

func TestPlayers(t *testing.T) {
	t.Parallel()
	store := NewPlayers(cosmostest.StartShared(t, specs(t)))
	p := goldenPlayer()
	if err := store.Update(t.Context(), p.ID, func(*player.Player) bool { return true }); !fault.Is(err, fault.NotFound) || fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("nothing there: %v", err)
	}
	if err := store.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := store.Create(t.Context(), p); !fault.Is(err, fault.AlreadyExists) {
		t.Errorf("created twice: %v", err)
	}
	read := func() (got player.Player) {
		t.Helper()
		if err := store.Update(t.Context(), p.ID, func(stored *player.Player) bool { got = *stored; return false }); err != nil {
			t.Fatal(err)
		}
		return got
	}
	if diff := cmp.Diff(p, read()); diff != "" {
		t.Error(diff)
	}
	err := store.Update(t.Context(), p.ID, func(stored *player.Player) bool { stored.Families = stored.Families[:1]; return true })
	if err != nil || len(read().Families) != 1 {
		t.Errorf("%+v, %v", read(), err)
	}
}

// The rival writes from inside the rule: without the ETag his write would be lost.
func TestPlayersUpdateMeetsARival(t *testing.T) {
	t.Parallel()
	store := NewPlayers(cosmostest.StartShared(t, specs(t)))
	p := player.Player{ID: "01JDC000000000000000000002", CreateTime: t0}
	if err := store.Create(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	open := func(name string) func(*player.Player) bool {
		return func(p *player.Player) bool {
			_, opened := p.Open([]string{name}, t0, time.Hour)
			return opened
		}
	}
	tries := 0
	err := store.Update(t.Context(), p.ID, func(p *player.Player) bool {
		if tries++; tries <= 2 {
			if err := store.Update(t.Context(), p.ID, open(fmt.Sprintf("rival-%d", tries))); err != nil {
				t.Error(err)
			}
		}
		return open("mine")(p)
	})
	if err != nil || tries != 3 {
		t.Errorf("%d tries, %v", tries, err)
	}
	if err := store.Update(t.Context(), p.ID, func(p *player.Player) bool {
		if len(p.Families) != 3 {
			t.Errorf("families %+v", p.Families)
		}
		return false
	}); err != nil {
		t.Error(err)
	}
}

// What a later version of the program has written survives a rewrite by this one, also inside links and families.
func TestUnknownPropertiesSurvive(t *testing.T) {
	t.Parallel()
	client := cosmostest.StartShared(t, specs(t))
	type futureFamily struct {
		familyDoc
		Device string `json:"device"`
	}
	type futurePlayer struct {
		cosmos.Header
		PlayerID string                  `json:"playerId"`
		Families map[string]futureFamily `json:"families"`
		Region   string                  `json:"region"`
	}
	future := cosmos.NewKind[futurePlayer](client.Container(Players), "player", 1)
	id := "01JDC000000000000000000003"
	doc := &futurePlayer{Header: cosmos.Header{ID: playerDocID}, PlayerID: id, Region: "north", Families: map[string]futureFamily{
		"f": {familyDoc{N: 1, OpenMs: t0.UnixMilli(), RotateMs: t0.UnixMilli(), ExpireMs: t0.Add(time.Hour).UnixMilli()}, "phone"},
	}}
	if err := future.Create(t.Context(), cosmos.PK(id), cosmos.Operation{}, doc); err != nil {
		t.Fatal(err)
	}
	if err := NewPlayers(client).Update(t.Context(), id, func(p *player.Player) bool {
		_, _, changed := p.Refresh("f", 1, t0, time.Hour)
		return changed
	}); err != nil {
		t.Fatal(err)
	}
	got, err := future.Read(t.Context(), cosmos.PK(id), playerDocID)
	if err != nil || got.Region != "north" || got.Families["f"].Device != "phone" || got.Families["f"].N != 2 {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "the clock moved", specs(t))
	store := NewKeys(client, func() time.Time { return t0 })
	k := goldenKey()
	other := k
	other.KID = "another"
	for _, create := range []signing.Sealed{k, other} {
		if err := store.Create(t.Context(), create); err != nil {
			t.Fatal(err)
		}
	}
	list, err := store.List(t.Context())
	if diff := cmp.Diff([]signing.Sealed{k}, list); diff != "" || err != nil {
		t.Errorf("%v: the first of an id stays:\n%s", err, diff)
	}
	e.Clock().Advance(k.ExpireTime.Sub(t0) - time.Minute)
	if list, err = store.List(t.Context()); err != nil || len(list) != 1 {
		t.Errorf("before its end: %v, %v", list, err)
	}
	e.Clock().Advance(2 * time.Minute)
	if list, err = store.List(t.Context()); err != nil || len(list) != 0 {
		t.Errorf("after its end: %v, %v", list, err)
	}
}

// follow reads a list to its end and gives the next cursor.
func follow(t testing.TB, store *RevocationStore, cursor string, each func(revocation.Row)) string {
	t.Helper()
	for {
		page, err := store.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			each(r)
		}
		if cursor = page.Cursor; !page.More {
			return cursor
		}
	}
}

func TestRevocations(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "the clock moved", specs(t))
	store := NewRevocations(client)
	cursor := follow(t, store, "", func(r revocation.Row) { t.Errorf("%+v", r) })
	want := []revocation.Row{
		{ID: "session-a", Kind: revocation.Session, Target: "a", CreateTime: t0, ExpireTime: t0.Add(time.Hour), TTL: time.Hour},
		{ID: "suspension-b", Kind: revocation.Suspension, Target: "b", CreateTime: t0, Lifted: true},
		{ID: "erasure-c", Kind: revocation.Erasure, Target: "c", CreateTime: t0, ExpireTime: t0.Add(revocation.ErasureTTL)},
	}
	for _, r := range want {
		for range 2 {
			if err := store.Put(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := store.Put(t.Context(), revocation.Row{ID: "erasure-final", Kind: revocation.Erasure, CreateTime: t0}); err != nil {
		t.Fatal(err)
	}
	collect := func(from string) (rows []revocation.Row, next string) {
		next = follow(t, store, from, func(r revocation.Row) { rows = append(rows, r) })
		return rows, next
	}
	got, next := collect(cursor)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, _ = collect(next); len(got) != 0 {
		t.Errorf("again: %+v", got)
	}
	if got, _ = collect(cursor); len(got) != len(want) {
		t.Errorf("from the older cursor: %+v", got)
	}
	e.Clock().Advance(2 * time.Hour)
	if got, _ = collect(""); len(got) != 2 {
		t.Errorf("from the beginning, after the session's row expired: %+v", got)
	}
}

func TestRevocationsRefuseForeignCursors(t *testing.T) {
	t.Parallel()
	store := NewRevocations(cosmostest.StartShared(t, specs(t)))
	elsewhere := follow(t, NewRevocations(cosmostest.StartShared(t, specs(t))), "", func(revocation.Row) {})
	encode := base64.RawURLEncoding.EncodeToString
	for name, cursor := range map[string]string{
		"another list's": elsewhere,
		"not base64":     "*",
		"not JSON":       encode([]byte("x")),
		"no positions":   encode([]byte("[]")),
		"another shape":  encode([]byte(`{"a":1}`)),
		"no such range":  encode([]byte(`[{"min":"XX","max":"YY"}]`)),
		"no token":       encode([]byte(`[{"min":"","max":"FF"}]`)),
		"empty position": encode([]byte(`[{}]`)),
	} {
		if page, err := store.List(t.Context(), cursor); !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("%s: %+v, %v", name, page, err)
		}
	}
}

// Many replicas write while one reader follows, partitions are split, and calls fail: the reader steps over nothing.
func TestRevocationsAreNeverSkipped(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "partition splits on order", specs(t), emulatortest.WithPartitions(2))
	const writers, each = 8, 40
	var wg sync.WaitGroup
	for i := range writers {
		store := NewRevocations(client)
		wg.Go(func() {
			for n := range each {
				sid := fmt.Sprintf("%d-%d", i, n)
				if err := store.Put(t.Context(), revocation.Row{ID: revocation.SessionID(sid), Kind: revocation.Session, Target: sid, CreateTime: t0}); err != nil {
					t.Error(err)
				}
				if i == 0 && n%20 == 10 {
					if _, err := e.Split(t.Context(), client.Database(), Revocations, ""); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	seen, cursor, finished := map[string]bool{}, "", false
	store := NewRevocations(client)
	for {
		select {
		case <-done:
			finished = true
		default:
		}
		page, err := store.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			seen[r.Target] = true
		}
		if len(page.Cursor) > 8192 {
			t.Fatalf("a cursor of %d bytes", len(page.Cursor))
		}
		cursor = page.Cursor
		if finished && !page.More {
			break
		}
	}
	if len(seen) != writers*each {
		t.Errorf("%d of %d rows were seen", len(seen), writers*each)
	}
}

// Somebody writes between any two polls of the feed: the reader still comes to an end, and has what was there when he began.
func TestRevocationsListEndsWhileRowsCome(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t), emulatortest.WithPartitions(2))
	store, writer := NewRevocations(client), NewRevocations(client)
	cursor := follow(t, store, "", func(revocation.Row) {})
	if _, err := e.Split(t.Context(), client.Database(), Revocations, ""); err != nil {
		t.Fatal(err)
	}
	put := func(sid string) {
		row := revocation.Row{ID: revocation.SessionID(sid), Kind: revocation.Session, Target: sid, CreateTime: t0}
		if err := writer.Put(context.WithoutCancel(t.Context()), row); err != nil {
			t.Error(err)
		}
	}
	const before = 20
	for i := range before {
		put(fmt.Sprint("before-", i))
	}
	var came atomic.Int32
	e.Inject(emulator.Fault{Op: emulator.OpFeed, Container: Revocations, Hook: func(context.Context, emulator.Point) {
		for range 8 { // some for each range
			put(fmt.Sprint("meanwhile-", came.Add(1)))
		}
	}})
	seen := 0
	for calls := 1; ; calls++ {
		page, err := store.List(t.Context(), cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range page.Rows {
			if strings.HasPrefix(r.Target, "before-") {
				seen++
			}
		}
		if cursor = page.Cursor; !page.More {
			break
		}
		if calls == 5 {
			t.Fatal("the list does not end")
		}
	}
	if seen != before {
		t.Errorf("%d of %d rows that were there before", seen, before)
	}
}

// More rows than one answer holds come in several.
func TestRevocationsListInPages(t *testing.T) {
	t.Parallel()
	store := NewRevocations(cosmostest.StartShared(t, specs(t)))
	store.feed.PageSize = 2
	const rows = 2*pollsPerRange + 3
	for i := range rows {
		if err := store.Put(t.Context(), revocation.Row{ID: fmt.Sprint(i), Kind: revocation.Session, Target: fmt.Sprint(i), CreateTime: t0}); err != nil {
			t.Fatal(err)
		}
	}
	page, err := store.List(t.Context(), "")
	if err != nil || len(page.Rows) != 2*pollsPerRange || !page.More {
		t.Fatalf("%d rows, more %t, %v", len(page.Rows), page.More, err)
	}
	page, err = store.List(t.Context(), page.Cursor)
	if err != nil || len(page.Rows) != 3 || page.More {
		t.Errorf("then %d rows, more %t, %v", len(page.Rows), page.More, err)
	}
}

// A list that fails in the middle gives no cursor: the reader asks again with the one before.
func TestRevocationsListFails(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "faults on order", specs(t), emulatortest.WithPartitions(2))
	store := NewRevocations(client)
	cursor := follow(t, store, "", func(revocation.Row) {})
	for _, id := range []string{"a", "b", "c", "d", "e", "f"} {
		if err := store.Put(t.Context(), revocation.Row{ID: id, Kind: revocation.Session, Target: id, CreateTime: t0}); err != nil {
			t.Fatal(err)
		}
	}
	e.Inject(emulator.Fault{Op: emulator.OpFeed, Container: Revocations, Skip: 1, Count: 1, Status: http.StatusForbidden})
	page, err := store.List(t.Context(), cursor)
	if !fault.Is(err, fault.Unavailable) || page.Cursor != "" || len(page.Rows) > 0 {
		t.Errorf("%+v, %v", page, err)
	}
	seen := map[string]bool{}
	follow(t, store, cursor, func(r revocation.Row) { seen[r.Target] = true })
	if len(seen) != 6 {
		t.Errorf("seen %v", seen)
	}
}

func TestStoresHandOnTheEndOfACall(t *testing.T) {
	t.Parallel()
	client := cosmostest.StartShared(t, specs(t))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for name, call := range map[string]func() error{
		"identity": func() error { _, err := NewIdentities(client).Get(ctx, "x"); return err },
		"player":   func() error { return NewPlayers(client).Create(ctx, goldenPlayer()) },
		"keys":     func() error { _, err := NewKeys(client, time.Now).List(ctx); return err },
		"row":      func() error { return NewRevocations(client).Put(ctx, goldenRevocation()) },
	} {
		if err := call(); !fault.Is(err, fault.Canceled) && !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
