package emulator

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/epk"
	"supergame/local/emulator/internal/sql"
)

// A call is one request on its way through the emulator, and the answer that is being made.
type call struct {
	e       *Emulator
	ctx     context.Context
	method  string
	header  http.Header // of the request
	body    []byte
	base    string // URL at which the client reached us, for the account document
	compute bool   // it came through the compute gateway
	route   route
	mangled bool // the ordinary gateway has changed a name of the path
	op      Op

	late   []*armedFault // faults that happen behind the commit
	bucket *bucket       // of the partition that pays, nil when throughput is not enforced
	key    string        // the partition key header that the faults go by
	ids    []string      // the items that the faults go by

	activity string
	status   int
	charge   float64
	out      headerSet
	reply    []byte
}

// maxBody is what is read of a request: an item or batch of 2 MB with room for JSON around it.
const maxBody = 4 << 20

// errDropped is what a client sees when its connection is closed on order: the outcome of its request is unknown to it.
var errDropped = &net.OpError{Op: "read", Net: "tcp", Err: io.ErrUnexpectedEOF}

// serve carries a request out. An error is not an answer: the connection was dropped or the caller's context ended.
func (c *call) serve(escapedPath string) error {
	start := c.e.clock.Now()
	err := c.carryOut(escapedPath)
	if len(c.late) > 0 && c.isAnswer(err) {
		if lateErr := c.runLate(err); lateErr != nil {
			err = lateErr
		}
	}
	if err != nil {
		if err = c.answerError(err); err != nil {
			return err
		}
	}
	if c.bucket != nil {
		c.bucket.spend(c.charge, c.e.clock.Now())
	}
	c.finish(c.e.clock.Now().Sub(start))
	return nil
}

func (c *call) carryOut(escapedPath string) error {
	if c.e.closed.Load() {
		return &net.OpError{Op: "dial", Net: "tcp", Err: net.ErrClosed}
	}
	if err := sleep(c.ctx, c.e.opts.Latency); err != nil {
		return err
	}
	if len(c.body) > maxBody {
		return refuse(http.StatusRequestEntityTooLarge, "Request size is too large.")
	}
	var r *refusal
	if c.route, c.mangled, r = parseRoute(escapedPath, c.compute); r != nil {
		return r
	}
	c.op = operation(c.method, c.route, c.header)
	if r = c.authorize(); r != nil {
		return r
	}
	return c.dispatch()
}

func (c *call) dispatch() error {
	if c.route.unknown {
		return notFound()
	}
	switch c.route.kind {
	case "":
		return c.serveAccount()
	case "dbs":
		return c.serveDatabases()
	case "colls":
		return c.serveContainers()
	case "offers":
		return c.serveOffers()
	case "pkranges":
		return c.servePartitionKeyRanges()
	case "docs":
		return c.serveItems()
	}
	return notFound()
}

// enter is the point before a request takes effect: faults happen, the budget is asked, the context is looked at. rangeID is the
// physical partition that pays, empty when there is none.
func (c *call) enter(container *engine.Container, rangeID string) error {
	if c.e.faults.armed.Load() > 0 {
		now, late := c.e.faults.match(c)
		c.late = late
		if err := c.run(now, 0); err != nil {
			return err
		}
	}
	if c.e.opts.Throttle && container != nil {
		c.bucket = c.e.budgets.of(c.e.engine, container, rangeID)
		if c.bucket != nil {
			if wait := c.bucket.wait(c.e.clock.Now()); wait > 0 {
				c.bucket = nil
				return throttled(wait)
			}
		}
	}
	return c.ctx.Err()
}

// enterAt is enter for a request to one logical partition.
func (c *call) enterAt(container *engine.Container, key epk.Key) error {
	return c.enter(container, c.paying(container, key))
}

// answerError turns an error into the answer of the call, or gives it back when it is not one.
func (c *call) answerError(err error) error {
	r := c.refusalOf(err)
	if r == nil {
		return err
	}
	token := c.out.get(hSessionToken)
	c.out.reset()
	if token != "" && r.looked() {
		c.out.set(hSessionToken, token)
	}
	c.status, c.charge = r.status, r.charge
	if r.substatus != 0 {
		c.out.setInt(hSubstatus, int64(r.substatus))
	}
	if r.retryAfter > 0 {
		c.out.setInt(hRetryAfter, max(1, r.retryAfter.Milliseconds()))
	}
	c.reply = errorBody(r, c.activityID())
	return nil
}

// isAnswer says whether a client gets an answer when err ended its request.
func (c *call) isAnswer(err error) bool { return err == nil || c.refusalOf(err) != nil }

// refusalOf gives the answer that an error stands for, nil when it stands for none.
func (c *call) refusalOf(err error) *refusal {
	var own *refusal
	var stored *engine.Error
	var query *sql.Error
	switch {
	case errors.As(err, &own):
		return own
	case errors.As(err, &stored):
		r := refuse(stored.Status, "%s", stored.Message).sub(stored.SubStatus)
		if c.charge > 0 {
			r.charge = c.charge
		}
		return r
	case errors.As(err, &query):
		return badQuery(query)
	case isTransport(err):
		return nil
	}
	c.e.log.ErrorContext(c.ctx, "request failed", "method", c.method, "link", c.route.link, "error", err)
	return refuse(http.StatusInternalServerError, "The emulator failed: %v", err)
}

// isTransport says whether the client gets no answer at all: a connection that broke, or its own context that ended.
func isTransport(err error) bool {
	var network net.Error
	return errors.As(err, &network) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) ||
		errors.Is(err, engine.ErrClosed)
}

// activityID is the request's own when it is an UUID, else a new one.
func (c *call) activityID() string {
	if c.activity == "" {
		if c.activity = first(c.header, hActivityID); len(c.activity) != 36 {
			c.activity = newUUID()
		}
	}
	return c.activity
}

func newUUID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	s := hex.EncodeToString(b[:])
	return s[:8] + "-" + s[8:12] + "-" + s[12:16] + "-" + s[16:20] + "-" + s[20:]
}

func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
