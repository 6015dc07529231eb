package grpcclient

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"

	optionsv1 "supergame/proto/gen/supergame/options/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/wire"
	"supergame/services/platform/telemetry"
)

// caller makes the calls of one connection.
type caller struct {
	tokens  TokenSource
	timeout time.Duration
	retries int
	tracer  trace.Tracer // nil = no spans
	budget  budget
	public  sync.Map // full method -> bool
	header  atomic.Pointer[header]
}

// header is the last token with the scheme before it, made once and not for every call.
type header struct {
	token, authorization string
}

const scope = "supergame/services/platform/grpcclient"

func newCaller(opts Options) *caller {
	c := &caller{tokens: opts.Tokens, timeout: opts.Timeout, retries: opts.Retries}
	if opts.Tracer != nil {
		c.tracer = opts.Tracer.Tracer(scope)
	}
	if c.timeout == 0 {
		c.timeout = defaultTimeout
	}
	if c.retries == 0 {
		c.retries = defaultRetries
	}
	c.budget.fill()
	return c
}

// unary makes a call with one request and one response.
func (c *caller) unary(
	ctx context.Context, method string, request, response any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption,
) (err error) {
	ctx, span := c.begin(ctx, method)
	defer func() { end(span, method, err) }()
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, c.timeout)
		defer cancel()
	}
	renewed := false
	for attempt := 0; ; attempt++ {
		token, err := c.token(ctx, method)
		if err != nil {
			return err
		}
		var trailer metadata.MD
		err = invoke(c.outgoing(ctx, token), method, request, response, conn, append(options, grpc.Trailer(&trailer))...)
		c.learn(ctx, trailer)
		if err == nil {
			c.budget.succeeded()
			return nil
		}
		failure := c.faultOf(err)
		switch {
		case token != "" && !renewed && failure.Kind == fault.Unauthenticated && c.forget(token):
			renewed = true // identity may have changed its keys, or its mind about the old token
		case failure.Kind != fault.Unavailable || attempt >= c.retries || !c.budget.failed() || !pause(ctx, attempt, failure.RetryAfter):
			return c.ours(failure, token)
		}
	}
}

// token returns the token to send; none with public methods, so that a source may sign in over its own connection.
func (c *caller) token(ctx context.Context, method string) (string, error) {
	if c.tokens == nil || c.isPublic(method) {
		return "", nil
	}
	token, err := c.tokens.Token(ctx)
	if err != nil {
		return "", unsigned(err)
	}
	return token, nil
}

// isPublic looks a method's rule up in its proto, once.
func (c *caller) isPublic(method string) bool {
	if known, ok := c.public.Load(method); ok {
		return known == true
	}
	name := protoreflect.FullName(strings.ReplaceAll(strings.TrimPrefix(method, "/"), "/", "."))
	public := false
	if desc, err := protoregistry.GlobalFiles.FindDescriptorByName(name); err == nil {
		rule, _ := proto.GetExtension(desc.Options(), optionsv1.E_Access).(*optionsv1.Access)
		public = rule.GetPublic()
	}
	c.public.Store(method, public)
	return public
}

// outgoing adds the token, the session, the call's name and the trace context.
func (c *caller) outgoing(ctx context.Context, token string) context.Context {
	pairs := make([]string, 0, 8)
	if token != "" {
		pairs = append(pairs, "authorization", c.authorization(token))
	}
	if session := cosmos.SessionFrom(ctx).Encode(); session != "" {
		pairs = append(pairs, wire.Session, session)
	}
	if id := telemetry.RequestID(ctx); id != "" {
		pairs = append(pairs, wire.RequestID, id)
	}
	pairs = appendTrace(ctx, pairs)
	if len(pairs) == 0 {
		return ctx
	}
	return metadata.AppendToOutgoingContext(ctx, pairs...)
}

func (c *caller) authorization(token string) string {
	if last := c.header.Load(); last != nil && last.token == token {
		return last.authorization
	}
	next := &header{token: token, authorization: "Bearer " + token}
	c.header.Store(next)
	return next.authorization
}

// learn takes the callee's charge, session and staleness into the context's own.
func (c *caller) learn(ctx context.Context, trailer metadata.MD) {
	if values := trailer[wire.RequestCharge]; len(values) > 0 && values[0] != "0" {
		if charge, err := strconv.ParseFloat(values[0], 64); err == nil {
			cosmos.MeterFrom(ctx).Add(charge)
		}
	}
	session := cosmos.SessionFrom(ctx)
	if values := trailer[wire.Session]; len(values) > 0 {
		session.Merge(values[0]) // what is no session is ignored
	}
	if values := trailer[wire.Stale]; len(values) > 0 {
		session.MarkStale()
	}
}

// faultOf turns what gRPC returned into a fault.
func (c *caller) faultOf(err error) *fault.Error {
	failure := wire.Fault(status.Convert(err))
	return failure.Because(either(failure.Cause, err))
}

func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// forget drops a token that was refused, if its source can.
func (c *caller) forget(token string) bool {
	source, ok := c.tokens.(interface{ Forget(token string) })
	if ok {
		source.Forget(token)
	}
	return ok
}

// ours keeps a refusal of this program's own credential from passing for one of the caller it works for: he would sign out,
// and the mistake is ours.
func (c *caller) ours(failure *fault.Error, token string) error {
	if _, signsIn := c.tokens.(*Tokens); !signsIn || token == "" {
		return failure
	}
	if failure.Kind == fault.Unauthenticated || failure.Reason == auth.ReasonAccessDenied || failure.Reason == auth.ReasonNoAccessRule {
		return refused(failure)
	}
	return failure
}

// unsigned is the fault of a call for which there is no token. Identity's refusal is ours like any other service's.
func unsigned(err error) error {
	failure := wire.FaultOf(err)
	switch failure.Kind {
	case fault.Unavailable, fault.DeadlineExceeded, fault.Canceled, fault.ResourceExhausted:
		return failure.Because(err)
	default:
		return refused(err)
	}
}

func refused(cause error) error {
	return fault.New(fault.Internal, "SERVICE_REFUSED", "a service that was called refuses this one").Because(cause)
}
