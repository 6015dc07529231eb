package profile_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/profile"
)

// following makes the leaderboard keep copies.
func following(c *profile.Config) { c.Followers = []string{"leaderboard"} }

// last is what a service holds after all that it was told: a receiver goes by the version, as messages may overtake one another.
func (p *peers) last(service string) (last *profilev1.PlayerChangedRequest) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, told := range p.changes[service] {
		if told.GetVersion() > last.GetVersion() {
			last = told
		}
	}
	return last
}

func suspend(id string, suspended bool, version int64) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		r, err := profilev1.NewProfileServiceClient(c).SetSuspension(ctx, &profilev1.SetSuspensionRequest{PlayerId: id, Suspended: suspended, Version: version})
		if err == nil && !r.GetDone() {
			return errNotDone
		}
		return err
	}
}

var errNotDone = errors.New("not done")

// eventuallyTold waits for the chore, whose first rounds come at once.
func (d *deleting) wantLast(t *testing.T, version int64, country string, suspended bool) {
	t.Helper()
	var last *profilev1.PlayerChangedRequest
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		last = d.last("leaderboard")
		if last.GetVersion() == version && last.GetCountry() == country && last.GetSuspended() == suspended {
			return
		}
	}
	t.Fatalf("the follower has %v, want version %d, %q, %v", last, version, country, suspended)
}

func TestChangesAreTold(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, ada)
	me, identity := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Service("identity"))
	do := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	do("a name", change(&profilev1.Profile{DisplayName: "Ada"}, "display_name")(session(t), me))
	if last := d.last("leaderboard"); last != nil {
		t.Errorf("a name is told: %v", last)
	}
	do("a country", change(&profilev1.Profile{Country: "DE"}, "country")(session(t), me))
	d.wantLast(t, 1, "DE", false)
	do("a country with a request id", changeNamed("r1", &profilev1.Profile{Country: "FR"}, "country", "private.settings")(session(t), me))
	d.wantLast(t, 2, "FR", false)
	do("the same again", changeNamed("r1", &profilev1.Profile{Country: "FR"}, "country", "private.settings")(session(t), me))
	do("suspended", suspend(ada, true, 5)(session(t), identity))
	d.wantLast(t, 3, "FR", true)
	do("an older state", suspend(ada, false, 4)(session(t), identity))
	d.wantLast(t, 3, "FR", true)
	if r, err := d.operator(t).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada}); err != nil || !r.GetProfile().GetSuspended() {
		t.Errorf("the profile: %v, %v", r, err)
	}
	do("an update keeps it", change(&profilev1.Profile{DisplayName: "A"}, "display_name")(session(t), me))
	do("lifted", suspend(ada, false, 6)(session(t), identity))
	d.wantLast(t, 4, "FR", false)
	if err := suspend(nobody, true, 1)(session(t), identity); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
		t.Errorf("nobody: %v", err)
	}
	if err := suspend(ada, true, 9)(session(t), me); !fault.Is(err, fault.PermissionDenied) {
		t.Errorf("by a player: %v", err)
	}
}

// TestAFollowerThatIsDown: the call that changes something is not held up for long, a suspension is not done before it is told, only the last state is told in the
// end, and after 7 days the message is given up until the next change.
func TestAFollowerThatIsDown(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, ada)
	me, identity := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Service("identity"))
	down := func(context.Context, string, string, bool) error {
		return fault.New(fault.Unavailable, "IS_DOWN", "down")
	}
	d.setMeet(down)
	for _, country := range []string{"DE", "FR", "IT"} {
		if err := change(&profilev1.Profile{Country: country}, "country")(session(t), me); err != nil {
			t.Fatal(err)
		}
	}
	if err := suspend(ada, true, 1)(session(t), identity); !errors.Is(err, errNotDone) {
		t.Errorf("suspended: %v", err)
	}
	d.setMeet(nil)
	if err := suspend(ada, true, 1)(session(t), identity); err != nil {
		t.Errorf("suspended again: %v", err)
	}
	d.wantLast(t, 4, "IT", true)
	if n := len(d.changes["leaderboard"]); n != 1 {
		t.Errorf("%d messages were taken, want the last state only", n)
	}
	d.setMeet(down)
	_ = suspend(ada, false, 2)(session(t), identity)
	d.advance(7*24*time.Hour + time.Second)
	_ = suspend(ada, false, 2)(session(t), identity)
	box := storedOutbox(t, d, ada)
	if box["dead"] == nil || box["due"] != nil {
		t.Errorf("after 7 days: %v", box)
	}
	d.setMeet(nil)
	if err := suspend(ada, true, 3)(session(t), identity); err != nil {
		t.Errorf("the next change: %v", err)
	}
	d.wantLast(t, 6, "IT", true)
	if box := storedOutbox(t, d, ada); box["dead"] != nil || box["due"] != nil {
		t.Errorf("after the next change: %v", box)
	}
}

