package grpcserver

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	protocodec "google.golang.org/grpc/encoding/proto"
	"google.golang.org/grpc/mem"

	"supergame/services/platform/fault"
)

// Bytes that are not the message that a method takes are the caller's fault. gRPC answers them with INTERNAL, on its own and before any
// interceptor has seen the call. So what is received goes into an envelope, which can hold a failure too.

// envelope is a message to receive.
type envelope struct {
	message any
	err     error
}

// receive receives the next message. failed is not nil when the bytes were not such a message, err when there was none.
func receive(from func(any) error, message any) (failed, err error) {
	e := envelope{message: message}
	if err := from(&e); err != nil {
		return nil, err
	}
	if e.err != nil {
		return fault.New(fault.InvalidArgument, "UNDECODABLE", "the message is not what the method takes: "+
			"malformed protobuf, or text that is not UTF-8").Because(e.err), nil
	}
	return nil, nil
}

// encoded is a response in its wire form.
type encoded struct {
	buffers mem.BufferSlice
}

// encode puts the response of a unary call into its wire form. gRPC would do it after the interceptor, where a response that cannot be sent
// counts as a success and a panic ends the process.
func encode(response any) (any, error) {
	buffers, err := protobuf.Marshal(response)
	if err != nil {
		return nil, fault.New(fault.Internal, "UNENCODABLE", "encoding the response: %v", err)
	}
	if size := buffers.Len(); size > maxMessageBytes {
		buffers.Free()
		return nil, fault.New(fault.Internal, "RESPONSE_TOO_LARGE", "the response has %d bytes, more than %d", size, maxMessageBytes)
	}
	return &encoded{buffers}, nil
}

var protobuf = encoding.GetCodecV2(protocodec.Name)

// envelopeCodec is gRPC's codec for protobuf, for envelopes and encoded responses too.
type envelopeCodec struct {
	encoding.CodecV2
}

func newEnvelopeCodec() envelopeCodec { return envelopeCodec{protobuf} }

// Marshal passes on what is encoded.
func (c envelopeCodec) Marshal(v any) (mem.BufferSlice, error) {
	if response, ok := v.(*encoded); ok {
		return response.buffers, nil
	}
	return c.CodecV2.Marshal(v)
}

// Unmarshal never fails for an envelope.
func (c envelopeCodec) Unmarshal(data mem.BufferSlice, v any) error {
	e, ok := v.(*envelope)
	if !ok {
		return c.CodecV2.Unmarshal(data, v)
	}
	e.err = c.CodecV2.Unmarshal(data, e.message)
	return nil
}

// guardDecoding sends a unary call whose request cannot be decoded through the chain like any other.
func guardDecoding(full string, desc grpc.MethodDesc) grpc.MethodDesc {
	handle := desc.Handler
	desc.Handler = func(srv any, ctx context.Context, decode func(any) error, interceptor grpc.UnaryServerInterceptor) (any, error) {
		var undecodable error
		response, err := handle(srv, ctx, func(in any) error {
			failed, err := receive(decode, in)
			undecodable = failed
			if failed != nil {
				return failed // the generated handler stops here
			}
			return err
		}, interceptor)
		if undecodable == nil || interceptor == nil {
			return response, err
		}
		refuse := func(context.Context, any) (any, error) { return nil, undecodable }
		return interceptor(ctx, nil, &grpc.UnaryServerInfo{Server: srv, FullMethod: full}, refuse)
	}
	return desc
}
