package emulator

import (
	"encoding/base64"
	"encoding/json"
	"iter"
	"net/http"
	"strings"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/sql"
)

const (
	defaultPage = 100
	maxPage     = 1000    // what -1, "as many as you like", means
	maxReply    = 4 << 20 // bytes of a page
)

// A page is one stretch of a scan: a query over several physical partitions goes through them one by one, and a page never
// reaches into the next one. So pages may be short or empty before the last.
type page struct {
	min, max string    // bounds of the stretch; both empty for a single logical or physical partition
	after    []byte    // where the scan begins
	state    sql.State // where the query goes on
	rangeID  string    // the partition that pays
	limit    int
}

// continuation is what a token holds. It names its container and query, so that it is refused on another one; it survives restarts
// and splits because it names no physical partition.
type continuation struct {
	Version   int       `json:"v"`
	Container string    `json:"c"`
	Query     uint64    `json:"q"`
	Min       string    `json:"m,omitempty"`
	Max       string    `json:"x,omitempty"`
	After     []byte    `json:"a,omitempty"`
	State     sql.State `json:"s"`
}

func (t continuation) encode() (string, error) {
	b, err := json.Marshal(t)
	return base64.StdEncoding.EncodeToString(b), err
}

func (c *call) openPage(container *engine.Container, q *query) (page, error) {
	limit, err := c.pageSize(maxPage)
	if err != nil {
		return page{}, err
	}
	if first(c.header, hMaxItemCount) == "" {
		limit = defaultPage
	}
	p := page{limit: limit, min: q.target.min, rangeID: q.target.rangeID}
	if token := first(c.header, hContinuation); token != "" {
		t, ok := decodeContinuation(token)
		if !ok || t.Version != 1 || t.Container != container.Info().RID || t.Query != q.hash {
			return page{}, badRequest("Invalid Continuation Token: it is malformed or belongs to another query or container.")
		}
		p.min, p.max, p.after, p.state = t.Min, t.Max, t.After, t.State
	}
	switch {
	case q.target.rangeID != "":
		p.min, p.max = q.target.min, q.target.max
	case q.target.single:
		p.rangeID = c.paying(container, q.target.key)
	default:
		p.place(container.Ranges(), q.target)
	}
	return p, nil
}

func decodeContinuation(token string) (t continuation, ok bool) {
	b, err := base64.StdEncoding.DecodeString(token)
	return t, err == nil && json.Unmarshal(b, &t) == nil
}

// place finds the physical partition where the stretch begins and, unless a token has said it, ends the stretch with it.
func (p *page) place(ranges []engine.Range, t target) {
	for _, r := range ranges {
		if r.Min <= p.min && (p.min < r.Max || r.Max == "FF") {
			p.rangeID = r.ID
			if p.max == "" {
				p.max = r.Max
			}
			break
		}
	}
	if p.max > t.max {
		p.max = t.max
	}
}

// rows collects the rows of a page into the body of its answer.
type rows struct {
	body  []byte
	n     int
	limit int
}

func (r *rows) emit(row []byte) bool {
	if r.n >= r.limit || r.n > 0 && len(r.body)+len(row) > maxReply {
		return false
	}
	if r.n > 0 {
		r.body = append(r.body, ',')
	}
	r.body = append(r.body, row...)
	r.n++
	return true
}

// scan is the source of a query: the documents of a cursor, and where it stands.
type scan struct {
	cursor *engine.Cursor
	call   *call
	buf    []byte
	before []byte // position behind the document before the current one
	at     []byte // position behind the current one
}

func (s *scan) documents() iter.Seq2[sql.Document, error] {
	return func(yield func(sql.Document, error) bool) {
		for n := 0; s.cursor.Next(); n++ {
			if n%256 == 255 && s.call.ctx.Err() != nil {
				yield(sql.Document{}, s.call.ctx.Err())
				return
			}
			s.before, s.at = s.at, s.cursor.Position()
			s.buf = s.cursor.Append(s.buf[:0])
			if !yield(sql.Document{Key: s.at, JSON: s.buf}, nil) {
				return
			}
		}
		if err := s.cursor.Err(); err != nil {
			yield(sql.Document{}, err)
		}
	}
}

