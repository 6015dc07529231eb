package profile_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	identityv1 "supergame/proto/gen/supergame/identity/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/grpcservertest"
	"supergame/services/profile"
)

// peers are the other services: what they keep of players, and how they fail.
type peers struct {
	mu       sync.Mutex
	kept     map[string]map[string]int // service -> player -> documents
	revoked  map[string]bool
	changes  map[string][]*profilev1.PlayerChangedRequest
	meet     func(ctx context.Context, service, method string, after bool) error // nil = all goes well
	onRevoke func(playerID string)
}

func newPeers() *peers {
	return &peers{kept: map[string]map[string]int{"identity": {}, "leaderboard": {}}, revoked: map[string]bool{}, changes: map[string][]*profilev1.PlayerChangedRequest{}}
}

// peer is one of them, as a connection to it.
type peer struct {
	all  *peers
	name string
}

func (p *peers) dial(service string) (grpc.ClientConnInterface, error) { return &peer{p, service}, nil }

func (p *peer) pass(ctx context.Context, method string, after bool) error {
	p.all.mu.Lock()
	meet := p.all.meet
	p.all.mu.Unlock()
	if meet == nil {
		return ctx.Err()
	}
	return meet(ctx, p.name, method, after)
}

func (p *peer) Invoke(ctx context.Context, full string, request, response any, _ ...grpc.CallOption) error {
	method := full[strings.LastIndex(full, "/")+1:]
	if err := p.pass(ctx, method, false); err != nil {
		return err
	}
	p.carryOut(request, response)
	return p.pass(ctx, method, true)
}

func (p *peer) carryOut(request, response any) {
	p.all.mu.Lock()
	defer p.all.mu.Unlock()
	switch r := request.(type) {
	case *identityv1.RevokePlayerRequest:
		p.all.revoked[r.GetPlayerId()] = true
		if p.all.onRevoke != nil {
			p.all.onRevoke(r.GetPlayerId())
		}
	case *profilev1.ErasePlayerRequest:
		answer, kept := response.(*profilev1.ErasePlayerResponse), p.all.kept[p.name]
		store := p.name + "-things"
		answer.Containers = []string{store}
		if kept[r.GetPlayerId()] > 0 { // one a call, so that it takes several
			kept[r.GetPlayerId()]--
			answer.Deleted = map[string]int64{store: 1}
		}
		answer.Done = kept[r.GetPlayerId()] == 0
	case *profilev1.PlayerChangedRequest:
		p.all.changes[p.name] = append(p.all.changes[p.name], r)
	}
}

func (p *peer) NewStream(ctx context.Context, _ *grpc.StreamDesc, _ string, _ ...grpc.CallOption) (grpc.ClientStream, error) {
	if err := p.pass(ctx, "ExportPlayer", false); err != nil {
		return nil, err
	}
	return &peerExport{peer: p, ctx: ctx}, nil
}

// setMeet makes calls meet trouble.
func (p *peers) setMeet(meet func(ctx context.Context, service, method string, after bool) error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meet = meet
}

// keep makes a service keep documents of a player.
func (p *peers) keep(service, playerID string, documents int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.kept[service][playerID] = documents
}

func (p *peers) left(playerID string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.kept["identity"][playerID] + p.kept["leaderboard"][playerID]
}

// deleting is a service with peers, and a clock to move.
type deleting struct {
	*world
	*peers
	emulator *emulatortest.Emulator
	ahead    atomic.Int64 // nanoseconds
}

func (d *deleting) now() time.Time           { return time.Now().Add(time.Duration(d.ahead.Load())) }
func (d *deleting) advance(by time.Duration) { d.ahead.Add(int64(by)) }

func startDeleting(t testing.TB, change func(*profile.Config)) *deleting {
	t.Helper()
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	client, e := cosmostest.StartEmulator(t, "faults on order and a clock to move", specs)
	d := &deleting{peers: newPeers(), emulator: e}
	d.world = d.serve(t, client, change)
	return d
}

