package ranks

import (
	"cmp"
	"slices"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
	"supergame/services/platform/fault"
)

// read runs do under the read lock, with the list that is asked for.
func (s *Season) read(l List, do func(index.Tree)) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if s.index == nil {
		return fault.New(fault.Unavailable, "SEASON_CHANGING", "the season was archived a moment ago, try again")
	}
	tree, ok := s.tree(l)
	if !ok {
		return fault.Invalid("segment.name", "%q is no segment of board %s", l.Segment, s.def.ID)
	}
	do(tree)
	return nil
}

// Changes counts what changed; it is the same as long as nothing did.
func (s *Season) Changes() uint64 { return s.changes.Load() }

// Version is the version that the index knows of a player's entry; 0 = none.
func (s *Season) Version(playerID string) int64 {
	player, ok := playerOf(playerID)
	s.mu.RLock()
	defer s.mu.RUnlock()
	if !ok || s.index == nil {
		return 0
	}
	return s.index.Version(player)
}

// Rank is a player's place in a list; false when he has none there. Total is how many have one.
func (s *Season) Rank(l List, playerID string) (row Row, found bool, total int64, err error) {
	player, _ := playerOf(playerID)
	err = s.read(l, func(tree index.Tree) {
		total = int64(tree.Len())
		place, ok := tree.Rank(player)
		if !ok {
			return
		}
		found = true
		entry, _ := s.index.Entry(player)
		ranks := ranker{season: s, tree: tree}
		row = s.row(entry, ranks.next(entry.Key, int64(place)+1))
		row.GlobalRank = row.Rank
		if l.Segment != "" {
			row.GlobalRank = s.globalRank(player, entry.Key)
		}
	})
	return row, found, total, err
}

// globalRank is the rank of a player among all.
func (s *Season) globalRank(player index.Player, key []byte) int64 {
	all := s.index.In(index.Everybody, 0)
	place, ok := all.Rank(player)
	if !ok {
		return 0
	}
	ranks := ranker{season: s, tree: all}
	return ranks.next(key, int64(place)+1)
}

// Range returns the rows from a place on (0 = the best), at most n.
func (s *Season) Range(l List, from, n int64) (rows []Row, total int64, err error) {
	err = s.read(l, func(tree index.Tree) {
		total = int64(tree.Len())
		rows = s.rows(l, tree, from, n)
	})
	return rows, total, err
}

func (s *Season) rows(l List, tree index.Tree, from, n int64) []Row {
	from = max(from, 0)
	n = min(n, int64(tree.Len())-from)
	if n <= 0 {
		return nil
	}
	ranks := ranker{season: s, tree: tree}
	slab := newSlab(s.def.Columns, int(n))
	tree.Range(int(from), int(n), func(e index.Entry) bool {
		slab.add(e, ranks.next(e.Key, from+int64(len(slab.rows))+1))
		return true
	})
	rows := slab.finish()
	s.addGlobalRanks(l, rows)
	return rows
}

// addGlobalRanks gives the rows of a list their places among all.
func (s *Season) addGlobalRanks(l List, rows []Row) {
	if l.Segment == "" {
		for i := range rows {
			rows[i].GlobalRank = rows[i].Rank
		}
		return
	}
	all := s.index.In(index.Everybody, 0)
	players := make([]index.Player, len(rows))
	for i := range rows {
		players[i], _ = playerOf(rows[i].PlayerID)
	}
	ranks := ranker{season: s, tree: all}
	for i, place := range all.Ranks(players, nil) {
		rows[i].GlobalRank = ranks.next([]byte(rows[i].Key), int64(place)+1)
	}
}

// After returns the rows behind a key, which need not be anybody's any more, at most n; "" = from the top.
func (s *Season) After(l List, key board.Key, n int64) (rows []Row, total int64, err error) {
	err = s.read(l, func(tree index.Tree) {
		total = int64(tree.Len())
		from := 0
		if key != "" {
			from = tree.Before(next(key))
		}
		rows = s.rows(l, tree, int64(from), n)
	})
	return rows, total, err
}

// next is the least key behind a key.
func next(key board.Key) []byte {
	b := []byte(key)
	for i := len(b) - 1; i >= 0; i-- {
		if b[i]++; b[i] != 0 {
			return b
		}
	}
	return []byte(key) // the last key of all has none behind it, and is nobody's
}

// Around returns a player's row with up to radius rows on either side; nothing when he has no place.
func (s *Season) Around(l List, playerID string, radius int64) (rows []Row, total int64, err error) {
	player, _ := playerOf(playerID)
	err = s.read(l, func(tree index.Tree) {
		total = int64(tree.Len())
		place, ok := tree.Rank(player)
		if !ok {
			return
		}
		from := max(int64(place)-radius, 0)
		rows = s.rows(l, tree, from, int64(place)+radius+1-from)
	})
	return rows, total, err
}

// Among ranks players among themselves, best first, with their global ranks. Those without a place are left out.
func (s *Season) Among(playerIDs []string) (rows []Row, total int64, err error) {
	err = s.read(List{}, func(tree index.Tree) {
		total = int64(tree.Len())
		players := make([]index.Player, 0, len(playerIDs))
		for _, id := range playerIDs {
			if player, ok := playerOf(id); ok {
				players = append(players, player)
			}
		}
		for i, place := range tree.Ranks(players, nil) {
			if place < 0 {
				continue
			}
			entry, _ := s.index.Entry(players[i])
			row := s.row(entry, 0)
			row.GlobalRank = int64(place) + 1
			rows = append(rows, row)
		}
		slices.SortFunc(rows, func(a, b Row) int { return cmp.Compare(a.Key, b.Key) })
		s.rankAmong(tree, rows)
	})
	return rows, total, err
}

// rankAmong gives sorted rows their ranks among themselves, and shared global ranks where ties are shared.
func (s *Season) rankAmong(tree index.Tree, rows []Row) {
	for i := range rows {
		rows[i].Rank = int64(i) + 1
		if !s.def.SharedTies {
			continue
		}
		score := s.scoreOf([]byte(rows[i].Key))
		rows[i].GlobalRank = int64(tree.Before(lowest(score))) + 1
		if i > 0 && s.scoreOf([]byte(rows[i-1].Key)) == score {
			rows[i].Rank = rows[i-1].Rank
		}
	}
}

// Count is how many stand from the best score on down to the worst, both inclusive; nil = to that end of the list.
func (s *Season) Count(l List, best, worst []int64) (count int64, err error) {
	err = s.read(l, func(tree index.Tree) {
		from, to := 0, tree.Len()
		if best != nil {
			from = tree.Before(lowest(string(board.AppendColumns(nil, s.def.Columns, best))))
		}
		if worst != nil {
			highest := board.AppendColumns(nil, s.def.Columns, worst)
			for range board.TailBytes {
				highest = append(highest, 0xff)
			}
			to = tree.Before(highest)
		}
		count = int64(max(to-from, 0))
	})
	return count, err
}
