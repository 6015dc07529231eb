package ranks

import (
	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/index"
)

// slab makes the rows of a page with few allocations, not several for each row: what they hold lies side by side.
type slab struct {
	columns  []board.Column
	rows     []Row
	ids      []byte
	keys     []byte
	scores   []int64
	keyBytes int
}

func newSlab(columns []board.Column, n int) *slab {
	size := board.KeyBytes(len(columns))
	return &slab{
		columns: columns, rows: make([]Row, 0, n), ids: make([]byte, 0, n*ulid.EncodedSize), keys: make([]byte, 0, n*size),
		scores: make([]int64, 0, n*len(columns)), keyBytes: size,
	}
}

// add takes one entry, whose slices need not outlive the call.
func (s *slab) add(e index.Entry, rank int64) {
	at := len(s.ids)
	s.ids = s.ids[:at+ulid.EncodedSize]
	_ = ulid.ULID(e.Player).MarshalTextTo(s.ids[at:]) // it has the size
	s.keys = append(s.keys, e.Key...)
	s.scores = board.AppendScore(s.scores, s.columns, e.Key)
	row := Row{Rank: rank, Time: board.ReceivedOf(e.Key), Version: e.Version}
	if len(e.Inline) > 0 {
		row.Inline = append([]byte(nil), e.Inline...)
	}
	s.rows = append(s.rows, row)
}

// finish gives the rows.
func (s *slab) finish() []Row {
	ids, keys, n := string(s.ids), string(s.keys), len(s.columns)
	for i := range s.rows {
		row := &s.rows[i]
		row.PlayerID = ids[i*ulid.EncodedSize : (i+1)*ulid.EncodedSize]
		row.Key = board.Key(keys[i*s.keyBytes : (i+1)*s.keyBytes])
		row.Columns = s.scores[i*n : (i+1)*n : (i+1)*n]
	}
	return s.rows
}