// serve starts one replica.
func (d *deleting) serve(t testing.TB, client *cosmos.Client, change func(*profile.Config)) *world {
	t.Helper()
	cfg := testConfig()
	cfg.Participants = []string{"identity", "leaderboard"}
	if change != nil {
		change(&cfg)
	}
	var server *grpcservertest.Server
	service, err := profile.New(t.Context(), cfg, profile.Deps{
		Cosmos: client, Logger: slog.New(slog.DiscardHandler), Now: d.now, Dial: d.dial,
		Erased: func(playerID string) bool { return server.Authority.Verifier().Erased(playerID) },
	})
	if err != nil {
		t.Fatal(err)
	}
	server = grpcservertest.Start(t, service)
	for end := time.Now().Add(30 * time.Second); service.Ready() != nil; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not ready: %v", service.Ready())
		}
	}
	return &world{Server: server, authority: server.Authority}
}

func (d *deleting) operator(t testing.TB) profilev1.ProfileServiceClient {
	return d.profiles(t, d.authority.Operator(someOps))
}

// player makes a player with documents everywhere.
func (d *deleting) player(t testing.TB, id string) {
	t.Helper()
	d.join(t, id)
	d.keep("identity", id, 2)
	d.keep("leaderboard", id, 3)
}

// finish repeats the request until a deletion is in a state, moving the clock.
func (d *deleting) finish(t testing.TB, ops profilev1.ProfileServiceClient, id string, want profilev1.Deletion_State) *profilev1.Deletion {
	t.Helper()
	var last *profilev1.Deletion
	for range 40 {
		r, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: id})
		if err != nil {
			t.Fatalf("delete: %v", err)
		}
		switch last = r.GetDeletion(); {
		case last.GetState() == want:
			return last
		case last.GetState() == profilev1.Deletion_STATE_CERTIFIED:
			d.advance(8*24*time.Hour + time.Second)
		default:
			d.advance(2*time.Minute + time.Second)
		}
	}
	t.Fatalf("the deletion stays %v", last)
	return nil
}

func TestDeletePlayer(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.player(t, ada)
	me, ops, stranger := d.profiles(t, d.authority.Player(ada)), d.operator(t), d.profiles(t, "")
	r, err := me.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if r.GetDeletion().GetState() != profilev1.Deletion_STATE_ERASED || !d.revoked[ada] || d.left(ada) != 0 {
		t.Errorf("after the call: %v, revoked %v, %d left", r.GetDeletion(), d.revoked[ada], d.left(ada))
	}
	if _, err := ops.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada}); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("the profile: %v", err)
	}
	if r.GetDeletion().GetRequester() != "" {
		t.Error("a player sees who asked")
	}
	certified := d.finish(t, ops, ada, profilev1.Deletion_STATE_CERTIFIED)
	if certified.GetCertificate().GetFinal() || len(certified.GetCertificate().GetRemainders()) != 2 {
		t.Errorf("the preliminary certificate is %v", certified.GetCertificate())
	}
	if certified.GetRequester() != "player" {
		t.Errorf("requester %q", certified.GetRequester())
	}
	final := d.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
	got := map[string]int64{}
	for _, store := range final.GetCertificate().GetStores() {
		got[store.GetService()+"/"+store.GetContainer()] = store.GetDeleted()
		if store.GetSweepTime() == nil {
			t.Errorf("%v has no time", store)
		}
	}
	want := map[string]int64{"profile/players": 3, "profile/handles": 0, "profile/reviews": 0, "identity/identity-things": 2, "leaderboard/leaderboard-things": 3}
	if !maps.Equal(got, want) || !final.GetCertificate().GetFinal() {
		t.Errorf("the certificate names %v, want %v", got, want)
	}
	checked, err := stranger.CheckDeletion(session(t), &profilev1.CheckDeletionRequest{Receipt: r.GetReceipt()})
	if err != nil || checked.GetDeletion().GetState() != profilev1.Deletion_STATE_FINAL {
		t.Errorf("by the receipt: %v, %v", checked, err)
	}
	if found, err := ops.GetDeletion(session(t), &profilev1.GetDeletionRequest{PlayerId: ada}); err != nil || found.GetDeletion().GetDeletionId() != final.GetDeletionId() {
		t.Errorf("by the player: %v, %v", found, err)
	}
}

