package ranks_test

import (
	"bytes"
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// model is a board as a naive program would keep it: a list of entries that is sorted for every question. The view hears of each change as it would
// from a feed: late, out of order and more than once.
type model struct {
	t       *testing.T
	rand    *rand.Rand
	board   board.Board
	view    *ranks.View
	own     *ranks.Own
	secret  []byte
	now     time.Time
	players []string
	values  []int64                           // that scores are made of
	entries map[int64]map[string]*board.Entry // by season and player
	feed    []board.Entry                     // changes that the view has not heard of, or will hear of again
}

const (
	modelPlayers = 600
	// everyThousand is how many operations lie between two comparisons.
	everyThousand = 1000
)

// TestTheViewIsASort carries out 40,000 operations in all (200,000 under LONG=1), and compares everything after every thousand.
func TestTheViewIsASort(t *testing.T) {
	thousands := 5
	if os.Getenv("LONG") != "" {
		thousands = 25
	}
	asc, desc := false, true
	few := []int64{0, 1, 2, 3}
	wide := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 53, -1, 0, 1, 1<<53 - 1, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
	for _, c := range []struct {
		operator board.Operator
		columns  []bool // descending
		shared   bool
		values   []int64
	}{
		{board.Best, []bool{desc}, false, few}, {board.Best, []bool{asc}, true, wide},
		{board.Best, []bool{desc, asc, desc, asc, desc}, true, few}, {board.Best, []bool{asc, desc, asc}, false, wide},
		{board.Last, []bool{desc, desc}, false, wide}, {board.Last, []bool{asc}, true, few},
		{board.Sum, []bool{desc, asc}, true, wide}, {board.Count, []bool{desc}, true, nil},
	} {
		t.Run(fmt.Sprintf("operator %d, %d columns, shared %v", c.operator, len(c.columns), c.shared), func(t *testing.T) {
			t.Parallel()
			m := newModel(t, c.operator, c.columns, c.shared, c.values)
			for thousand := range thousands {
				for range everyThousand {
					m.operate()
				}
				if thousand%4 == 3 {
					m.nextSeason()
				}
				m.hear(len(m.feed))
				for season := range m.entries {
					m.compare(season)
				}
			}
			m.view.Close()
		})
	}
}

func newModel(t *testing.T, operator board.Operator, columns []bool, shared bool, values []int64) *model {
	m := &model{
		t: t, rand: rand.New(rand.NewPCG(uint64(operator), uint64(len(columns)))), view: ranks.NewView(), secret: []byte("secret"),
		now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), entries: map[int64]map[string]*board.Entry{1: {}}, values: values,
	}
	m.board = board.Board{
		ID: "b", UID: "uid", Operator: operator, SharedTies: shared, InlineBytes: 4, Season: 1, Start: m.now, End: m.now.Add(24 * time.Hour),
		NextEnd: m.now.Add(48 * time.Hour), Segments: []board.Segment{{Name: "country", Source: board.FromCountry}},
		Schedule: &board.Schedule{Cron: "0 0 * * *", Zone: "UTC"},
	}
	for i, d := range columns {
		m.board.Columns = append(m.board.Columns, board.Column{Name: fmt.Sprint("c", i), Descending: d})
	}
	for i := range modelPlayers {
		var id ulid.ULID
		id[0], id[14], id[15] = 1, byte(i>>8), byte(i)
		m.players = append(m.players, id.String())
	}
	m.view.Define(&m.board)
	m.own = &ranks.Own{View: m.view, Now: func() time.Time { return m.now }}
	return m
}

