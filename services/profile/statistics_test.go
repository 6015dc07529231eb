package profile_test

import (
	"context"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/proto"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

const (
	statSum  = profilev1.StatisticOperator_STATISTIC_OPERATOR_SUM
	statMax  = profilev1.StatisticOperator_STATISTIC_OPERATOR_MAX
	statMin  = profilev1.StatisticOperator_STATISTIC_OPERATOR_MIN
	statLast = profilev1.StatisticOperator_STATISTIC_OPERATOR_LAST
)

func (w *world) statistics(t testing.TB, token string) profilev1.StatisticsServiceClient {
	return profilev1.NewStatisticsServiceClient(w.Dial(t, token))
}

func statistic(name string, operator profilev1.StatisticOperator, value int64) *profilev1.StatisticUpdate {
	return &profilev1.StatisticUpdate{Name: name, Operator: operator, Value: value}
}

func updateStatistics(playerID, requestID string, updates ...*profilev1.StatisticUpdate) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewStatisticsServiceClient(c).UpdateStatistics(ctx, &profilev1.UpdateStatisticsRequest{
			PlayerId: playerID, RequestId: requestID, Updates: updates,
		})
		return err
	}
}

func getStatistics(playerID string, names ...string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewStatisticsServiceClient(c).GetStatistics(ctx, &profilev1.GetStatisticsRequest{PlayerId: playerID, Names: names})
		return err
	}
}

func batchGetStatistics(names []string, playerIDs ...string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		r := &profilev1.BatchGetStatisticsRequest{PlayerIds: playerIDs, Names: names}
		_, err := profilev1.NewStatisticsServiceClient(c).BatchGetStatistics(ctx, r)
		return err
	}
}

func resetStatistics(playerID, requestID string, all bool, names ...string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		r := &profilev1.ResetStatisticsRequest{PlayerId: playerID, RequestId: requestID, All: all, Names: names}
		_, err := profilev1.NewStatisticsServiceClient(c).ResetStatistics(ctx, r)
		return err
	}
}