// TestDeletionsAreRefused: bad input, and players who are not the caller.
func TestDeletionsAreRefused(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.join(t, ada, bob)
	me, ops, stranger := d.profiles(t, d.authority.Player(ada)), d.operator(t), d.profiles(t, "")
	remove := func(c profilev1.ProfileServiceClient, id string) error {
		_, err := c.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: id})
		return err
	}
	check := func(receipt string) error {
		_, err := stranger.CheckDeletion(session(t), &profilev1.CheckDeletionRequest{Receipt: receipt})
		return err
	}
	_, of := ops.GetDeletion(session(t), &profilev1.GetDeletionRequest{PlayerId: bob})
	_, byPlayer := me.GetDeletion(session(t), &profilev1.GetDeletionRequest{PlayerId: ada})
	_, ids := ops.ReapplyDeletions(session(t), &profilev1.ReapplyDeletionsRequest{DeletionIds: []string{"x"}})
	_, page := ops.ListDeletions(session(t), &profilev1.ListDeletionsRequest{PageToken: "x"})
	for what, test := range map[string]struct {
		err  error
		kind fault.Kind
	}{
		"another player":        {remove(me, bob), fault.PermissionDenied},
		"nobody":                {remove(ops, nobody), fault.NotFound},
		"an operator, no id":    {remove(ops, ""), fault.InvalidArgument},
		"no id":                 {remove(ops, "x"), fault.InvalidArgument},
		"a stranger":            {remove(stranger, ada), fault.Unauthenticated},
		"no receipt":            {check(""), fault.InvalidArgument},
		"a made-up receipt":     {check(strings.Repeat("A", 107)), fault.InvalidArgument},
		"a receipt too long":    {check(strings.Repeat("A", 2000)), fault.InvalidArgument},
		"no deletion":           {of, fault.NotFound},
		"a player who looks":    {byPlayer, fault.PermissionDenied},
		"a made-up deletion id": {ids, fault.InvalidArgument},
		"a made-up page":        {page, fault.InvalidArgument},
	} {
		if !fault.Is(test.err, test.kind) {
			t.Errorf("%s: %v, want %v", what, test.err, test.kind)
		}
	}
	if len(d.revoked) != 0 {
		t.Errorf("revoked %v", d.revoked)
	}
}

// TestADeletionThatIsCutGoesOn ends the call at every request to the store, and at every call to another service, each once before it is carried out and
// once after: as if the process had died there. Repeating the request brings every deletion to its end.
func TestADeletionThatIsCutGoesOn(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	ops := d.operator(t)
	for run, after := range []bool{false, true, false, true} {
		where := []string{"store", "services"}[run/2]
		for i := range 200 {
			id := fmt.Sprintf("01ARZ3NDEKTSV4RRFF%d%05dXY", run, i)
			d.player(t, id)
			ctx, cancel := context.WithCancel(session(t))
			met := d.cutAt(where, i, after, cancel)
			_, err := ops.DeletePlayer(ctx, &profilev1.DeletePlayerRequest{PlayerId: id})
			cancel()
			d.emulator.ClearFaults()
			d.setMeet(nil)
			if !met.Load() {
				if err != nil || i < 5 {
					t.Fatalf("not cut at %d: %v", i, err)
				}
				t.Logf("%d points to cut at in %s, after: %v", i, where, after)
				break
			}
			if _, err := ops.GetDeletion(session(t), &profilev1.GetDeletionRequest{PlayerId: id}); fault.Is(err, fault.NotFound) {
				if r, err := ops.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: id}); err != nil {
					t.Fatalf("cut at %d: neither a deletion nor a player: %v, %v", i, r, err)
				}
			}
			final := d.finish(t, ops, id, profilev1.Deletion_STATE_FINAL)
			if d.left(id) != 0 || !d.revoked[id] || final.GetCertificate() == nil {
				t.Fatalf("cut at %d, after %v: %d left, %v", i, after, d.left(id), final)
			}
			if _, err := ops.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: id}); !fault.Is(err, fault.NotFound) {
				t.Fatalf("cut at %d: the profile is there: %v", i, err)
			}
		}
	}
}

