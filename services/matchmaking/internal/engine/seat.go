package engine

import (
	"cmp"
	"math"
	"slices"

	"supergame/services/matchmaking/internal/rating"
)

// seater divides tickets into the sides of a match so that the mean ratings of the sides are as equal as it finds.
type seater struct {
	p      *plan
	f      *filler
	order  []int // the chosen tickets, the largest parties first, then the best
	side   []int // by chosen ticket
	left   []int
	sums   []float64
	counts [][]int16 // by side and set of roles
	teams  []rating.Team
	steps  int

	best   []int
	spread float64 // of the best
	limit  float64 // what every ticket accepts as the difference of two sides' means
	gap    int     // and as the difference of the largest parties
}

func (s *seater) init(p *plan) {
	s.p = p
	s.left = make([]int, len(p.sides))
	s.sums = make([]float64, len(p.sides))
	s.teams = make([]rating.Team, len(p.sides))
	for range p.sides {
		s.counts = append(s.counts, make([]int16, len(p.together)))
	}
}

// even is a difference of means that no longer search is worth, as a part of beta.
const even = 0.02

// seat finds sides for the chosen tickets of a filler, and reports whether there are any that all of them accept.
func (s *seater) seat(f *filler) bool {
	s.f = f
	n := len(f.chosen)
	s.side, s.best = s.side[:0], s.best[:0]
	s.spread, s.limit, s.gap = math.Inf(1), math.Inf(1), math.MaxInt
	for _, t := range f.chosen {
		wait := f.now - t.since
		s.limit = min(s.limit, limit(s.p.mean, wait))
		if s.p.parties != nil {
			s.gap = min(s.gap, int(min(limit(s.p.parties, wait), 1e9)))
		}
		s.side = append(s.side, 0)
	}
	if s.p.def.FreeForAll != nil {
		return s.apart()
	}
	if s.p.pairs {
		s.best = append(s.best, 0, 1)
		return true
	}
	s.order = s.order[:0]
	for i := range n {
		s.order = append(s.order, i)
	}
	slices.SortFunc(s.order, func(i, j int) int {
		a, b := f.chosen[i], f.chosen[j]
		return cmp.Or(cmp.Compare(b.size, a.size), cmp.Compare(b.rating, a.rating), cmp.Compare(a.seq, b.seq))
	})
	for i, side := range s.p.sides {
		s.left[i], s.sums[i] = side.Players, 0
		clear(s.counts[i])
	}
	s.steps = 0
	s.place(0)
	f.sideBudget -= s.steps
	f.steps += s.steps
	return len(s.best) > 0
}

// apart seats a free-for-all, where there is nothing to choose.
func (s *seater) apart() bool {
	low, high, next := math.Inf(1), math.Inf(-1), 0
	for _, t := range s.f.chosen {
		s.best = append(s.best, next)
		next += t.size
		for i := range t.source.Players {
			mu := t.source.Players[i].Rating.Mu
			low, high = min(low, mu), max(high, mu)
		}
	}
	return high-low <= s.limit
}

// place puts the k-th ticket on each side in turn, the weakest side first.
func (s *seater) place(k int) {
	if k == len(s.order) {
		s.keep()
		return
	}
	i := s.order[k]
	t := s.f.chosen[i]
	tried := uint64(0)
	var used [2]uint64
	for {
		at := s.weakest(t.size, &used)
		if at < 0 {
			return
		}
		used[at/64] |= 1 << (at % 64)
		// An empty side is like every other empty one of its size.
		if s.left[at] == s.p.sides[at].Players {
			if twin := s.p.twin[at]; twin < 64 {
				if tried&(1<<twin) != 0 {
					continue
				}
				tried |= 1 << twin
			}
		}
		if s.steps++; s.steps > s.f.sideBudget || s.enough() {
			return
		}
		if s.p.roles != nil {
			count(s.counts[at], t.masks, 1)
			if !fits(s.counts[at], s.p.capacity[at]) {
				count(s.counts[at], t.masks, -1)
				continue
			}
		}
		s.side[i] = at
		s.left[at] -= t.size
		s.sums[at] += t.sum.Mu
		s.place(k + 1)
		s.left[at] += t.size
		s.sums[at] -= t.sum.Mu
		if s.p.roles != nil {
			count(s.counts[at], t.masks, -1)
		}
	}
}

// enough reports whether the best is so good, or was so long searched for, that the search ends.
func (s *seater) enough() bool {
	return len(s.best) > 0 && (s.spread <= even*s.p.model.Beta || s.steps > 500)
}

// weakest returns the side with room that has the least rating so far and was not used, -1 for none.
func (s *seater) weakest(size int, used *[2]uint64) int {
	best, least := -1, 0.0
	for i, left := range s.left {
		if left < size || used[i/64]&(1<<(i%64)) != 0 {
			continue
		}
		// The sum so far and the average for who is missing would rank alike.
		if sum := s.sums[i] / float64(s.p.sides[i].Players); best < 0 || sum < least {
			best, least = i, sum
		}
	}
	return best
}

// keep compares the sides as they are with the best.
func (s *seater) keep() {
	low, high := math.Inf(1), math.Inf(-1)
	for i, sum := range s.sums {
		mean := sum / float64(s.p.sides[i].Players)
		low, high = min(low, mean), max(high, mean)
	}
	if spread := high - low; spread < s.spread && spread <= s.limit && s.balanced() {
		s.spread = spread
		s.best = append(s.best[:0], s.side...)
	}
}

// balanced reports whether the largest parties of the sides are about equal.
func (s *seater) balanced() bool {
	if s.p.parties == nil {
		return true
	}
	low, high := math.MaxInt, 0
	for at := range s.p.sides {
		most := 0
		for i, side := range s.side {
			if side == at {
				most = max(most, s.f.chosen[i].size)
			}
		}
		low, high = min(low, most), max(high, most)
	}
	return high-low <= s.gap
}

// strengths adds the sides up as they are best seated.
func (s *seater) strengths(chosen []*ticket) []rating.Team {
	teams := s.teams
	clear(teams)
	if s.p.def.FreeForAll == nil {
		for i, t := range chosen {
			team := &teams[s.best[i]]
			team.Mu += t.sum.Mu
			team.Variance += t.sum.Variance
			team.Players += t.size
		}
		return teams
	}
	n := 0
	for _, t := range chosen {
		for i := range t.source.Players {
			r := t.source.Players[i].Rating
			teams[n] = rating.Team{Mu: r.Mu, Variance: r.Sigma * r.Sigma, Players: 1}
			n++
		}
	}
	return teams[:n]
}