func TestLifeOfStatistics(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	ctx := session(t)
	server, player := w.statistics(t, w.authority.GameServer("eu-1")), w.statistics(t, w.authority.Player(ada))
	first := &profilev1.UpdateStatisticsRequest{PlayerId: ada, RequestId: "match-1", Updates: []*profilev1.StatisticUpdate{
		statistic("games", statSum, 1), statistic("best.score", statMax, math.MaxInt64), statistic("best.time", statMin, 90), statistic("rank", statLast, -3),
	}}
	answer, err := server.UpdateStatistics(ctx, first)
	if err != nil {
		t.Fatal(err)
	}
	second := &profilev1.UpdateStatisticsRequest{PlayerId: ada, RequestId: "match-2", Updates: []*profilev1.StatisticUpdate{
		statistic("games", statSum, 2), statistic("best.score", statMax, 5), statistic("best.time", statMin, 80), statistic("rank", statLast, -1),
	}}
	if _, err := server.UpdateStatistics(ctx, second); err != nil {
		t.Fatal(err)
	}
	if again, err := server.UpdateStatistics(ctx, first); err != nil || !proto.Equal(again, answer) {
		t.Errorf("the first request again: %v, %v, want the first answer", again, err)
	}
	got, err := player.GetStatistics(ctx, &profilev1.GetStatisticsRequest{})
	want := map[string]int64{"games": 3, "best.score": math.MaxInt64, "best.time": 80, "rank": -1}
	if diff := cmp.Diff(want, got.GetStatistics().GetValues()); diff != "" || err != nil || got.GetStatistics().GetUpdateTime() == nil {
		t.Error(diff, err)
	}
	got, err = w.statistics(t, w.authority.Player(bob)).GetStatistics(ctx, &profilev1.GetStatisticsRequest{PlayerId: ada, Names: []string{"games", "none"}})
	if diff := cmp.Diff(map[string]int64{"games": 3}, got.GetStatistics().GetValues()); diff != "" || err != nil {
		t.Error(diff, err)
	}

	// An overflow of one leaves all as they are.
	_, err = server.UpdateStatistics(ctx, &profilev1.UpdateStatisticsRequest{PlayerId: ada, RequestId: "match-3", Updates: []*profilev1.StatisticUpdate{
		statistic("games", statSum, 1), statistic("best.score", statSum, 1),
	}})
	if f := fault.As(err); f == nil || f.Kind != fault.OutOfRange || f.Reason != "STATISTIC_OVERFLOW" || f.Metadata["statistic"] != "best.score" {
		t.Errorf("got %v", err)
	}
	many, err := player.BatchGetStatistics(ctx, &profilev1.BatchGetStatisticsRequest{PlayerIds: []string{nobody, ada, bob}, Names: []string{"games"}})
	if err != nil || len(many.GetStatistics()) != 1 || many.GetStatistics()[0].GetValues()["games"] != 3 || len(many.GetStatistics()[0].GetValues()) != 1 {
		t.Errorf("%v, %v", many, err)
	}
	if diff := cmp.Diff([]string{nobody, bob}, many.GetMissingPlayerIds()); diff != "" {
		t.Error(diff)
	}
	operator := w.statistics(t, w.authority.Operator(someOps))
	reset, err := operator.ResetStatistics(ctx, &profilev1.ResetStatisticsRequest{PlayerId: ada, RequestId: "r", All: true})
	if diff := cmp.Diff(want, reset.GetRemoved().GetValues()); diff != "" || err != nil {
		t.Error(diff, err)
	}
	got, err = player.GetStatistics(ctx, &profilev1.GetStatisticsRequest{})
	if err != nil || len(got.GetStatistics().GetValues()) != 0 {
		t.Errorf("%v, %v", got, err)
	}

	// Statistics are exported as they are stored, and erased.
	data := w.playerData(t, w.authority.Service("profile"))
	ids := map[string]bool{}
	for _, part := range receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}) {
		id, _, _ := strings.Cut(part.GetDocument().GetId(), "|")
		ids[id] = true
	}
	if !ids["stats"] {
		t.Errorf("exported %v", ids)
	}
	w.authority.Revoke(auth.Revocation{Kind: auth.ErasePlayer, ID: ada})
	if _, err := server.UpdateStatistics(ctx, first); !fault.Is(err, fault.NotFound) {
		t.Errorf("of an erased player: %v", err)
	}
	many, err = w.statistics(t, w.authority.Player(bob)).BatchGetStatistics(ctx, &profilev1.BatchGetStatisticsRequest{PlayerIds: []string{ada}})
	if err != nil || len(many.GetMissingPlayerIds()) != 1 {
		t.Errorf("several, one of them erased: %v, %v", many, err)
	}
}

func TestTooManyStatistics(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server := w.Dial(t, w.authority.GameServer("eu-1"))
	for i := 0; i < 256; i += 32 {
		var updates []*profilev1.StatisticUpdate
		for j := range 32 {
			updates = append(updates, statistic(fmt.Sprint("s", i+j), statSum, 1))
		}
		if err := updateStatistics(ada, fmt.Sprint("r", i), updates...)(session(t), server); err != nil {
			t.Fatal(err)
		}
	}
	err := updateStatistics(ada, "one-more", statistic("s256", statSum, 1))(session(t), server)
	if !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != "TOO_MANY_STATISTICS" {
		t.Errorf("got %v", err)
	}
}

func TestWhoMayDoWhatWithStatistics(t *testing.T) {
	w := start(t)
	w.join(t, ada, bob)
	player, operator := w.Dial(t, w.authority.Player(ada)), w.Dial(t, w.authority.Operator(someOps))
	gameServer, service, stranger := w.Dial(t, w.authority.GameServer("eu-1")), w.Dial(t, w.authority.Service("matchmaking")), w.Dial(t, "")
	one := func(id string) call { return updateStatistics(ada, id, statistic("games", statSum, 1)) }
	tests := []struct {
		what    string
		as      *grpc.ClientConn
		call    call
		refused bool
	}{
		{"a game server writes", gameServer, one("1"), false},
		{"a service writes", service, one("1"), false},
		{"an operator writes", operator, one("1"), false},
		{"a player writes", player, one("1"), true},
		{"a stranger writes", stranger, one("1"), true},
		{"a player reads his own", player, getStatistics(""), false},
		{"a player reads another's", player, getStatistics(bob), false},
		{"a service reads", service, getStatistics(ada), false},
		{"a stranger reads", stranger, getStatistics(ada), true},
		{"a stranger reads several", stranger, batchGetStatistics(nil, ada), true},
		{"a player resets", player, resetStatistics(ada, "2", true), true},
		{"a game server resets", gameServer, resetStatistics(ada, "2", true), true},
		{"a service resets", service, resetStatistics(ada, "2", true), true},
		{"an operator resets", operator, resetStatistics(ada, "2", true), false},
	}
	for _, test := range tests {
		err := test.call(session(t), test.as)
		if test.refused != (fault.Is(err, fault.PermissionDenied) || fault.Is(err, fault.Unauthenticated)) || !test.refused && err != nil {
			t.Errorf("%s: %v", test.what, err)
		}
	}
}

