package grpcserver_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	reflectionpb "google.golang.org/grpc/reflection/grpc_reflection_v1"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// A handler that never ends, even when its context does, is left behind.
func TestDrainLeavesStuckHandlers(t *testing.T) {
	f := newFixture()
	entered, never := make(chan struct{}), make(chan struct{})
	defer close(never)
	f.get = func(context.Context, *profilev1.GetProfileRequest) (*profilev1.GetProfileResponse, error) {
		close(entered)
		<-never
		return nil, errors.New("at last")
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{DrainTimeout: 100 * time.Millisecond}, grpcserver.Deps{}, f)
	go func() {
		_, err := profilev1.NewProfileServiceClient(s.Dial(t, s.Authority.Player(playerA))).
			GetProfile(context.Background(), &profilev1.GetProfileRequest{PlayerId: playerA})
		if err == nil {
			t.Error("the stuck handler answered")
		}
	}()
	<-entered
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(5 * time.Second):
		t.Error("the server does not stop")
	}
}

// Whoever watches health or looks around by reflection does not hold a stopping server up.
func TestDrainDoesNotWaitForWatchers(t *testing.T) {
	s := grpcservertest.StartWith(t, grpcserver.Config{DrainTimeout: time.Minute}, grpcserver.Deps{}, newFixture())
	watch, err := healthpb.NewHealthClient(s.Dial(t, "")).Watch(t.Context(), &healthpb.HealthCheckRequest{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := watch.Recv(); err != nil {
		t.Fatal(err)
	}
	stream, err := reflectionpb.NewServerReflectionClient(s.Dial(t, "")).ServerReflectionInfo(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	request := &reflectionpb.ServerReflectionRequest{MessageRequest: &reflectionpb.ServerReflectionRequest_ListServices{}}
	if err := stream.Send(request); err != nil {
		t.Fatal(err)
	}
	if _, err := stream.Recv(); err != nil {
		t.Fatal(err)
	}
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop() }()
	for err == nil {
		var response *healthpb.HealthCheckResponse
		response, err = watch.Recv()
		if err != nil {
			wantFault(t, fault.As(err), fault.Unavailable, "SERVER_STOPPING")
		} else if s := response.GetStatus(); s != healthpb.HealthCheckResponse_NOT_SERVING && s != healthpb.HealthCheckResponse_SERVING {
			t.Errorf("health is %s", s)
		}
	}
	select {
	case err := <-stopped:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("the server waits for its watchers")
	}
}

// A client that does not read what it asked for is cut at the end.
func TestDrainCutsSlowReaders(t *testing.T) {
	f := newFixture()
	blocked, ended := make(chan struct{}), make(chan struct{})
	f.export = func(_ *profilev1.ExportPlayerRequest, out grpc.ServerStreamingServer[profilev1.ExportPlayerResponse]) error {
		defer close(ended)
		page := &profilev1.ExportPlayerResponse{ResumeToken: string(make([]byte, 1<<20))}
		for sent := 0; ; sent++ {
			if sent == 1 {
				close(blocked) // the next does not fit into any window
			}
			if err := out.Send(page); err != nil {
				return err
			}
		}
	}
	s := grpcservertest.StartWith(t, grpcserver.Config{DrainTimeout: 200 * time.Millisecond}, grpcserver.Deps{}, f)
	_, err := profilev1.NewPlayerDataServiceClient(s.Dial(t, s.Authority.Service("profile"))).
		ExportPlayer(t.Context(), &profilev1.ExportPlayerRequest{PlayerId: playerA})
	if err != nil {
		t.Fatal(err)
	}
	<-blocked
	began := time.Now()
	if err := s.Stop(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("stopping took %s", took)
	}
	<-ended
}
