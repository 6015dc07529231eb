package wallet

import (
	"bytes"
	"slices"
	"strconv"
	"testing"
	"time"

	"supergame/services/platform/fault"
)

// TestHashes pins the hashes: what is stored must verify forever. The values were computed by another program, from the proto's words.
func TestHashes(t *testing.T) {
	e := Entry{
		PlayerID: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Seq: 2, PreviousHash: "82b7b085e321f397019903dc8776e73579661dff869d060d34cdecde99397fc8",
		RequestID: "reward|weekly|2026-09|gold", Kind: Reward, Caller: Caller{Role: "service", Subject: "leaderboard"},
		Reason: "First of the week <3", Reference: "season-12", Time: time.Date(2026, 3, 1, 11, 0, 0, 0, time.UTC),
		Lines: []Line{{gold, 50, 60}, {potion, 2, 2}},
	}
	e.RequestHash = e.order().hash()
	if e.RequestHash != "e3be1c1330a5e43735599fed448c500397ae10ef021f4f517e2264e32d261fd9" {
		t.Errorf("request hash %s", e.RequestHash)
	}
	if h := e.computeHash(); h != "465952060919612ae4210740b286140bd91cb269260349161928127affa4216f" {
		t.Errorf("hash %s", h)
	}
}

// split reads netstrings back.
func split(n []byte) ([]string, bool) {
	var list []string
	for len(n) > 0 {
		number, rest, ok := bytes.Cut(n, []byte(":"))
		size, err := strconv.Atoi(string(number))
		if !ok || err != nil || size < 0 || len(rest) < size+1 || rest[size] != ',' {
			return nil, false
		}
		list = append(list, string(rest[:size]))
		n = rest[size+1:]
	}
	return list, true
}

// FuzzCanonical: whatever stands in an entry, the texts that its hash is made of can be told apart again. So no two entries that
// differ give the same bytes.
func FuzzCanonical(f *testing.F) {
	f.Add("p", "r1", "because", "m-1", "gold", int64(5), int64(10), true)
	f.Add("", "1:a,", "3:a,b,", ",", ":", int64(-1), int64(0), false)
	f.Fuzz(func(t *testing.T, player, request, reason, reference, asset string, amount, balance int64, currency bool) {
		kind := Item
		if currency {
			kind = Currency
		}
		e := Entry{
			PlayerID: player, Seq: amount, PreviousHash: reference, RequestID: request, RequestHash: asset, Kind: Kind(reason),
			Caller: Caller{Role: reference, Subject: player}, Reason: reason, Reference: reference, Time: noon,
			Lines: []Line{{Asset{kind, asset}, amount, balance}, {Asset{kind, reason}, balance, amount}},
		}
		number := func(i int64) string { return strconv.FormatInt(i, 10) }
		want := []string{
			"supergame wallet entry 1", player, number(amount), reference, request, asset, reason, reference, player, reason, reference,
			"2026-03-01T12:00:00.120Z", "2", string(kind), asset, number(amount), number(balance), string(kind), reason, number(balance), number(amount),
		}
		if got, ok := split(e.canonical()); !ok || !slices.Equal(got, want) {
			t.Errorf("entry: got %q, want %q", got, want)
		}
		want = []string{
			"supergame wallet request 1", reason, reason, reference, "2", string(kind), asset, number(amount), string(kind), reason, number(balance),
		}
		if got, ok := split(e.order().content()); !ok || !slices.Equal(got, want) {
			t.Errorf("request: got %q, want %q", got, want)
		}
	})
}

// FuzzParseAsset: the position of a page token is whatever its maker wants.
func FuzzParseAsset(f *testing.F) {
	for _, position := range []string{"", "currency:gold", "item:", "item:a:b", "x"} {
		f.Add(position)
	}
	f.Fuzz(func(t *testing.T, position string) {
		a, err := parseAsset(position)
		switch {
		case err != nil:
			if !fault.Is(err, fault.InvalidArgument) {
				t.Errorf("got %v", err)
			}
		case position == "":
			if a != (Asset{}) {
				t.Errorf("got %+v", a)
			}
		case a.String() != position:
			t.Errorf("%q became %q", position, a)
		}
	})
}