func TestBadStatistics(t *testing.T) {
	w := start(t)
	w.join(t, ada)
	server, operator := w.Dial(t, w.authority.GameServer("eu-1")), w.Dial(t, w.authority.Operator(someOps))
	var many []*profilev1.StatisticUpdate
	for i := range 41 {
		many = append(many, statistic(fmt.Sprint("s", i), statSum, 1))
	}
	good := statistic("games", statSum, 1)
	tests := []struct {
		what  string
		as    *grpc.ClientConn
		call  call
		field string
		part  string
	}{
		{"no updates", server, updateStatistics(ada, "r"), "updates", ""},
		{"41 updates", server, updateStatistics(ada, "r", many...), "updates", ""},
		{"no name", server, updateStatistics(ada, "r", good, statistic("", statSum, 1)), "updates[1].name", ""},
		{"name in capitals", server, updateStatistics(ada, "r", statistic("Games", statSum, 1)), "updates[0].name", ""},
		{"name with a slash", server, updateStatistics(ada, "r", statistic("a/b", statSum, 1)), "updates[0].name", ""},
		{"name with a newline", server, updateStatistics(ada, "r", statistic("a\n", statSum, 1)), "updates[0].name", ""},
		{"name of the system", server, updateStatistics(ada, "r", statistic("_etag", statSum, 1)), "updates[0].name", ""},
		{"name too long", server, updateStatistics(ada, "r", statistic(strings.Repeat("a", 41), statSum, 1)), "updates[0].name", ""},
		{"the same name twice", server, updateStatistics(ada, "r", good, good), "updates[1].name", "twice"},
		{"no operator", server, updateStatistics(ada, "r", statistic("games", 0, 1)), "updates[0].operator", ""},
		{"unknown operator", server, updateStatistics(ada, "r", statistic("games", 9, 1)), "updates[0].operator", ""},
		{"no request id", server, updateStatistics(ada, "", good), "request_id", ""},
		{"request id with a slash", server, updateStatistics(ada, "a/b", good), "request_id", ""},
		{"no player", server, updateStatistics("", "r", good), "player_id", ""},
		{"bad player", server, updateStatistics("x", "r", good), "player_id", ""},
		{"a game server asks for itself", server, getStatistics(""), "player_id", "only a player"},
		{"bad name asked for", server, getStatistics(ada, "a", "B"), "names[1]", ""},
		{"the same name asked for twice", server, getStatistics(ada, "a", "a"), "names", ""},
		{"nobody asked for", server, batchGetStatistics(nil), "player_ids", ""},
		{"the same player twice", server, batchGetStatistics(nil, ada, ada), "player_ids", ""},
		{"a bad name of several players", server, batchGetStatistics([]string{"#"}, ada), "names[0]", ""},
		{"reset of nothing", operator, resetStatistics(ada, "r", false), "names", "all"},
		{"reset of some and all", operator, resetStatistics(ada, "r", true, "games"), "names", "all"},
		{"reset without a request id", operator, resetStatistics(ada, "", true), "request_id", ""},
	}
	for _, test := range tests {
		t.Run(test.what, func(t *testing.T) {
			wantBadField(t, test.call(session(t), test.as), test.field, test.part)
		})
	}
	got, err := profilev1.NewStatisticsServiceClient(server).GetStatistics(session(t), &profilev1.GetStatisticsRequest{PlayerId: ada})
	if err != nil || len(got.GetStatistics().GetValues()) != 0 {
		t.Errorf("something was stored: %v, %v", got, err)
	}
	for what, c := range map[string]call{
		"update": updateStatistics(nobody, "r", good), "get": getStatistics(nobody), "reset": resetStatistics(nobody, "r", true),
	} {
		if err := c(session(t), operator); fault.ReasonOf(err) != "PLAYER_NOT_FOUND" {
			t.Errorf("%s of nobody: %v", what, err)
		}
	}
}
