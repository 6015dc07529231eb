package rating

import (
	"math"
	"testing"

	"pgregory.net/rapid"
)

// noDrift is the model of the vectors made without tau; with it others were made.
func noDrift() Model {
	m := NewModel(0, 0, 0)
	m.Tau, m.MinSigma = 0, 0
	return m
}

// upstream is openskill's default model: tau is 25/300.
func upstream() Model {
	m := noDrift()
	m.Tau = 25.0 / 300
	return m
}

func same(n int, r Rating) []Rating {
	list := make([]Rating, n)
	for i := range list {
		list[i] = r
	}
	return list
}

// newcomers are sides of so many new players, ranked in order or as told.
func newcomers(m Model, sizes []int, ranks []int) []Side {
	sides := make([]Side, len(sizes))
	for i, n := range sizes {
		sides[i] = Side{Players: same(n, m.New()), Rank: i}
		if ranks != nil {
			sides[i].Rank = ranks[i]
		}
	}
	return sides
}

func near(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

// after compares the ratings that a match leaves behind; of each team all listed players or only the first.
func after(t *testing.T, m Model, sides []Side, want [][]Rating) {
	t.Helper()
	changes := m.Rate(sides)
	for i := range want {
		for j, w := range want[i] {
			r, c := sides[i].Players[j], changes[i][j]
			got := Rating{Mu: r.Mu + c.MuDelta, Sigma: r.Sigma * c.SigmaFactor}
			if !near(got.Mu, w.Mu, 1e-9) || !near(got.Sigma, w.Sigma, 1e-9) {
				t.Errorf("side %d player %d: %v, want %v", i, j, got, w)
			}
		}
	}
}

// TestReferenceModel holds the model to openskill.js, src/models/__tests__/plackett-luce.test.ts.
func TestReferenceModel(t *testing.T) {
	m := noDrift()
	for _, test := range []struct {
		name  string
		sizes []int
		want  [][]Rating
	}{
		{"solo game", []int{1}, [][]Rating{{m.New()}}},
		{"2 players", []int{1, 1}, [][]Rating{{{27.63523138347365, 8.065506316323548}}, {{22.36476861652635, 8.065506316323548}}}},
		{"3 players", []int{1, 1, 1}, [][]Rating{
			{{27.868876552746237, 8.204837030780652}}, {{25.717219138186557, 8.057829747583874}}, {{21.413904309067206, 8.057829747583874}},
		}},
		{"4 players", []int{1, 1, 1, 1}, [][]Rating{
			{{27.795084971874736, 8.263160757613477}}, {{26.552824984374855, 8.179213704945203}},
			{{24.68943500312503, 8.083731307186588}}, {{20.96265504062538, 8.083731307186588}},
		}},
		{"5 players", []int{1, 1, 1, 1, 1}, [][]Rating{
			{{27.666666666666668, 8.290556877154474}}, {{26.833333333333332, 8.240145629781066}}, {{25.72222222222222, 8.179996679645559}},
			{{24.055555555555557, 8.111796013701358}}, {{20.72222222222222, 8.111796013701358}},
		}},
		{"teams of 3, 1 and 2", []int{3, 1, 2}, [][]Rating{
			same(3, Rating{25.939870821784513, 8.247641552260456}), {{27.21366020491262, 8.274321317985242}},
			same(2, Rating{21.84646897330287, 8.213058173195341}),
		}},
	} {
		t.Run(test.name, func(t *testing.T) { after(t, m, newcomers(m, test.sizes, nil), test.want) })
	}
}

// TestReferencePython holds it to openskill.py 6.2.0, tests/models/data/plackettluce.json, as quoted in openskill.js,
// src/__tests__/parity-plackett-luce.test.ts. Its beta is the default for mu 25 and its tau 25/300 while its players start elsewhere.
func TestReferencePython(t *testing.T) {
	m := upstream()
	r := Rating{20.35125162611535, 8.33148112355601}
	sides := func(ranks []int, sizes ...int) []Side {
		list := newcomers(m, sizes, ranks)
		for i := range list {
			list[i].Players = same(sizes[i], r)
		}
		return list
	}
	for name, test := range map[string]struct {
		sides []Side
		want  [][]Rating
	}{
		"normal": {sides(nil, 1, 2), [][]Rating{{{23.855123082692877, 8.22447878583752}}, same(2, Rating{16.84738016953782, 8.179571171464575})}},
		"ranks": {sides([]int{2, 1, 4, 3}, 1, 2, 1, 2), [][]Rating{
			{{22.35555943890167, 8.265434830225024}}, same(2, Rating{22.373451456616035, 8.258479912445537}),
			{{18.311159777900297, 8.219170401234347}}, same(2, Rating{18.364835831043397, 8.112716571808326}),
		}},
		"scores": {sides([]int{2, 1}, 1, 2), [][]Rating{{{19.4016459546452, 8.22447878583752}}, same(2, Rating{21.300857297585495, 8.179571171464575})}},
		"ties": {sides([]int{1, 2, 1}, 1, 2, 3), [][]Rating{
			{{21.63766806988004, 8.310709773172306}}, same(2, Rating{19.53956360838512, 8.268148437657915}),
			same(3, Rating{19.87652320008089, 8.237522411103104}),
		}},
		"doubles": {
			[]Side{{[]Rating{{29.182, 4.782}, {27.174, 4.922}}, 1}, {[]Rating{{16.672, 6.217}, {25, 25.0 / 3}}, 2}},
			[][]Rating{
				{{29.607340941337068, 4.755311788972862}, {27.624602782532037, 4.892807828777459}},
				{{15.953170429143093, 6.125902065139878}, {23.70858117648013, 8.111707446126035}},
			},
		},
		"four players": {
			[]Side{{[]Rating{{29.182, 4.782}}, 1}, {[]Rating{{27.174, 4.922}}, 2}, {[]Rating{{16.672, 6.217}}, 3}, {[]Rating{{25, 25.0 / 3}}, 4}},
			[][]Rating{
				{{30.210227447000438, 4.765617924939384}}, {{27.644725221915632, 4.883479590134575}},
				{{17.4036218889969, 6.101259408259549}}, {{19.21460876538932, 7.854669920480409}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) { after(t, m, test.sides, test.want) })
	}
}

// TestReferenceTies holds it to openskill.js, src/__tests__/rate.test.ts.
func TestReferenceTies(t *testing.T) {
	m := upstream()
	solo := func(mu, sigma float64, rank int) Side { return Side{[]Rating{{mu, sigma}}, rank} }
	for name, test := range map[string]struct {
		sides []Side
		want  [][]Rating
	}{
		"tied last": {
			[]Side{solo(10, 8, 1), solo(5, 10, 2), solo(0, 12, 2)},
			[][]Rating{{{11.942996666741225, 7.926888197620324}}, {{2.9381178546315034, 9.653804487570165}}, {{-1.4024317012198733, 11.323641575516767}}},
		},
		"all tied": {
			[]Side{solo(25, 25.0/3, 1), solo(25, 25.0/3, 1), solo(25, 25.0/3, 1), solo(25, 25.0/3, 1)},
			[][]Rating{{{25, 8.263571791259416}}, {{25, 8.263571791259416}}, {{25, 8.263571791259416}}, {{25, 8.263571791259416}}},
		},
		"tied in the middle": {
			[]Side{solo(15, 25.0/3, 2), solo(20, 25.0/3, 4), solo(25, 25.0/3, 2), solo(30, 25.0/3, 1)},
			[][]Rating{
				{{15.340043358359136, 8.213141619804967}}, {{18.007678675484204, 8.189033933813437}},
				{{24.25801928251219, 8.166918055585525}}, {{32.39425868364447, 8.247687230833794}},
			},
		},
	} {
		t.Run(name, func(t *testing.T) { after(t, m, test.sides, test.want) })
	}
	m.Tau = 0.3
	after(t, m, []Side{solo(25, 3, 1), solo(25, 3, 2)}, [][]Rating{{{25.624880438870754, 2.9879993738476953}}, {{24.375119561129246, 2.9879993738476953}}})
}

// TestReferenceDraw holds the prediction to openskill.py, tests/models/weng_lin/test_plackett_luce.py (test_predict_draw), and to its
// manual as quoted in openskill.js, src/__tests__/predict-draw.test.ts. Older releases of both counted teams where these count players.
func TestReferenceDraw(t *testing.T) {
	m := noDrift()
	a := []Rating{{25, 25.0 / 3}, {32.444, 1.123}}
	b := []Rating{{35.881, 0.0001}, {25.188, 0.00001}}
	for name, test := range map[string]struct {
		teams [][]Rating
		want  float64
	}{
		"alone":       {[][]Rating{a}, 1},
		"two teams":   {[][]Rating{a, b}, 0.1694772},
		"five teams":  {[][]Rating{a, b, a[:1], a[1:], b[:1]}, 0.0518253},
		"one twin":    {[][]Rating{b[:1], b[:1]}, 0.5},
		"outnumbered": {[][]Rating{same(2, Rating{35, 1}), same(3, Rating{35, 1})}, 0.0002807397636509501},
		"few players": {[][]Rating{{{35, 1}}, {{35, 1.1}}}, 0.4868868769871696},
	} {
		if got := m.PredictDraw(sums(test.teams)); !near(got, test.want, 1e-4*test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
}

func sums(teams [][]Rating) []Team {
	list := make([]Team, len(teams))
	for i, players := range teams {
		list[i] = Sum(players)
	}
	return list
}

// TestReferenceWin holds the prediction to openskill.js, src/__tests__/predict-win.test.ts.
func TestReferenceWin(t *testing.T) {
	m := noDrift()
	a, b := Rating{25.704020819730385, 7.893074938449104}, Rating{24.94415013523696, 8.156810439252277}
	d, e := Rating{25.059411748211403, 8.155255551436932}, Rating{21.598674363731682, 7.891245891696633}
	n, impostor := m.New(), Rating{32.444, 5.123}
	for _, test := range []struct {
		teams [][]Rating
		want  []float64
	}{
		{[][]Rating{{a}}, []float64{1}},
		{[][]Rating{{a, b}, {d, e}}, []float64{0.5873106768219909, 0.4126893231780091}},
		{[][]Rating{{{1, .1}}, {{2, .1}}, {{3, .1}}, {{4, .1}}}, []float64{0.20281164759988402, 0.2341964232088598, 0.2658035767911402, 0.297188352400116}},
		{[][]Rating{{n}, {n}, {n}}, []float64{1.0 / 3, 1.0 / 3, 1.0 / 3}},
		{[][]Rating{{n}, {n}, {n}, {impostor}, {n}}, []float64{0.1790804191839367, 0.1790804191839367, 0.1790804191839367, 0.2836783412642534, 0.1790804191839367}},
	} {
		for i, got := range m.PredictWin(sums(test.teams)) {
			if !near(got, test.want[i], 1e-7) {
				t.Errorf("team %d: %v, want %v", i, got, test.want[i])
			}
		}
	}
}

// The sides of a match in another order give the same changes, a better rank never less mu, and every number is finite.
func TestRateProperties(t *testing.T) {
	m := NewModel(0, 0, 0)
	rapid.Check(t, func(t *rapid.T) {
		sides := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Side {
			return Side{
				Players: rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Rating {
					return Rating{rapid.Float64Range(-5000, 5000).Draw(t, "mu"), rapid.Float64Range(0.01, 500).Draw(t, "sigma")}
				}), 0, 5).Draw(t, "players"),
				Rank: rapid.IntRange(0, 4).Draw(t, "rank"),
			}
		}), 0, 8).Draw(t, "sides")
		changes := m.Rate(sides)
		for i := range sides {
			for j, c := range changes[i] {
				if math.IsNaN(c.MuDelta) || math.IsInf(c.MuDelta, 0) || !(c.SigmaFactor > 0) || math.IsInf(c.SigmaFactor, 0) {
					t.Fatalf("side %d player %d: %+v", i, j, c)
				}
			}
		}
		mirrored := make([]Side, len(sides))
		for i := range sides {
			mirrored[len(sides)-1-i] = sides[i]
		}
		for i, list := range m.Rate(mirrored) {
			for j, c := range list {
				if want := changes[len(sides)-1-i][j]; !near(c.MuDelta, want.MuDelta, 1e-6) || !near(c.SigmaFactor, want.SigmaFactor, 1e-9) {
					t.Fatalf("in another order: %+v, not %+v", c, want)
				}
			}
		}
	})
}

