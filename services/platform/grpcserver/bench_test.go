package grpcserver_test

import (
	"context"
	"net"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// BenchmarkUnary compares one call over loopback with plain grpc-go and with the platform on both sides: server chain and client,
// with a token seen before, a sampler that keeps nothing, metrics, and successes logged at debug. cpu-ns/op is the CPU of the whole
// process, that is of client and server together; the platform may add 30 % to a call that carries the same deadline, token and trailer.
func BenchmarkUnary(b *testing.B) {
	b.Run("plain", func(b *testing.B) { measure(b, plainClient(b)) })
	b.Run("platform", func(b *testing.B) { measure(b, platformClient(b, nil)) })
	b.Run("platform-traced", func(b *testing.B) {
		measure(b, platformClient(b, sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(0)))))
	})
}

func measure(b *testing.B, client profilev1.ProfileServiceClient) {
	request := &profilev1.GetProfileRequest{PlayerId: playerA}
	for range 100 {
		if _, err := client.GetProfile(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	before := cpuTime()
	for b.Loop() {
		if _, err := client.GetProfile(b.Context(), request); err != nil {
			b.Fatal(err)
		}
	}
	if used := cpuTime() - before; used > 0 {
		b.ReportMetric(float64(used.Nanoseconds())/float64(b.N), "cpu-ns/op")
	}
}

// The platform's transport, which plain grpc-go gets too: what is compared is the work of the interceptors. With gRPC's own settings, whose
// windows are estimated by pings, a plain call costs about a sixth more.
const (
	streamWindow = 256 << 10
	connWindow   = 1 << 20
)

func plainClient(b *testing.B) profilev1.ProfileServiceClient {
	return grpcClient(b, nil, nil)
}

// carryingClient is plain grpc-go whose calls carry what the platform's carry: a deadline, a token of the same size, a charge in the trailer.
func carryingClient(b *testing.B) profilev1.ProfileServiceClient {
	trailer := metadata.Pairs("supergame-request-charge", "0")
	token := "Bearer " + strings.Repeat("0aB-", 100)
	return grpcClient(b,
		[]grpc.ServerOption{grpc.UnaryInterceptor(func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
			if err := grpc.SetTrailer(ctx, trailer); err != nil {
				return nil, err
			}
			return next(ctx, in)
		})},
		[]grpc.DialOption{grpc.WithUnaryInterceptor(
			func(ctx context.Context, method string, in, out any, conn *grpc.ClientConn, invoke grpc.UnaryInvoker, options ...grpc.CallOption) error {
				ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
				defer cancel()
				var trailer metadata.MD
				ctx = metadata.AppendToOutgoingContext(ctx, "authorization", token)
				return invoke(ctx, method, in, out, conn, append(options, grpc.Trailer(&trailer))...)
			})})
}

func grpcClient(b *testing.B, serverOptions []grpc.ServerOption, dialOptions []grpc.DialOption) profilev1.ProfileServiceClient {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer(append(serverOptions, grpc.InitialWindowSize(streamWindow), grpc.InitialConnWindowSize(connWindow),
		grpc.NumStreamWorkers(uint32(runtime.GOMAXPROCS(0))))...)
	newFixture().Register(server)
	go func() { _ = server.Serve(listener) }() // ends with Stop
	b.Cleanup(server.Stop)
	conn, err := grpc.NewClient(listener.Addr().String(), append(dialOptions, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithInitialWindowSize(streamWindow), grpc.WithInitialConnWindowSize(connWindow))...)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return profilev1.NewProfileServiceClient(conn)
}

func platformClient(b *testing.B, tracer *sdktrace.TracerProvider) profilev1.ProfileServiceClient {
	deps := grpcserver.Deps{Meter: sdkmetric.NewMeterProvider(sdkmetric.WithReader(sdkmetric.NewManualReader()))}
	opts := grpcclient.Options{}
	if tracer != nil {
		deps.Tracer, opts.Tracer = tracer, tracer
	}
	server := grpcservertest.StartWith(b, grpcserver.Config{PlayerRate: 1e6, AddressRate: 1e6}, deps, newFixture())
	opts.Tokens = grpcservertest.Token(server.Authority.Player(playerB))
	conn, err := grpcclient.Dial("http://"+server.GRPCAddr, opts)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	return profilev1.NewProfileServiceClient(conn)
}

// BenchmarkOverhead measures the same in turns of some calls each, so that whatever else the machine does falls on both, and
// reports the CPU that the platform adds in percent. OTEL_TRACES_SAMPLER_ARG=0 makes no tracer, so "untraced" is what it costs; "sampling-0"
// is a tracer on both sides whose sampler keeps nothing, as for most calls of a server that keeps few. The platform gives every call a deadline;
// its timers and its header are nearly half of what it adds to a plain call that has none. "deadline" gives both sides the same one, as
// calls have that are part of another. "carrying" compares with grpc-go that carries the same deadline, token and trailer, so it is the work of
// the chain alone.
func BenchmarkOverhead(b *testing.B) {
	b.Run("untraced", func(b *testing.B) { compare(b, plainClient(b), platformClient(b, nil), 0) })
	b.Run("deadline", func(b *testing.B) { compare(b, plainClient(b), platformClient(b, nil), 5*time.Second) })
	b.Run("carrying", func(b *testing.B) { compare(b, carryingClient(b), platformClient(b, nil), 0) })
	b.Run("sampling-0", func(b *testing.B) {
		compare(b, plainClient(b), platformClient(b, sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.TraceIDRatioBased(0)))), 0)
	})
}

// compare makes the calls in turns, with a deadline if timeout is not 0.
func compare(b *testing.B, plain, platform profilev1.ProfileServiceClient, timeout time.Duration) {
	const turn = 1500
	spend := func(client profilev1.ProfileServiceClient) float64 {
		before := cpuTime()
		for range turn {
			ctx, cancel := b.Context(), context.CancelFunc(func() {})
			if timeout > 0 {
				ctx, cancel = context.WithTimeout(ctx, timeout)
			}
			_, err := client.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerA})
			cancel()
			if err != nil {
				b.Fatal(err)
			}
		}
		return float64(cpuTime()-before) / turn
	}
	spend(plain)
	spend(platform)
	var with, without []float64
	for b.Loop() {
		without, with = append(without, spend(plain)), append(with, spend(platform))
	}
	p, q := slices.Min(without), slices.Min(with) // the turns that the rest of the machine disturbed least
	b.ReportMetric(p, "plain-cpu-ns")
	b.ReportMetric(q, "platform-cpu-ns")
	b.ReportMetric(100*(q-p)/p, "added-%")
}
