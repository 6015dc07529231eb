package grpcclient

import (
	"context"
	"errors"
	"io"

	"google.golang.org/grpc"

	"supergame/services/platform/fault"
)

// stream begins a call with several requests or responses. It is not repeated: only its user knows where to go on.
func (c *caller) stream(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, open grpc.Streamer, options ...grpc.CallOption,
) (grpc.ClientStream, error) {
	token, err := c.token(ctx, method)
	if err != nil {
		return nil, err
	}
	stream, err := open(c.outgoing(ctx, token), desc, conn, method, options...)
	if err != nil {
		return nil, c.refusedStream(err, token)
	}
	return &faultStream{ClientStream: stream, caller: c, ctx: ctx, token: token, single: !desc.ServerStreams}, nil
}

// faultStream returns faults, and learns from the trailer at the end.
type faultStream struct {
	grpc.ClientStream
	caller *caller
	ctx    context.Context
	token  string
	single bool // one response, after which nobody asks for more
}

// RecvMsg receives the next message; io.EOF is the end.
func (s *faultStream) RecvMsg(message any) error {
	err := s.ClientStream.RecvMsg(message)
	if err == nil && !s.single {
		return nil
	}
	s.caller.learn(s.ctx, s.Trailer())
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.caller.refusedStream(err, s.token)
}

// SendMsg sends a message; io.EOF says that the call has ended, and RecvMsg says why.
func (s *faultStream) SendMsg(message any) error {
	err := s.ClientStream.SendMsg(message)
	if err == nil || errors.Is(err, io.EOF) {
		return err
	}
	return s.caller.refusedStream(err, s.token)
}

// refusedStream returns the fault of a stream. A token that was refused is not sent again with the next.
func (c *caller) refusedStream(err error, token string) error {
	failure := c.faultOf(err)
	if token != "" && failure.Kind == fault.Unauthenticated {
		c.forget(token)
	}
	return c.ours(failure, token)
}