// Matches whose results arrive in either order leave the same rating.
func TestOrderIsFree(t *testing.T) {
	m := NewModel(0, 0, 0)
	me, other := m.New(), Rating{30, 5}
	won := m.Rate([]Side{{[]Rating{me}, 1}, {[]Rating{other}, 2}})[0][0]
	lost := m.Rate([]Side{{[]Rating{me}, 2}, {[]Rating{other}, 1}})[0][0]
	one, two := m.Apply(m.Apply(me, won), lost), m.Apply(m.Apply(me, lost), won)
	if !near(one.Mu, two.Mu, 1e-12) || !near(one.Sigma, two.Sigma, 1e-12) {
		t.Errorf("%v and %v", one, two)
	}
}

// A leaver of the winning side loses; those who stayed are rated as the match ended.
func TestLeavers(t *testing.T) {
	m := NewModel(0, 0, 0)
	sides := newcomers(m, []int{2, 2, 2}, nil)
	plain := m.Rate(sides)
	changes := m.RateWithLeavers(sides, [][]bool{{false, true}})
	if changes[0][1].MuDelta >= 0 || changes[0][1].MuDelta > plain[2][0].MuDelta+1e-9 {
		t.Errorf("the leaver gets %v, the last %v", changes[0][1].MuDelta, plain[2][0].MuDelta)
	}
	if changes[0][0] != plain[0][0] || changes[1][0] != plain[1][0] || changes[2][1] != plain[2][1] {
		t.Error("somebody who stayed is rated otherwise")
	}
}

// Sigma stays within its bounds.
func TestApplyBounds(t *testing.T) {
	m := NewModel(0, 0, 0)
	if r := m.Apply(Rating{25, 0.1}, Change{0, 0.01}); r.Sigma != m.MinSigma {
		t.Error(r)
	}
	if r := m.Apply(m.New(), Change{0, 3}); r.Sigma != m.Sigma {
		t.Error(r)
	}
}

// Closeness falls with the difference and does not depend on the size of the teams.
func TestCloseness(t *testing.T) {
	m := NewModel(0, 0, 0)
	at := func(d float64) float64 {
		return m.Closeness([]Team{{25, 1, 1}, {25 + d, 1, 1}})
	}
	if at(0) != 1 || at(1) <= at(2) || at(2) <= at(10) || at(100) > 1e-6 {
		t.Error(at(0), at(1), at(2), at(10), at(100))
	}
	if c := m.Closeness([]Team{{25 * 4, 1, 4}, {25, 1, 1}}); c != 1 {
		t.Errorf("four against one of equal means: %v", c)
	}
}