// cutAt ends a context at the i-th request to the store, or call to another service.
func (d *deleting) cutAt(where string, i int, after bool, cancel func()) *atomic.Bool {
	var met atomic.Bool
	if where == "store" {
		d.emulator.Inject(emulator.Fault{
			Container: "players", Skip: i, Count: 1, DropBefore: !after, DropAfter: after, After: after,
			Hook: func(context.Context, emulator.Point) {
				met.Store(true)
				cancel()
				time.Sleep(2 * time.Millisecond) // until the service hears of it
			},
		})
		return &met
	}
	var seen atomic.Int64
	d.setMeet(func(ctx context.Context, _, _ string, at bool) error {
		if at == after && seen.Add(1) == int64(i+1) {
			met.Store(true)
			cancel()
			<-ctx.Done()
		}
		return ctx.Err()
	})
	return &met
}

// TestAServiceThatIsDownDelaysOnlyItself: the others delete at once, and the certificate waits for it.
func TestAServiceThatIsDownDelaysOnlyItself(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.player(t, ada)
	ops := d.operator(t)
	down := "identity"
	d.setMeet(func(_ context.Context, service, method string, _ bool) error {
		if service == down && method == "ErasePlayer" {
			return fault.New(fault.Unavailable, "IS_DOWN", "down")
		}
		return nil
	})
	remove := func() *profilev1.Deletion {
		r, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: ada})
		if err != nil {
			t.Fatal(err)
		}
		return r.GetDeletion()
	}
	deletion := remove()
	if d.left(ada) != 2 || deletion.GetState() != profilev1.Deletion_STATE_ERASING {
		t.Errorf("%d left, %v", d.left(ada), deletion)
	}
	for range 3 { // not asked again before its time
		deletion = remove()
	}
	for _, p := range deletion.GetParticipants() {
		if p.GetService() == down && (p.GetFailures() != 1 || p.GetFailureReason() != "IS_DOWN" || p.GetRetryTime() == nil) || p.GetService() != down && !p.GetDone() {
			t.Errorf("participant %v", p)
		}
	}
	d.setMeet(nil)
	d.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
	if d.left(ada) != 0 {
		t.Errorf("%d left", d.left(ada))
	}
}

// TestNothingBringsHimBack: a sign-in that was paused before the deletion and goes on after it, a late retry of an update, and words of friends. What they write
// is gone after the second sweep, and an erased player cannot write anything at all.
func TestNothingBringsHimBack(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.player(t, ada)
	d.join(t, bob)
	ops, me, identity := d.operator(t), d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Service("identity"))
	if err := changeNamed("late", &profilev1.Profile{DisplayName: "Ada"}, "display_name")(session(t), me); err != nil {
		t.Fatal(err)
	}
	if _, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: ada}); err != nil {
		t.Fatal(err)
	}
	for what, err := range map[string]error{
		"a late retry": changeNamed("late", &profilev1.Profile{DisplayName: "Ada"}, "display_name")(session(t), me),
		"an update":    change(&profilev1.Profile{Country: "DE"}, "country", "private.settings")(session(t), me),
	} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	// Identity's list has not reached this replica: a paused sign-in creates him once more.
	if err := ensure(ada)(session(t), identity); err != nil {
		t.Fatal(err)
	}
	d.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: ada})
	if err := ensure(ada)(session(t), identity); !fault.Is(err, fault.NotFound) {
		t.Errorf("a sign-in after the revocation: %v", err)
	}
	d.advance(2*time.Minute + time.Second)
	certified := d.finish(t, ops, ada, profilev1.Deletion_STATE_CERTIFIED)
	for _, store := range certified.GetCertificate().GetStores() {
		if store.GetContainer() == "players" && store.GetDeleted() != 6 {
			t.Errorf("the second sweep did not find what the sign-in wrote: %v", store)
		}
	}
}