// TestTheChoreTells: a call that ends behind its write leaves the telling to the chore.
func TestTheChoreTells(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, ada)
	d.setMeet(func(context.Context, string, string, bool) error {
		return fault.New(fault.Unavailable, "IS_DOWN", "down")
	})
	if err := change(&profilev1.Profile{Country: "DE"}, "country")(session(t), d.Dial(t, d.authority.Player(ada))); err != nil {
		t.Fatal(err)
	}
	d.setMeet(nil)
	d.advance(time.Hour)
	d.wantLast(t, 1, "DE", false)
}

// TestTellingUnderFaults meets every request of a change with every passing failure: the change is made once, and told.
func TestTellingUnderFaults(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, ada)
	me, identity := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Service("identity"))
	version, on := int64(0), false
	for name, failure := range map[string]emulator.Fault{
		"429": {Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, "449": {Status: 449}, "410": {Status: 410, Substatus: 1002}, "500": {Status: 500},
		"503": {Status: 503}, "cut before": {DropBefore: true}, "cut after": {DropAfter: true}, "503 after": {Status: 503, After: true},
	} {
		for skip := range 4 {
			failure.Container, failure.PartitionKey, failure.Skip, failure.Count = "players", ada, skip, 1
			d.emulator.Inject(failure)
			on, version = !on, version+1
			country := map[bool]string{true: "DE", false: "FR"}[on]
			if err := change(&profilev1.Profile{Country: country}, "country")(session(t), me); err != nil {
				t.Fatalf("%s at %d: %v", name, skip, err)
			}
			d.emulator.ClearFaults()
			d.emulator.Inject(failure)
			if err := suspend(ada, on, version)(session(t), identity); err != nil {
				t.Fatalf("%s at %d: suspension: %v", name, skip, err)
			}
			d.emulator.ClearFaults()
			d.wantLast(t, 2*version, country, on)
		}
	}
}

// TestCountriesAndSuspensionsAtOnce: whatever the order, the follower ends with what the profile says.
func TestCountriesAndSuspensionsAtOnce(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, following)
	d.join(t, ada)
	me, identity := d.Dial(t, d.authority.Player(ada)), d.Dial(t, d.authority.Service("identity"))
	var wg sync.WaitGroup
	for i, country := range []string{"DE", "FR", "IT", "ES"} {
		wg.Go(func() { _ = change(&profilev1.Profile{Country: country}, "country")(session(t), me) })
		wg.Go(func() { _ = suspend(ada, i%2 == 0, int64(i+1))(session(t), identity) })
	}
	wg.Wait()
	r, err := d.operator(t).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	version, _ := storedOutbox(t, d, ada)["version"].(float64)
	d.advance(time.Hour)
	d.wantLast(t, int64(version), r.GetProfile().GetCountry(), r.GetProfile().GetSuspended())
}

// storedOutbox is the player's outbox as an export shows it.
func storedOutbox(t *testing.T, d *deleting, id string) map[string]any {
	t.Helper()
	for _, part := range receive(t, d.playerData(t, d.authority.Service("profile")), &profilev1.ExportPlayerRequest{PlayerId: id}) {
		if part.GetDocument().GetId() == "o|changed" {
			return part.GetDocument().GetContent().AsMap()
		}
	}
	return nil
}

