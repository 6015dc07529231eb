package grpcserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/reflection"
)

// Limits of a connection and of what travels on it.
const (
	maxMessageBytes   = 4 << 20
	maxHeaderBytes    = 16 << 10
	maxStreamsPerConn = 1000
	streamWindow      = 256 << 10        // fixed windows spare the pings that estimate them
	connWindow        = 1 << 20          //
	pingAfter         = time.Minute      // of silence, to find dead peers
	pingTimeout       = 20 * time.Second // for its answer
	pingsNoOftener    = 10 * time.Second // that a client may send
)

// Server hosts services behind one chain. Make it with [New]; it serves once.
type Server struct {
	config   Config
	deps     Deps
	services []hosted
	grpc     *grpc.Server
	health   *health.Server
	admin    http.Handler
	chain    *chain
	stopping atomic.Bool
}

// hosted is a service and the full names of its gRPC services.
type hosted struct {
	Service
	grpcNames []string
}

// New builds a server and registers its services. It fails when two services have one name, or when a rule in a proto
// cannot be compiled.
func New(cfg Config, deps Deps, services ...Service) (*Server, error) {
	if deps.Verifier == nil {
		return nil, errors.New("grpcserver: Deps.Verifier is nil")
	}
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	s := &Server{config: cfg.withDefaults(), deps: deps.withDefaults(), health: health.NewServer()}
	var err error
	if s.chain, err = newChain(s.config, s.deps); err != nil {
		return nil, err
	}
	s.grpc = grpc.NewServer(s.options()...)
	if err := s.register(services); err != nil {
		return nil, err
	}
	if s.admin, err = s.adminHandler(); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) options() []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newEnvelopeCodec()),
		grpc.InTapHandle(tapHeaders),
		grpc.UnaryInterceptor(s.chain.unary),
		grpc.StreamInterceptor(s.chain.stream),
		// What is not registered takes the same way, and its method has no rule.
		grpc.UnknownServiceHandler(func(any, grpc.ServerStream) error { return errNoRule }),
		grpc.MaxRecvMsgSize(maxMessageBytes),
		grpc.MaxSendMsgSize(maxMessageBytes),
		grpc.MaxHeaderListSize(maxHeaderBytes),
		grpc.MaxConcurrentStreams(maxStreamsPerConn),
		grpc.InitialWindowSize(streamWindow),
		grpc.InitialConnWindowSize(connWindow),
		grpc.NumStreamWorkers(uint32(runtime.GOMAXPROCS(0))),
		grpc.KeepaliveParams(keepalive.ServerParameters{
			MaxConnectionAge: s.config.ConnectionAge, MaxConnectionAgeGrace: s.config.ConnectionAgeGrace, Time: pingAfter, Timeout: pingTimeout,
		}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingsNoOftener, PermitWithoutStream: true}),
	}
}

// register lets every service add itself, then reads the rules of all methods.
func (s *Server) register(services []Service) error {
	names := map[string]bool{}
	for _, service := range services {
		if names[service.Name()] {
			return fmt.Errorf("grpcserver: two services are called %q", service.Name())
		}
		names[service.Name()] = true
		r := &registrar{server: s.grpc, methods: s.chain.methods}
		service.Register(r)
		if r.err != nil {
			return fmt.Errorf("grpcserver: registering %s: %w", service.Name(), r.err)
		}
		s.services = append(s.services, hosted{service, r.names})
	}
	r := &registrar{server: s.grpc, methods: s.chain.methods}
	healthpb.RegisterHealthServer(r, s.health)
	reflection.Register(r)
	if r.err != nil {
		return fmt.Errorf("grpcserver: %w", r.err)
	}
	return s.chain.prepare()
}

// MethodsWithoutRule lists registered methods ("/package.Service/Method") whose proto declares no access rule, sorted. They are
// refused to everybody; a test should want the list empty.
func (s *Server) MethodsWithoutRule() []string { return s.chain.methodsWithoutRule() }

// ready returns why the server as a whole cannot take calls, or nil.
func (s *Server) ready() error {
	if s.stopping.Load() {
		return errors.New("the server is stopping")
	}
	if err := s.deps.Verifier.Ready(); err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	return nil
}

// serviceReady returns why one service cannot take calls, or nil.
func (s *Server) serviceReady(service hosted) error {
	if err := s.ready(); err != nil {
		return err
	}
	if err := service.Ready(); err != nil {
		return fmt.Errorf("%s: %w", service.Name(), err)
	}
	return nil
}

const healthPeriod = 250 * time.Millisecond

// followReadiness keeps gRPC health up to date: by full service name, and "" for the whole server.
func (s *Server) followReadiness(ctx context.Context) error {
	ticker := time.NewTicker(healthPeriod)
	defer ticker.Stop()
	for {
		all := s.ready()
		for _, service := range s.services {
			err := s.serviceReady(service)
			all = errors.Join(all, err)
			for _, name := range service.grpcNames {
				s.health.SetServingStatus(name, statusOf(err))
			}
		}
		s.health.SetServingStatus("", statusOf(all))
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

func statusOf(err error) healthpb.HealthCheckResponse_ServingStatus {
	if err != nil {
		return healthpb.HealthCheckResponse_NOT_SERVING
	}
	return healthpb.HealthCheckResponse_SERVING
}