// answerPage runs the query over its stretch.
func (c *call) answerPage(container *engine.Container, q *query, p page) error {
	ro, err := c.readOptions()
	if err != nil {
		return err
	}
	o := engine.ScanOptions{ReadOptions: ro, Range: q.target.rangeID, Min: p.min, Max: p.max, Key: q.target.key}
	streaming := !q.Buffered() && q.Features()&sql.HasDistinct == 0
	if streaming {
		o.After = p.after
	}
	cursor, err := container.Scan(o)
	if err != nil {
		return err
	}
	defer func() { _ = cursor.Close() }()
	rid := container.Info().RID
	s := &scan{cursor: cursor, call: c, at: o.After}
	documents := s.documents()
	if list, ok := q.candidates(container.Info().Properties.Key); ok {
		lo, hi := stretch(container, q.target.rangeID, p)
		var from []byte
		if streaming {
			from = p.state.Key
		}
		documents = c.itemsOf(container, within(container.Info().Properties.Key, list, lo, hi), ro, from)
	}
	out := &rows{body: openFeed(make([]byte, 0, 4096), rid, "Documents"), limit: p.limit}
	start := time.Now()
	outcome, err := c.runQuery(q.Query, sql.Input{
		Params: q.params, Documents: documents, From: p.state, Now: c.e.clock.Now(), KeepUndefined: q.keepsUndefined(),
	}, out.emit)
	if err != nil {
		return err
	}
	q.times.run = time.Since(start)
	if next := p.next(q, s, outcome, out.n, streaming); next != nil {
		next.Version, next.Container, next.Query = 1, rid, q.hash
		token, err := next.encode()
		if err != nil {
			return err
		}
		c.out.set(hContinuation, token)
	}
	c.setSession(cursor.Positions())
	c.chargeQuery(container, q, outcome.Stats)
	c.out.setInt(hItemCount, int64(out.n))
	return c.respond(http.StatusOK, closeFeed(out.body, out.n))
}

// next is the continuation behind a page, nil at the end. A full page of a query over several partitions has one even when nothing
// is left: the gateway does not look ahead, and the last page is then empty.
func (p *page) next(q *query, s *scan, outcome sql.Outcome, n int, streaming bool) *continuation {
	t := &continuation{Min: p.min, Max: p.max}
	switch {
	case !outcome.Done && streaming:
		t.After, t.State = s.before, outcome.State
		return t
	case !outcome.Done:
		t.State = outcome.State
		return t
	case q.target.single:
		return nil
	case p.max < q.target.max:
		return &continuation{Min: p.max}
	case n == p.limit && s.at != nil:
		t.After = s.at
		return t
	}
	return nil
}

// stretch gives the bounds of effective partition keys that a page is about.
func stretch(container *engine.Container, rangeID string, p page) (lo, hi string) {
	if rangeID != "" {
		for _, r := range container.Ranges() {
			if r.ID == rangeID {
				return max(r.Min, p.min), r.Max
			}
		}
	}
	if p.max == "" {
		return "", "FF"
	}
	return p.min, p.max
}

// keepsUndefined is the rule for items that lack the property of an ORDER BY.
func (q *query) keepsUndefined() bool {
	keys := q.OrderBy()
	return len(keys) == 1 && q.policy.Explicit(keys[0].Segments)
}

func (c *call) setSession(positions []engine.Position) {
	tokens := make([]string, len(positions))
	for i, p := range positions {
		tokens[i] = p.Token().String()
	}
	if len(tokens) > 0 {
		c.out.set(hSessionToken, strings.Join(tokens, ","))
	}
}
