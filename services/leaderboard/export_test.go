package leaderboard

import (
	"time"

	"github.com/oklog/ulid/v2"

	"supergame/services/leaderboard/internal/board"
)

// FillForTest puts n entries into the view of a board of one column, as if the feed had shown them. It returns a function that gives the id of the
// i-th player.
func FillForTest(s *Service, boardID, uid string, n int) (player func(i int) string) {
	player = func(i int) string {
		var id ulid.ULID
		id[0], id[12], id[13], id[14], id[15] = 2, byte(i>>24), byte(i>>16), byte(i>>8), byte(i)
		return id.String()
	}
	columns := []board.Column{{Name: "points", Descending: true}}
	for i := range n {
		score := []int64{int64(i) * 7919 % 1_000_000_007}
		e := &board.Entry{PlayerID: player(i), BoardID: boardID, BoardUID: uid, Season: 1, Version: 1, Columns: score}
		e.Key = board.NewKey(columns, score, time.UnixMilli(1_790_000_000_000+int64(i)), e.PlayerID, []byte("secret"))
		s.view.Apply(e)
	}
	return player
}
