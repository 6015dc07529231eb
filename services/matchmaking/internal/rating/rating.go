// Package rating reckons skill: Weng-Lin with the Plackett-Luce model (as OpenSkill does), for teams and free-for-all, with ties.
//
// What a match does to a player is a [Change]: something added to his mu and something his sigma is multiplied with, both fixed from
// the ratings at the start of the match. Additions commute and so do products: players who are in two matches whose results arrive
// in either order end with the same rating, unless a sigma meets one of its bounds on the way.
package rating

import (
	"math"
	"slices"
)

// Rating is what is believed of a player: his skill is normally distributed around Mu.
type Rating struct {
	Mu, Sigma float64
}

// Ordinal is a number to sort a table by: a skill that the player has with a certainty of 99.7 %.
func (r Rating) Ordinal() float64 { return r.Mu - 3*r.Sigma }

// Change is what one match does to one rating.
type Change struct {
	MuDelta     float64
	SigmaFactor float64
}

// None is the change of a match that counts nothing.
var None = Change{SigmaFactor: 1}

// Apply returns the rating after a change. Sigma stays between the bounds of the model, so that no number of changes makes a
// player immovable or unknown beyond a newcomer.
func (m Model) Apply(r Rating, c Change) Rating {
	sigma := r.Sigma * c.SigmaFactor
	return Rating{Mu: r.Mu + c.MuDelta, Sigma: min(max(sigma, m.MinSigma), max(m.Sigma, r.Sigma))}
}

// Model holds the constants.
type Model struct {
	Mu, Sigma float64 // a newcomer
	Beta      float64 // how much of a result is luck
	Tau       float64 // added to sigma before each match, so that skill may drift; 0 = never
	Kappa     float64 // the least that is left of a variance after a match
	MinSigma  float64 // no sigma falls below
}

// NewModel returns the model for a scale; zeros mean 25, mu / 3 and sigma / 2. Tau is sigma / 100 (as in TrueSkill).
func NewModel(mu, sigma, beta float64) Model {
	if mu == 0 {
		mu = 25
	}
	if sigma == 0 {
		sigma = mu / 3
	}
	if beta == 0 {
		beta = sigma / 2
	}
	return Model{Mu: mu, Sigma: sigma, Beta: beta, Tau: sigma / 100, Kappa: 1e-4, MinSigma: sigma / 100}
}

// New returns a newcomer's rating.
func (m Model) New() Rating { return Rating{Mu: m.Mu, Sigma: m.Sigma} }

// Side is one team of a match that ended. Ranks count: lower is better, equal ranks tied; only their order matters.
type Side struct {
	Players []Rating
	Rank    int
}

// team is a side as the model sees it.
type team struct {
	mu, variance float64
	rank         int
	strength     float64 // exp(mu / c)
}

// Rate returns the change of each player of each side. Fewer than two sides change nothing; neither does a side without players,
// which does not count as a side.
func (m Model) Rate(sides []Side) [][]Change {
	teams, c := m.teams(sides)
	changes := make([][]Change, len(sides))
	for i, side := range sides {
		changes[i] = make([]Change, len(side.Players))
		omega, delta := 0.0, 0.0
		if len(side.Players) > 0 && len(teams) > 1 {
			omega, delta = gain(teams, i, c)
		}
		for j, player := range side.Players {
			changes[i][j] = None
			if len(side.Players) == 0 || len(teams) < 2 || c == 0 {
				continue
			}
			drifted := player.Sigma*player.Sigma + m.Tau*m.Tau
			share := drifted
			factor := math.Sqrt(max(1-share*delta, m.Kappa))
			if player.Sigma > 0 {
				factor *= math.Sqrt(drifted) / player.Sigma
			}
			changes[i][j] = Change{MuDelta: share * omega, SigmaFactor: factor}
		}
	}
	return changes
}

// teams sums each side up and returns also c, the deviation of the whole match.
func (m Model) teams(sides []Side) ([]team, float64) {
	teams := make([]team, len(sides))
	total := 0.0
	for i, side := range sides {
		t := team{rank: side.Rank}
		for _, player := range side.Players {
			t.mu += player.Mu
			t.variance += player.Sigma*player.Sigma + m.Tau*m.Tau
		}
		if len(side.Players) > 0 {
			total += t.variance + m.Beta*m.Beta
		}
		teams[i] = t
	}
	c := math.Sqrt(total)
	// Strengths relative to the strongest: only ratios count, and exp of a large rating would overflow.
	highest := math.Inf(-1)
	for i, side := range sides {
		if len(side.Players) > 0 {
			highest = max(highest, teams[i].mu)
		}
	}
	for i, side := range sides {
		if len(side.Players) > 0 && c > 0 {
			teams[i].strength = math.Exp((teams[i].mu - highest) / c)
		}
	}
	return teams, c
}

// gain returns Weng and Lin's omega and delta of side i (algorithm 4 of their paper), each divided by the side's variance: a
// player's part of them is his own variance.
func gain(teams []team, i int, c float64) (omega, delta float64) {
	self := teams[i]
	for q, other := range teams {
		if other.rank > self.rank || other.strength == 0 {
			continue
		}
		sum, tied := 0.0, 0.0
		for _, s := range teams {
			if s.rank >= other.rank {
				sum += s.strength
			}
			if s.rank == other.rank && s.strength > 0 {
				tied++
			}
		}
		p := self.strength / sum
		delta += p * (1 - p) / tied
		if q == i {
			omega += (1 - p) / tied
		} else {
			omega -= p / tied
		}
	}
	gamma := math.Sqrt(self.variance) / c
	return omega / c, gamma * delta / (c * c)
}

// last returns the sides as if one of them had come in last, alone.
func last(sides []Side, side int) []Side {
	out := slices.Clone(sides)
	worst := sides[side].Rank
	for _, s := range sides {
		worst = max(worst, s.Rank)
	}
	out[side].Rank = worst + 1
	return out
}

// RateWithLeavers is [Model.Rate] for a match that some left early: a leaver is rated as if his side had come in last alone, his
// teammates and opponents as the match ended. left tells by side and player; missing entries mean that nobody left.
func (m Model) RateWithLeavers(sides []Side, left [][]bool) [][]Change {
	changes := m.Rate(sides)
	for i := range sides {
		if i >= len(left) || !slices.Contains(left[i], true) {
			continue
		}
		lost := m.Rate(last(sides, i))
		for j := range sides[i].Players {
			if j < len(left[i]) && left[i][j] {
				changes[i][j] = lost[i][j]
			}
		}
	}
	return changes
}
