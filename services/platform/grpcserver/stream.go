package grpcserver

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"google.golang.org/grpc"

	"supergame/services/platform/fault"
)

// reconnectWithin spreads the clients of a server that stops.
const reconnectWithin = 20 * time.Second

// errCut is why the context of a stream ends when the server stops.
var errCut = errors.New("the server is stopping")

// stream is the chain of a call with several requests or responses. Each message of the caller is checked as it comes.
func (c *chain) stream(srv any, ss grpc.ServerStream, info *grpc.StreamServerInfo, handler grpc.StreamHandler) (err error) {
	c.metrics.streams.Add(1)
	defer c.metrics.streams.Add(-1)
	call := c.newCall(info.FullMethod)
	ctx, cancel := withDeadline(ss.Context(), c.config.StreamTimeoutMax, c.config.StreamTimeoutMax)
	defer cancel()
	ctx, cancelCause := context.WithCancelCause(ctx)
	defer cancelCause(nil)
	defer context.AfterFunc(c.cutOf(call.method), func() { cancelCause(errCut) })()
	defer func() {
		if value := recover(); value != nil {
			err = call.panicFault(value)
		}
		if err != nil && errors.Is(context.Cause(ctx), errCut) {
			err = fault.New(fault.Unavailable, "SERVER_STOPPING", "the server is stopping; connect again").After(rand.N(reconnectWithin)).Because(err)
		}
		err = c.end(ctx, call, err)
		call.sendTrailer(ss.SetTrailer)
	}()
	ctx = c.begin(ctx, call)
	if err = c.admit(ctx, call); err != nil {
		return err
	}
	leave, err := c.streams.enter(call.caller)
	if err != nil {
		return err
	}
	defer leave()
	return handler(srv, &checkedStream{ServerStream: ss, ctx: ctx, chain: c, call: call})
}

// cutOf returns what ends when the open streams of a method must. Those of health have nothing to finish, and whoever watches would
// hold the server up for as long as it waits for calls.
func (c *chain) cutOf(m *method) context.Context {
	if m.infra {
		return c.leaving
	}
	return c.cutting
}

// checkedStream checks what it receives.
type checkedStream struct {
	grpc.ServerStream
	ctx      context.Context
	chain    *chain
	call     *call
	received int
}

// Context is the call's.
func (s *checkedStream) Context() context.Context { return s.ctx }

// RecvMsg receives the next message. Those after the first count against the caller's rate.
func (s *checkedStream) RecvMsg(message any) error {
	failed, err := s.next(message)
	if err != nil {
		return err
	}
	if failed != nil {
		return failed
	}
	if s.received++; s.received > 1 {
		if err := s.chain.limitMore(s.ctx, s.call); err != nil {
			return err
		}
	}
	return s.chain.check(s.call, message)
}

// next receives a message, or fails when the call's context ends: gRPC knows only the connection's, and would let a handler wait
// for a silent client past the call's deadline and while the server stops.
func (s *checkedStream) next(message any) (failed, err error) {
	type outcome struct{ failed, err error }
	received := make(chan outcome, 1)
	go func() { // ends with the call at the latest
		failed, err := receive(s.ServerStream.RecvMsg, message)
		received <- outcome{failed, err}
	}()
	select {
	case got := <-received:
		return got.failed, got.err
	case <-s.ctx.Done():
		return nil, s.ctx.Err()
	}
}