// TestTwoReplicasDeleteAtOnce: both do everything, and nothing is worse for it.
func TestTwoReplicasDeleteAtOnce(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.player(t, ada)
	ops := d.operator(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if _, err := ops.DeletePlayer(session(t), &profilev1.DeletePlayerRequest{PlayerId: ada}); err != nil && !fault.Is(err, fault.Aborted) {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	final := d.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
	for _, store := range final.GetCertificate().GetStores() {
		if want := map[string]int64{"players": 3, "identity-things": 2, "leaderboard-things": 3}[store.GetContainer()]; store.GetDeleted() != want {
			t.Errorf("%v, want %d", store, want)
		}
	}
}

// TestDeletionsAfterARestore: players whom a backup brought back are deleted again, those whose deletion is on record and those whose deletion is only
// named.
func TestDeletionsAfterARestore(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.player(t, ada)
	ops := d.operator(t)
	d.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
	list, err := ops.ListDeletions(session(t), &profilev1.ListDeletionsRequest{})
	if err != nil || len(list.GetDeletions()) != 1 || list.GetDeletions()[0].GetState() != profilev1.Deletion_STATE_FINAL {
		t.Fatalf("the list is %v, %v", list, err)
	}
	d.player(t, ada) // the backup has him
	d.join(t, bob)
	again := func(ids ...string) (found []*profilev1.Deletion, examined int32) {
		token := ""
		for {
			r, err := ops.ReapplyDeletions(session(t), &profilev1.ReapplyDeletionsRequest{DeletionIds: ids, PageSize: 1, PageToken: token})
			if err != nil {
				t.Fatal(err)
			}
			found, examined, token = append(found, r.GetDeletions()...), examined+r.GetExamined(), r.GetNextPageToken()
			if token == "" {
				return found, examined
			}
		}
	}
	found, examined := again()
	if len(found) != 1 || found[0].GetReapplied() != 1 || found[0].GetState() != profilev1.Deletion_STATE_REVOKING || examined < 2 {
		t.Fatalf("found %v among %d", found, examined)
	}
	d.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
	if _, err := ops.GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada}); !fault.Is(err, fault.NotFound) || d.left(ada) != 0 {
		t.Errorf("he is still there: %v, %d", err, d.left(ada))
	}

	// A store that does not know the deletion, as it was restored to a time before.
	other := startDeleting(t, nil)
	other.player(t, ada)
	ops = other.operator(t)
	if found, _ := again(); len(found) != 0 {
		t.Errorf("found %v without a name", found)
	}
	if found, _ := again(list.GetDeletions()[0].GetDeletionId()); len(found) != 1 {
		t.Errorf("found %v by the name", found)
	}
	other.finish(t, ops, ada, profilev1.Deletion_STATE_FINAL)
}

// peerExport is the stream of a peer: one document and the summary.
type peerExport struct {
	grpc.ClientStream
	peer *peer
	ctx  context.Context
	from int
	sent int
}

func (s *peerExport) SendMsg(m any) error {
	if r := m.(*profilev1.ExportPlayerRequest); r.GetResumeToken() != "" {
		s.from = 1
	}
	return nil
}

func (s *peerExport) CloseSend() error { return nil }

func (s *peerExport) RecvMsg(m any) error {
	at := s.from + s.sent
	s.sent++
	out := m.(*profilev1.ExportPlayerResponse)
	switch at {
	case 0:
		out.Part = &profilev1.ExportPlayerResponse_Document{Document: &profilev1.ExportedDocument{Container: s.peer.name + "-things", Id: "thing"}}
		out.ResumeToken = "behind the thing"
		return nil
	case 1:
		if err := s.peer.pass(s.ctx, "ExportPlayer", true); err != nil {
			return err
		}
		out.Part = &profilev1.ExportPlayerResponse_Summary{Summary: &profilev1.ExportSummary{Documents: map[string]int64{s.peer.name + "-things": 1}}}
		out.ResumeToken = "behind all"
		return nil
	}
	return io.EOF
}