// operate does one random thing to a random player.
func (m *model) operate() {
	m.now = m.now.Add(time.Duration(m.rand.IntN(3)) * time.Millisecond)
	season := m.board.Season
	if len(m.entries) > 1 && m.rand.IntN(10) == 0 { // the season before takes late results, and moderation
		season--
	}
	player := m.players[m.rand.IntN(len(m.players))]
	e := board.Entry{PlayerID: player, BoardID: "b", BoardUID: "uid", Season: season}
	if stored := m.entries[season][player]; stored != nil {
		e = *stored
	}
	before := e.Version
	switch what := m.rand.IntN(20); {
	case what < 12 || before == 0:
		m.submit(&e)
	case what < 14:
		e.Hidden, e.Version = true, board.NextVersion(e.Version, m.now)
	case what < 16:
		e.Hidden, e.Version = false, board.NextVersion(e.Version, m.now)
	case what < 17:
		e = board.Entry{PlayerID: player, BoardID: "b", BoardUID: "uid", Season: season, Deleted: true, Version: board.NextVersion(e.Version, m.now)}
	default:
		if m.board.Mark(&e, []string{"DE", "FR", ""}[m.rand.IntN(3)], m.rand.IntN(3) == 0) {
			e.Version = board.NextVersion(e.Version, m.now)
		}
	}
	if e.Version == before {
		return
	}
	m.entries[season][player] = &e
	m.tell(e)
}

func (m *model) submit(e *board.Entry) {
	s := &board.Submission{PlayerID: e.PlayerID, Country: []string{"DE", "FR", ""}[m.rand.IntN(3)], AchieveTime: m.now, ReceiveTime: m.now, Inline: []byte{byte(m.rand.IntN(256))}}
	if m.board.Operator != board.Count {
		for range m.board.Columns {
			s.Columns = append(s.Columns, m.values[m.rand.IntN(len(m.values))])
		}
	}
	want := m.naive(e, s)
	improved, err := m.board.Apply(e, s, m.secret)
	if err != nil && !fault.Is(err, fault.OutOfRange) {
		m.t.Fatalf("submit: %v", err)
	}
	if err == nil && (want == nil) == improved || improved && !slices.Equal(e.Columns, want) {
		m.t.Fatalf("%v submitted: improved %v to %v, want %v", s.Columns, improved, e.Columns, want)
	}
}

// naive is what stands after a submission, nil when it changes nothing.
func (m *model) naive(e *board.Entry, s *board.Submission) []int64 {
	stands := e.Version > 0 && !e.Deleted
	switch {
	case m.board.Operator == board.Count && stands:
		return []int64{e.Columns[0] + 1}
	case m.board.Operator == board.Count:
		return []int64{1}
	case !stands || m.board.Operator == board.Last:
		return s.Columns
	case m.board.Operator == board.Sum:
		sum := slices.Clone(e.Columns)
		for i := range sum {
			sum[i] += s.Columns[i] // one that overflows is refused, and not compared
		}
		return sum
	case m.byScore(s.Columns, e.Columns) < 0:
		return s.Columns
	}
	return nil
}

// byScore compares two tuples, the better first.
func (m *model) byScore(a, b []int64) int {
	for i, c := range m.board.Columns {
		if d := cmp.Compare(a[i], b[i]); d != 0 && c.Descending {
			return -d
		} else if d != 0 {
			return d
		}
	}
	return 0
}

// tell puts a change on its way to the view: at once as this process's own, or through the feed, once or twice, in any order.
func (m *model) tell(e board.Entry) {
	if m.rand.IntN(3) == 0 {
		e.ETag = "1"
		m.own.Took(&m.board, &e)
	}
	for range 1 + m.rand.IntN(2) {
		m.feed = append(m.feed, e)
	}
	if len(m.feed) > 50 {
		m.hear(m.rand.IntN(50))
	}
}

// hear shows the view some changes, picked at random.
func (m *model) hear(n int) {
	for range n {
		i := m.rand.IntN(len(m.feed))
		m.own.Confirm(&m.feed[i])
		m.view.Apply(&m.feed[i])
		m.feed[i] = m.feed[len(m.feed)-1]
		m.feed = m.feed[:len(m.feed)-1]
	}
}