// exportAll receives an export until it ends or fails.
func exportAll(ctx context.Context, c profilev1.ProfileServiceClient, id, token string) (parts []*profilev1.ProfileServiceExportPlayerResponse, err error) {
	stream, err := c.ExportPlayer(ctx, &profilev1.ProfileServiceExportPlayerRequest{PlayerId: id, ResumeToken: token})
	for err == nil {
		var part *profilev1.ProfileServiceExportPlayerResponse
		if part, err = stream.Recv(); err == nil {
			parts = append(parts, part)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return parts, err
}

func names(parts []*profilev1.ProfileServiceExportPlayerResponse) []string {
	var list []string
	for _, part := range parts {
		switch {
		case part.GetDocument() != nil:
			list = append(list, part.GetDocument().GetService()+"/"+part.GetDocument().GetContainer()+"/"+part.GetDocument().GetId())
		case part.GetServiceSummary() != nil:
			list = append(list, "end of "+part.GetServiceSummary().GetService())
		default:
			list = append(list, "end")
		}
	}
	return list
}

func TestExportOfAllServices(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	d.join(t, ada, bob)
	me, ops := d.profiles(t, d.authority.Player(ada)), d.operator(t)
	want := []string{
		"profile/players/live", "profile/players/private", "profile/players/profile", "end of profile", "identity/identity-things/thing", "end of identity",
		"leaderboard/leaderboard-things/thing", "end of leaderboard", "end",
	}
	parts, err := exportAll(session(t), me, "", "")
	if err != nil || !slices.Equal(names(parts), want) || parts[len(parts)-1].GetSummary().GetDocuments() != 5 {
		t.Fatalf("%v, %v", parts, err)
	}
	for i, part := range parts { // resumed behind every part
		rest, err := exportAll(session(t), ops, ada, part.GetResumeToken())
		if at := min(i+1, len(want)-1); err != nil || !slices.Equal(names(rest), want[at:]) || rest[len(rest)-1].GetSummary().GetDocuments() != 5 {
			t.Errorf("behind part %d: %v, %v", i, names(rest), err)
		}
	}
	for what, test := range map[string]struct {
		c         profilev1.ProfileServiceClient
		id, token string
		kind      fault.Kind
	}{
		"another player":        {me, bob, "", fault.PermissionDenied},
		"nobody":                {ops, nobody, "", fault.NotFound},
		"an operator, no id":    {ops, "", "", fault.InvalidArgument},
		"a made-up token":       {me, ada, "x", fault.InvalidArgument},
		"another player's":      {ops, bob, parts[0].GetResumeToken(), fault.InvalidArgument},
		"a token of wrong size": {me, ada, strings.Repeat("x", 20000), fault.InvalidArgument},
	} {
		if _, err := exportAll(session(t), test.c, test.id, test.token); !fault.Is(err, test.kind) {
			t.Errorf("%s: %v", what, err)
		}
	}
	d.setMeet(func(_ context.Context, service, _ string, after bool) error {
		if service == "leaderboard" && after {
			return fault.New(fault.Unavailable, "CUT", "cut")
		}
		return nil
	})
	cut, err := exportAll(session(t), me, ada, "")
	if !fault.Is(err, fault.Unavailable) || len(cut) != 7 {
		t.Fatalf("cut: %v, %v", names(cut), err)
	}
	d.setMeet(nil)
	if rest, err := exportAll(session(t), me, ada, cut[6].GetResumeToken()); err != nil || !slices.Equal(names(rest), want[7:]) {
		t.Errorf("resumed: %v, %v", names(rest), err)
	}
	stop := make(chan struct{})
	entered := make(chan struct{}, 1)
	d.setMeet(func(_ context.Context, _, _ string, _ bool) error {
		select {
		case entered <- struct{}{}:
		default:
		}
		<-stop
		return nil
	})
	done := make(chan error, 1)
	go func() { _, err := exportAll(session(t), me, ada, ""); done <- err }()
	<-entered
	if _, err := exportAll(session(t), me, ada, ""); fault.ReasonOf(err) != "EXPORT_OPEN" || fault.As(err).RetryAfter <= 0 {
		t.Errorf("a second export at once: %v", err)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestListPlayers(t *testing.T) {
	t.Parallel()
	d := startDeleting(t, nil)
	const carl = "01CX5ZZKBKACTAV9WEVGEMMVRZ"
	d.join(t, ada)
	d.advance(time.Hour)
	middle := d.now()
	d.advance(time.Hour)
	d.join(t, bob, carl)
	ops, operator := d.operator(t), d.Dial(t, d.authority.Operator(someOps))
	for id, country := range map[string]string{ada: "DE", bob: "DE"} {
		if err := change(&profilev1.Profile{PlayerId: id, Country: country}, "country")(session(t), operator); err != nil {
			t.Fatal(err)
		}
	}
	if err := suspend(bob, true, 1)(session(t), d.Dial(t, d.authority.Service("identity"))); err != nil {
		t.Fatal(err)
	}
	for what, test := range map[string]struct {
		r    *profilev1.ListPlayersRequest
		want []string
	}{
		"all":              {&profilev1.ListPlayersRequest{}, []string{ada, bob, carl}},
		"active":           {&profilev1.ListPlayersRequest{State: profilev1.ListPlayersRequest_STATE_ACTIVE}, []string{ada, carl}},
		"suspended":        {&profilev1.ListPlayersRequest{State: profilev1.ListPlayersRequest_STATE_SUSPENDED}, []string{bob}},
		"of a country":     {&profilev1.ListPlayersRequest{Country: "DE"}, []string{ada, bob}},
		"since":            {&profilev1.ListPlayersRequest{JoinedFrom: timestamppb.New(middle)}, []string{bob, carl}},
		"before":           {&profilev1.ListPlayersRequest{JoinedBefore: timestamppb.New(middle), Country: "DE"}, []string{ada}},
		"nobody's country": {&profilev1.ListPlayersRequest{Country: "FR"}, nil},
		"since, suspended": {&profilev1.ListPlayersRequest{JoinedFrom: timestamppb.New(middle), State: profilev1.ListPlayersRequest_STATE_SUSPENDED}, []string{bob}},
	} {
		found := map[string]bool{}
		test.r.PageSize = 1
		for {
			page, err := ops.ListPlayers(session(t), test.r)
			if err != nil {
				t.Fatalf("%s: %v", what, err)
			}
			for _, p := range page.GetPlayers() {
				found[p.GetPlayerId()] = true
			}
			if test.r.PageToken = page.GetNextPageToken(); test.r.GetPageToken() == "" {
				break
			}
		}
		if got := slices.Sorted(maps.Keys(found)); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", what, got, test.want)
		}
	}
	first, err := ops.ListPlayers(session(t), &profilev1.ListPlayersRequest{PageSize: 1})
	if err != nil {
		t.Fatal(err)
	}
	now := timestamppb.New(middle)
	for what, r := range map[string]*profilev1.ListPlayersRequest{
		"a made-up token": {PageToken: "x"}, "a token of other filters": {PageToken: first.GetNextPageToken(), Country: "DE"},
		"a negative page": {PageSize: -1}, "a country": {Country: "de"}, "no time": {JoinedFrom: &timestamppb.Timestamp{Seconds: 1 << 60}},
		"an empty range": {JoinedFrom: now, JoinedBefore: now}, "a state": {State: 7},
	} {
		if _, err := ops.ListPlayers(session(t), r); !fault.Is(err, fault.InvalidArgument) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := d.profiles(t, d.authority.Player(ada)).ListPlayers(session(t), &profilev1.ListPlayersRequest{}); !fault.Is(err, fault.PermissionDenied) {
		t.Errorf("a player: %v", err)
	}
}

// TestAnErasureNamesItsContainers: the list that services/playerdata_test.go goes by is what ErasePlayer says.
func TestAnErasureNamesItsContainers(t *testing.T) {
	w := start(t)
	data := w.playerData(t, w.authority.Service("profile"))
	response, err := data.ErasePlayer(session(t), &profilev1.ErasePlayerRequest{PlayerId: ada})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/playerdata.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if err := json.Unmarshal(text, &want); err != nil || !slices.Equal(response.GetContainers(), want) {
		t.Errorf("ErasePlayer names %v, testdata/playerdata.json %v, %v", response.GetContainers(), want, err)
	}
	if _, err := data.PlayerChanged(session(t), &profilev1.PlayerChangedRequest{PlayerId: ada, Version: 1}); err != nil {
		t.Errorf("PlayerChanged: %v", err)
	}
}
