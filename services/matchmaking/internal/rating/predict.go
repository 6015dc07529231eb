package rating

import "math"

// normal is the distribution function of the standard normal distribution.
func normal(x float64) float64 { return math.Erfc(-x/math.Sqrt2) / 2 }

// Team is a side before a match: the sums over its players.
type Team struct {
	Mu, Variance float64
	Players      int
}

// Sum adds players up.
func Sum(players []Rating) Team {
	t := Team{Players: len(players)}
	for _, p := range players {
		t.Mu += p.Mu
		t.Variance += p.Sigma * p.Sigma
	}
	return t
}

// players counts those of all teams.
func players(teams []Team) int {
	n := 0
	for _, t := range teams {
		n += t.Players
	}
	return n
}

// PredictWin returns for each team the probability that it beats a random other one, scaled so that they add up to 1 (for two
// teams: the probability to win).
func (m Model) PredictWin(teams []Team) []float64 {
	wins := make([]float64, len(teams))
	if len(teams) == 1 {
		wins[0] = 1
	}
	luck := float64(players(teams)) * m.Beta * m.Beta
	pairs := float64(len(teams)*(len(teams)-1)) / 2
	for i, a := range teams {
		for j := range i {
			b := teams[j]
			p := normal((a.Mu - b.Mu) / math.Sqrt(luck+a.Variance+b.Variance))
			wins[i] += p / pairs
			wins[j] += (1 - p) / pairs
		}
	}
	return wins
}

// PredictDraw returns the probability that two random teams of the match are so close that it is as good as a draw.
func (m Model) PredictDraw(teams []Team) float64 {
	if len(teams) < 2 {
		return 1
	}
	n := float64(players(teams))
	luck := n * m.Beta * m.Beta
	margin := math.Sqrt(n) * m.Beta * math.Sqrt2 * math.Erfinv(1/n)
	sum := 0.0
	for i, a := range teams {
		for _, b := range teams[:i] {
			s := math.Sqrt(luck + a.Variance + b.Variance)
			sum += normal((margin-a.Mu+b.Mu)/s) - normal((b.Mu-a.Mu-margin)/s)
		}
	}
	return sum / float64(len(teams)*(len(teams)-1)/2)
}

// Closeness is a prediction that can be compared between matches of all sizes: 1 when all teams are equally strong, near 0 when it
// is certain who wins. It is twice the probability of an upset, averaged over all pairs of teams. The strength of a team is its mean
// and not its sum here, so that asymmetric teams, which a definition makes on purpose, are not called unfair for their sizes.
func (m Model) Closeness(teams []Team) float64 {
	if len(teams) < 2 {
		return 1
	}
	sum, pairs := 0.0, 0
	for i := range teams {
		for j := range i {
			sum += m.pair(&teams[i], &teams[j])
			pairs++
		}
	}
	return sum / float64(pairs)
}

// pair is the closeness of two teams.
func (m Model) pair(a, b *Team) float64 {
	if a.Players == 0 || b.Players == 0 {
		return 1
	}
	na, nb := float64(a.Players), float64(b.Players)
	difference := math.Abs(a.Mu/na - b.Mu/nb)
	if difference == 0 {
		return 1
	}
	beta := m.Beta * m.Beta
	variance := (a.Variance/na+beta)/na + (b.Variance/nb+beta)/nb
	return math.Erfc(difference / math.Sqrt(2*variance))
}