func (m *model) nextSeason() {
	m.now = m.board.End
	if _, _, err := m.board.Roll(); err != nil {
		m.t.Fatal(err)
	}
	m.entries[m.board.Season] = map[string]*board.Entry{}
	m.view.Define(&m.board)
	if old := m.board.Season - 2; m.entries[old] != nil {
		m.hear(len(m.feed))
		m.view.Retire("uid", old)
		delete(m.entries, old)
		if m.view.Season("uid", old) != nil {
			m.t.Fatal("a retired season is still there")
		}
	}
}

// placed is a row of the naive list.
type placed struct {
	*board.Entry
	rank, global int64
}

// list sorts the entries of a season that have a place.
func (m *model) list(season int64, country string) []placed {
	var all []*board.Entry
	for _, e := range m.entries[season] {
		if !e.Deleted && !e.Hidden && !e.Suspended {
			all = append(all, e)
		}
	}
	slices.SortFunc(all, func(a, b *board.Entry) int {
		hash := func(e *board.Entry) []byte { return []byte(e.Key[len(e.Key)-8:]) }
		return cmp.Or(m.byScore(a.Columns, b.Columns), a.ReceiveTime.Compare(b.ReceiveTime), bytes.Compare(hash(a), hash(b)))
	})
	var list []placed
	global := m.ranksOf(all)
	for i, e := range all {
		if country == "" || e.Segments["country"] == country {
			list = append(list, placed{Entry: e, global: global[i]})
		}
	}
	own := make([]*board.Entry, len(list))
	for i := range list {
		own[i] = list[i].Entry
	}
	for i, rank := range m.ranksOf(own) {
		list[i].rank = rank
	}
	return list
}

func (m *model) ranksOf(list []*board.Entry) []int64 {
	ranks := make([]int64, len(list))
	for i, e := range list {
		ranks[i] = int64(i) + 1
		if m.board.SharedTies && i > 0 && m.byScore(list[i-1].Columns, e.Columns) == 0 {
			ranks[i] = ranks[i-1]
		}
	}
	return ranks
}

// compare asks the view everything.
func (m *model) compare(season int64) {
	s := m.view.Season("uid", season)
	for _, country := range []string{"", "DE", "FR"} {
		l := ranks.List{}
		if country != "" {
			l = ranks.List{Segment: "country", Value: country}
		}
		want := m.list(season, country)
		rows, total, err := s.Range(l, 0, math.MaxInt32)
		m.same("the whole list", rows, want, total, int64(len(want)), err)
		for range 70 {
			m.compareSome(s, l, want)
		}
		for _, edge := range []int64{0, int64(len(want)) - 1, int64(len(want))} {
			rows, total, err := s.Range(l, edge, 5)
			m.same("a page at the edge", rows, want[min(max(edge, 0), int64(len(want))):min(int64(len(want)), max(edge, 0)+5)], total, int64(len(want)), err)
		}
	}
	m.compareAmong(s, season)
}

// compareSome asks for one rank, page, window and count.
func (m *model) compareSome(s *ranks.Season, l ranks.List, want []placed) {
	n := int64(len(want))
	player := m.players[m.rand.IntN(len(m.players))]
	at := slices.IndexFunc(want, func(p placed) bool { return p.PlayerID == player })
	row, found, total, err := s.Rank(l, player)
	if err != nil || found != (at >= 0) || total != n || found && !m.is(row, want[at]) {
		m.t.Fatalf("rank of %s: %+v, %v, %d, %v, want place %d of %d", player, row, found, total, err, at, n)
	}
	radius := m.rand.Int64N(30)
	rows, total, err := s.Around(l, player, radius)
	if at < 0 {
		m.same("the window of nobody", rows, nil, total, n, err)
	} else {
		m.same("a window", rows, want[max(int64(at)-radius, 0):min(int64(at)+radius+1, n)], total, n, err)
	}
	if n == 0 {
		return
	}
	from := m.rand.Int64N(n)
	rows, total, err = s.After(l, want[from].Key, 10)
	m.same("a page", rows, want[from+1:min(from+11, n)], total, n, err)
	best, worst := want[from].Columns, want[m.rand.Int64N(n)].Columns
	count := int64(0)
	for _, p := range want {
		if m.byScore(p.Columns, best) >= 0 && m.byScore(p.Columns, worst) <= 0 {
			count++
		}
	}
	if got, err := s.Count(l, best, worst); err != nil || got != count {
		m.t.Fatalf("count from %v to %v: %d, %v, want %d", best, worst, got, err, count)
	}
}

