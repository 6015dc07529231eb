// Package grpcclient connects to services of the kit, from other services and from tools.
//
//	identity, err := grpcclient.Dial(cfg.IdentityEndpoint, grpcclient.Options{})
//	tokens := grpcclient.NewTokens(identity, grpcclient.ClientKey("leaderboard", cfg.ClientKey))
//	conn, err := grpcclient.Dial(cfg.ProfileEndpoint, grpcclient.Options{Tokens: tokens})
//	profiles := profilev1.NewProfileServiceClient(conn)
//
// A call takes what is left of the context's deadline (5 s without one), repeats UNAVAILABLE with the same request while there is
// time, carries the context's session there and back, adds what the callee spent to the context's meter, and returns faults.
package grpcclient

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// TokenSource gives the access token to send with a call; "" = none. [Tokens] is one.
type TokenSource interface {
	Token(ctx context.Context) (string, error)
}

// Options say how to connect. The zero value is fit for production, without a token.
type Options struct {
	Tokens  TokenSource                                 // nil = no token is sent
	Dialer  func(ctx context.Context) (net.Conn, error) // nil = TCP; grpcserver.Pipe.Dial inside one process
	CAFile  string                                      // PEM file of a further certificate authority for https
	Timeout time.Duration                               // of a unary call whose context has no deadline; 0 = 5 s
	Retries int                                         // after the first try of a unary call; 0 = 3, negative = none
	Tracer  trace.TracerProvider                        // nil = no spans; a trace context still travels on
}

// How connections are kept and made again.
const (
	defaultTimeout = 5 * time.Second
	defaultRetries = 3
	pingAfter      = time.Minute
	pingTimeout    = 20 * time.Second
	connectTimeout = 5 * time.Second
	streamWindow   = 256 << 10 // fixed windows spare the pings that estimate them
	connWindow     = 1 << 20
)

// Dial returns a connection to an endpoint: https://host[:port] (TLS) or http://host[:port] (plain HTTP/2). It connects with the first
// call. Close it in the end.
func Dial(endpoint string, opts Options) (*grpc.ClientConn, error) {
	target, creds, err := parseEndpoint(endpoint, opts.CAFile)
	if err != nil {
		return nil, err
	}
	c := newCaller(opts)
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(creds),
		grpc.WithUnaryInterceptor(c.unary),
		grpc.WithStreamInterceptor(c.stream),
		grpc.WithDisableServiceConfig(),
		grpc.WithInitialWindowSize(streamWindow),
		grpc.WithInitialConnWindowSize(connWindow),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingAfter, Timeout: pingTimeout}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 100 * time.Millisecond, Multiplier: 1.6, Jitter: .2, MaxDelay: 5 * time.Second},
			MinConnectTimeout: connectTimeout,
		}),
	}
	resolver := "dns:///" // said, so that no host passes for the name of a resolver
	if opts.Dialer != nil {
		resolver = "passthrough:///"
		options = append(options, grpc.WithContextDialer(func(ctx context.Context, _ string) (net.Conn, error) { return opts.Dialer(ctx) }))
	}
	conn, err := grpc.NewClient(resolver+url.PathEscape(target), options...)
	if err != nil {
		return nil, fmt.Errorf("connecting to %s: %w", endpoint, err)
	}
	return conn, nil
}

// parseEndpoint returns host:port and the credentials of the transport.
func parseEndpoint(endpoint, caFile string) (target string, creds credentials.TransportCredentials, err error) {
	parsed, err := url.Parse(endpoint)
	if strings.Contains(endpoint, "@") { // and is not shown
		return "", nil, errors.New("an endpoint holds a user or password, which is not https://host[:port] or http://host[:port]")
	}
	if err != nil || parsed.Hostname() == "" || parsed.Path != "" && parsed.Path != "/" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return "", nil, fmt.Errorf("endpoint %q is not https://host[:port] or http://host[:port]", endpoint)
	}
	port := parsed.Port()
	if _, err := strconv.ParseUint(port, 10, 16); port != "" && (err != nil || port == "0") {
		return "", nil, fmt.Errorf("endpoint %q has no port between 1 and 65535", endpoint)
	}
	switch parsed.Scheme {
	case "http":
		creds = insecure.NewCredentials()
		if port == "" {
			port = "80"
		}
	case "https":
		pool, err := certificates(caFile)
		if err != nil {
			return "", nil, err
		}
		creds = credentials.NewTLS(&tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12})
		if port == "" {
			port = "443"
		}
	default:
		return "", nil, fmt.Errorf("endpoint %q begins with neither https:// nor http://", endpoint)
	}
	return net.JoinHostPort(parsed.Hostname(), port), creds, nil
}

// certificates returns the system's authorities and one more; nil, which means the system's, without a file.
func certificates(caFile string) (*x509.CertPool, error) {
	if caFile == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(caFile)
	if err != nil {
		return nil, fmt.Errorf("reading certificate authorities: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("reading certificate authorities: no certificate in %s", caFile)
	}
	return pool, nil
}
