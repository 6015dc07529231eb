package wallet

import (
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

var (
	gold   = Asset{Currency, "gold"}
	gems   = Asset{Currency, "gems"}
	potion = Asset{Item, "potion"}
	noon   = time.Date(2026, 3, 1, 12, 0, 0, 120_000_000, time.UTC)
)

func order(kind Kind, lines ...Line) Order {
	return Order{
		PlayerID: "p", Caller: Caller{Role: "game-server", Subject: "eu"}, RequestID: "r1", Kind: kind, Lines: lines, Reason: "because", Reference: "m-1",
	}
}

func line(a Asset, amount int64) Line { return Line{Asset: a, Amount: amount} }

func TestCheck(t *testing.T) {
	many := make([]Line, MaxLines+1)
	for i := range many {
		many[i] = line(Asset{Item, fmt.Sprint(i)}, 1)
	}
	for what, test := range map[string]struct {
		order Order
		field string // "" = it is right
	}{
		"a grant":                  {order(Grant, line(gold, 1)), ""},
		"a grant that takes":       {order(Grant, line(gold, 1), line(gems, -1)), "lines"},
		"a reward":                 {order(Reward, line(gold, 1), line(potion, 2)), ""},
		"a reward that takes":      {order(Reward, line(gold, -1)), "lines"},
		"a spend":                  {order(Spend, line(gold, -1), line(potion, -2)), ""},
		"a spend that gives":       {order(Spend, line(gold, -1), line(potion, 2)), "lines"},
		"a transfer":               {order(Transfer, line(gold, -10), line(gems, 1)), ""},
		"a transfer to nothing":    {order(Transfer, line(gold, -10)), "lines"},
		"a transfer from nothing":  {order(Transfer, line(gems, 1)), "lines"},
		"a purchase":               {order(Purchase, line(gold, -10), line(potion, 1)), ""},
		"a purchase for money":     {order(Purchase, line(gems, 100)), ""},
		"a purchase of nothing":    {order(Purchase, line(gold, -10)), "lines"},
		"no kind":                  {order("", line(gold, 1)), "kind"},
		"another kind":             {order("gift", line(gold, 1)), "kind"},
		"no lines":                 {order(Grant), "lines"},
		"40 lines":                 {order(Grant, many[:MaxLines]...), ""},
		"41 lines":                 {order(Grant, many...), "lines"},
		"nothing":                  {order(Grant, line(gold, 1), line(gems, 0)), "lines[1].amount"},
		"the most":                 {order(Grant, line(gold, MaxAmount)), ""},
		"too much":                 {order(Grant, line(gold, MaxAmount+1)), "lines[0].amount"},
		"too little":               {order(Spend, line(gold, -MaxAmount-1)), "lines[0].amount"},
		"the least there is":       {order(Spend, line(gold, -1<<63)), "lines[0].amount"},
		"an asset twice":           {order(Transfer, line(gold, -1), line(gems, 1), line(gold, 5)), "lines[2].asset"},
		"two assets with one name": {order(Grant, line(gold, 1), line(Asset{Item, "gold"}, 1)), ""},
	} {
		err := test.order.check()
		switch f := fault.As(err); {
		case test.field == "" && err != nil:
			t.Errorf("%s: %v", what, err)
		case test.field != "" && (f == nil || f.Kind != fault.InvalidArgument || f.Fields[0].Path != test.field):
			t.Errorf("%s: %v, want %s", what, err, test.field)
		}
	}
}

func TestCorrectionsAreForOperators(t *testing.T) {
	o := order(Correction, line(gold, -1))
	for role, allowed := range map[string]bool{"operator": true, "game-server": false, "service": false, "player": false, "": false} {
		o.Caller.Role = role
		if err := o.check(); (err == nil) != allowed || err != nil && fault.ReasonOf(err) != "OPERATORS_ONLY" {
			t.Errorf("%s: %v", role, err)
		}
	}
}

func TestPost(t *testing.T) {
	o := order(Transfer, line(gold, -5), line(gems, 1), line(potion, 2))
	first, err := o.post(Head{}, map[Asset]int64{gold: 5, gems: MaxAmount - 1}, noon)
	if err != nil {
		t.Fatal(err)
	}
	want := Entry{
		PlayerID: "p", Seq: 1, PreviousHash: noHash, RequestID: "r1", Kind: Transfer, Caller: o.Caller, Reason: "because", Reference: "m-1", Time: noon,
		Lines: []Line{{gold, -5, 0}, {gems, 1, MaxAmount}, {potion, 2, 2}},
	}
	want.RequestHash, want.Hash = o.hash(), first.computeHash()
	if diff := cmp.Diff(want, first); diff != "" {
		t.Error(diff)
	}
	second, err := o.post(Head{Seq: 1, Hash: first.Hash}, map[Asset]int64{gold: 6}, noon)
	if err != nil || second.Seq != 2 || second.PreviousHash != first.Hash || second.Hash == first.Hash {
		t.Errorf("%+v, %v", second, err)
	}
	if o.Lines[0].Balance != 0 {
		t.Error("the order was changed")
	}
}

func TestPostRefuses(t *testing.T) {
	o := order(Transfer, line(gold, -5), line(gems, 1), line(potion, -2))
	for what, test := range map[string]struct {
		balances map[Asset]int64
		reason   string
		metadata map[string]string
	}{
		"one short":          {map[Asset]int64{gold: 4, potion: 2}, "INSUFFICIENT_FUNDS", map[string]string{"count": "1", "currency:gold": "4/5"}},
		"all short":          {map[Asset]int64{gold: 4}, "INSUFFICIENT_FUNDS", map[string]string{"count": "2", "currency:gold": "4/5", "item:potion": "0/2"}},
		"over":               {map[Asset]int64{gold: 5, potion: 2, gems: MaxAmount}, "BALANCE_LIMIT", map[string]string{"count": "1", "currency:gems": "9007199254740991/1"}},
		"short before over":  {map[Asset]int64{gold: 5, gems: MaxAmount}, "INSUFFICIENT_FUNDS", map[string]string{"count": "1", "item:potion": "0/2"}},
		"the greatest debit": {map[Asset]int64{gold: 5, potion: 1}, "INSUFFICIENT_FUNDS", map[string]string{"count": "1", "item:potion": "1/2"}},
	} {
		_, err := o.post(Head{}, test.balances, noon)
		f := fault.As(err)
		if f == nil || f.Kind != fault.FailedPrecondition || f.Reason != test.reason {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if diff := cmp.Diff(test.metadata, f.Metadata); diff != "" {
			t.Errorf("%s: %s", what, diff)
		}
	}
}

func TestWhoSeesWhat(t *testing.T) {
	player := Caller{Role: "player", Subject: "p"}
	e := Entry{Caller: Caller{Role: "operator", Subject: "ops@example.com"}}
	if e.asSeenBy(player).Caller.Subject != "" || e.asSeenBy(Caller{Role: "operator", Subject: "x"}).Caller != e.Caller {
		t.Error("the name of an operator is not for players")
	}
	if own := (Entry{Caller: player}); own.asSeenBy(player).Caller != player {
		t.Error("a player does not see his own name")
	}
	for _, test := range []struct {
		caller       Caller
		asked, whose string
		reason       string
	}{
		{player, "", "p", ""}, {player, "p", "p", ""}, {player, "q", "", "NOT_YOUR_WALLET"},
		{Caller{Role: "operator", Subject: "p"}, "", "", "INVALID_FIELD"}, {Caller{Role: "operator", Subject: "o"}, "q", "q", ""},
	} {
		if whose, err := test.caller.orOwn(test.asked); whose != test.whose || fault.ReasonOf(err) != test.reason {
			t.Errorf("%+v: %q, %v", test, whose, err)
		}
	}
}