// compareAmong ranks some players among themselves.
func (m *model) compareAmong(s *ranks.Season, season int64) {
	all := m.list(season, "")
	asked := map[string]bool{}
	for range 40 {
		asked[m.players[m.rand.IntN(len(m.players))]] = true
	}
	var ids []string
	for id := range asked {
		ids = append(ids, id)
	}
	var want []placed
	var entries []*board.Entry
	for _, p := range all {
		if asked[p.PlayerID] {
			want, entries = append(want, p), append(entries, p.Entry)
		}
	}
	for i, rank := range m.ranksOf(entries) {
		want[i].rank = rank
	}
	rows, total, err := s.Among(ids)
	m.same("players among themselves", rows, want, total, int64(len(all)), err)
}

func (m *model) is(row ranks.Row, want placed) bool {
	return row.PlayerID == want.PlayerID && row.Rank == want.rank && row.GlobalRank == want.global && row.Version == want.Version &&
		slices.Equal(row.Columns, want.Columns) && row.Time.Equal(want.ReceiveTime) && bytes.Equal(row.Inline, want.Inline)
}

func (m *model) same(what string, got []ranks.Row, want []placed, total, wantTotal int64, err error) {
	m.t.Helper()
	if err != nil || len(got) != len(want) || total != wantTotal {
		m.t.Fatalf("%s: %d rows of %d, %v, want %d of %d", what, len(got), total, err, len(want), wantTotal)
	}
	for i := range got {
		if !m.is(got[i], want[i]) {
			m.t.Fatalf("%s: row %d is %+v, want %+v", what, i, got[i], want[i])
		}
	}
}

// TestOwnWritesAreTakenBack settles what the feed did not confirm.
func TestOwnWritesAreTakenBack(t *testing.T) {
	m := newModel(t, board.Best, []bool{true}, false, []int64{1})
	entry := func(version int64) *board.Entry {
		e := &board.Entry{PlayerID: m.players[0], BoardID: "b", BoardUID: "uid", Season: 1, ETag: "1", Version: version, Columns: []int64{version}}
		e.Key = board.NewKey(m.board.Columns, e.Columns, m.now, e.PlayerID, m.secret)
		return e
	}
	s := m.view.Season("uid", 1)
	place := m.own.Took(&m.board, entry(5))
	if place != (scores.Place{Rank: 1, Total: 1}) || len(m.own.Overdue(time.Second)) != 0 {
		t.Errorf("a write has place %v", place)
	}
	m.now = m.now.Add(time.Minute)
	overdue := m.own.Overdue(time.Minute)
	if len(overdue) != 1 {
		t.Fatalf("overdue: %v", overdue)
	}
	m.own.Settle(overdue[0], entry(3)) // the store has an older one
	if got := s.Version(m.players[0]); got != 3 || len(m.own.Overdue(0)) != 0 {
		t.Errorf("the view has version %d", got)
	}
	m.own.Took(&m.board, entry(7))
	lost := m.own.Overdue(0)[0]
	m.view.Apply(entry(9)) // somebody wrote in between
	m.own.Settle(lost, entry(3))
	if got := s.Version(m.players[0]); got != 9 {
		t.Errorf("the view went back from version 9 to %d", got)
	}
	m.own.Took(&m.board, entry(11))
	m.own.Settle(m.own.Overdue(0)[0], &board.Entry{})
	if got := s.Version(m.players[0]); got != 0 {
		t.Errorf("the view has version %d of what does not exist", got)
	}
	m.own.Took(&m.board, entry(12))
	m.own.Confirm(entry(11))
	m.own.Confirm(entry(12))
	if len(m.own.Overdue(0)) != 0 {
		t.Error("what the feed confirmed is overdue")
	}
}
