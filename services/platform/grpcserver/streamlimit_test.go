package grpcserver_test

import (
	"context"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// exportFixture answers ExportPlayer with one message and keeps the stream open until its caller ends it.
type exportFixture struct {
	plainService
	profilev1.UnimplementedProfileServiceServer
	ended chan struct{}
}

func (f *exportFixture) Register(r grpc.ServiceRegistrar) {
	profilev1.RegisterProfileServiceServer(r, f)
}

func (f *exportFixture) ExportPlayer(
	_ *profilev1.ProfileServiceExportPlayerRequest, stream grpc.ServerStreamingServer[profilev1.ProfileServiceExportPlayerResponse],
) error {
	if err := stream.Send(&profilev1.ProfileServiceExportPlayerResponse{}); err != nil {
		return err
	}
	<-stream.Context().Done()
	defer func() { f.ended <- struct{}{} }()
	return stream.Context().Err()
}

// One caller has so many streams open, whatever his connections and tokens, and a stream that has ended makes room.
func TestOpenStreamsOfOneCaller(t *testing.T) {
	f := &exportFixture{ended: make(chan struct{}, 10)}
	s := grpcservertest.StartWith(t, grpcserver.Config{PlayerStreams: 2, ProgramStreams: 1}, grpcserver.Deps{}, f)
	open := func(token string) (context.CancelFunc, error) {
		ctx, cancel := context.WithCancel(t.Context())
		t.Cleanup(cancel)
		stream, err := profilev1.NewProfileServiceClient(s.Dial(t, token)).ExportPlayer(ctx, &profilev1.ProfileServiceExportPlayerRequest{})
		if err == nil {
			_, err = stream.Recv()
		}
		return cancel, err
	}
	must := func(what, token string) context.CancelFunc {
		cancel, err := open(token)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		return cancel
	}
	first := must("the first", s.Authority.Player(playerA))
	must("the second", s.Authority.Player(playerA))
	_, err := open(s.Authority.Player(playerA))
	wantFault(t, fault.As(err), fault.ResourceExhausted, "TOO_MANY_STREAMS")
	if refusal := fault.As(err); refusal == nil || refusal.RetryAfter <= 0 {
		t.Errorf("the refusal does not say when to come back: %v", err)
	}
	must("of another player", s.Authority.Player(playerB))
	must("of an operator", s.Authority.Operator("ops"))
	_, err = open(s.Authority.Operator("ops"))
	wantFault(t, fault.As(err), fault.ResourceExhausted, "TOO_MANY_STREAMS")
	first()
	<-f.ended
	for range 100 { // the stream leaves just after its handler
		if _, err = open(s.Authority.Player(playerA)); err == nil {
			return
		}
	}
	t.Errorf("after one has ended: %v", err)
}
