package grpcserver

import (
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"time"

	"buf.build/go/protovalidate"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/wire"
)

// chain is the way of every call. It is one interceptor, not ten: a call needs one struct, and the order of the steps stands in one place.
type chain struct {
	config    Config
	logger    *slog.Logger
	verifier  *auth.Verifier
	limits    limits
	streams   *streamLimits
	metrics   *metrics
	validator protovalidate.Validator
	tracer    trace.Tracer // nil = no spans

	methods map[string]*method
	unknown *method // stands for every method that is not registered

	leaving context.Context // ends when no more calls are taken
	leave   context.CancelFunc
	cutting context.Context // ends when open streams must
	cut     context.CancelFunc
}

const scope = "supergame/services/platform/grpcserver"

func newChain(cfg Config, deps Deps) (*chain, error) {
	m, err := newMetrics(deps.Meter)
	if err != nil {
		return nil, err
	}
	c := &chain{
		config: cfg, logger: deps.Logger, verifier: deps.Verifier, limits: newLimits(cfg), metrics: m,
		streams: &streamLimits{players: cfg.PlayerStreams, programs: cfg.ProgramStreams, open: map[streamCaller]int{}},
		methods: map[string]*method{}, unknown: &method{full: "/unknown", metrics: newMethodMetrics("/unknown")},
	}
	if deps.Tracer != nil {
		c.tracer = deps.Tracer.Tracer(scope)
	}
	c.leaving, c.leave = context.WithCancel(context.Background())
	c.cutting, c.cut = context.WithCancel(context.Background())
	return c, nil
}

// prepare is called when every method is known.
func (c *chain) prepare() (err error) {
	for _, m := range c.methods {
		m.metrics = newMethodMetrics(m.full)
	}
	c.validator, err = newValidator(c.methods)
	return err
}

func (c *chain) methodsWithoutRule() []string {
	var without []string
	for full, m := range c.methods {
		if m.rule == nil {
			without = append(without, full)
		}
	}
	slices.Sort(without)
	return without
}

// call is one call on its way.
type call struct {
	method    *method
	start     time.Time
	ctx       callContext
	headers   *headers
	requestID requestID
	caller    *auth.Caller // nil before sign-in and on public methods
	meter     cosmos.Meter
	session   cosmos.Session
	span      trace.Span // nil = none
	err       error      // what the handler returned, for the log
	panicked  []byte     // the stack
}

// newCall returns the call of a method.
func (c *chain) newCall(full string) *call {
	call := &call{method: c.methods[full], start: time.Now()}
	if call.method == nil {
		call.method = c.unknown
	}
	return call
}

// begin names a call and puts into its context what belongs to it.
func (c *chain) begin(ctx context.Context, call *call) context.Context {
	call.headers = headersOf(ctx)
	call.requestID = newRequestID(call.headers.requestID)
	if session := call.headers.session; len(session) > 0 && !call.session.Merge(session[0]) {
		c.metrics.badSession.Add(ctx, 1)
	}
	call.ctx = callContext{ctx, call}
	return c.trace(&call.ctx, call)
}

// check is what every message of a request goes through.
func (c *chain) check(call *call, message any) error {
	if call.method.infra || call.method.rule == nil {
		return nil
	}
	request, ok := message.(proto.Message)
	if !ok {
		return fault.New(fault.InvalidArgument, "UNDECODABLE", "the message is not what the method takes")
	}
	if err := c.refuseErased(call.method, request); err != nil {
		return err
	}
	return c.validate(request)
}

// end turns the outcome into what the caller gets, and accounts for the call. An error that panics when it is read, as a nil *fault.Error
// does, must not end the process: nothing above this would recover.
func (c *chain) end(ctx context.Context, call *call, err error) (answer error) {
	defer func() {
		if value := recover(); value != nil {
			call.err = call.panicFault(value)
			failure := wire.FaultOf(call.err)
			answer = wire.Status(failure, call.requestID.String()).Err()
			c.log(ctx, call, failure, time.Since(call.start))
		}
	}()
	took := time.Since(call.start)
	call.err = err
	failure := wire.FaultOf(err)
	var outcome *status.Status // nil = OK
	if failure != nil {
		outcome = wire.Status(failure, call.requestID.String())
	}
	c.log(ctx, call, failure, took)
	c.metrics.record(ctx, call.method.metrics, outcome.Code(), took, &call.meter)
	call.endSpan(failure, outcome)
	return outcome.Err()
}

// trailers are maps to fill and send: gRPC copies what it is given.
var trailers = sync.Pool{New: func() any { return metadata.MD{} }}

// freeOfCharge is the trailer of every call that did not touch the store.
var freeOfCharge = metadata.MD{wire.RequestCharge: {"0"}}

// sendTrailer sends what the caller learns besides the answer, also with a failure: the charge, the session, whether a read was stale.
func (call *call) sendTrailer(send func(metadata.MD)) {
	charge, session, stale := call.meter.Charge(), call.session.Encode(), call.session.Stale()
	if charge == 0 && session == "" && !stale {
		send(freeOfCharge)
		return
	}
	trailer, _ := trailers.Get().(metadata.MD)
	trailer[wire.RequestCharge] = []string{formatCharge(charge)}
	if session != "" {
		trailer[wire.Session] = []string{session}
	}
	if stale {
		trailer[wire.Stale] = []string{"1"}
	}
	send(trailer)
	clear(trailer)
	trailers.Put(trailer)
}

// formatCharge writes request units to a hundredth: "0", "1", "7.05".
func formatCharge(charge float64) string {
	if charge == 0 {
		return "0"
	}
	return strconv.FormatFloat(float64(int64(charge*100+.5))/100, 'f', -1, 64)
}

// unary is the chain of a call with one request and one response.
func (c *chain) unary(ctx context.Context, request any, info *grpc.UnaryServerInfo, handler grpc.UnaryHandler) (response any, err error) {
	transport, call := ctx, c.newCall(info.FullMethod)
	ctx, cancel := withDeadline(ctx, c.config.CallTimeout, c.config.CallTimeoutMax)
	defer cancel()
	defer func() {
		if value := recover(); value != nil {
			response, err = nil, call.panicFault(value)
		}
		err = c.end(ctx, call, err)
		call.sendTrailer(func(trailer metadata.MD) {
			_ = grpc.SetTrailer(transport, trailer) // fails only without a connection
		})
	}()
	ctx = c.begin(ctx, call)
	if err = c.admit(ctx, call); err != nil {
		return nil, err
	}
	if request != nil { // nil: it could not be decoded, which the handler says
		if err := c.check(call, request); err != nil {
			return nil, err
		}
	}
	if response, err = handler(ctx, request); err != nil {
		return nil, err
	}
	return encode(response)
}

// withDeadline gives a call a deadline if it has none, and brings forward one that is too far away.
func withDeadline(ctx context.Context, usual, most time.Duration) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	switch {
	case !ok:
		return context.WithTimeout(ctx, usual)
	case time.Until(deadline) > most:
		return context.WithTimeout(ctx, most)
	}
	return ctx, func() {}
}
