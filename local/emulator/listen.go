package emulator

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Listen serves HTTP/1.1 on addr (host:port; port 0 picks one) until Close, and gives the address it got.
func (e *Emulator) Listen(addr string) (net.Addr, error) {
	return e.servers.listen(e, addr, e.Handler(), false)
}

// ListenTLS serves HTTPS (HTTP/1.1 and HTTP/2) on addr with the emulator's certificate, until Close.
func (e *Emulator) ListenTLS(addr string) (net.Addr, error) {
	return e.servers.listen(e, addr, e.Handler(), true)
}

// ListenCompute serves HTTPS as the compute gateway does.
func (e *Emulator) ListenCompute(addr string) (net.Addr, error) {
	return e.servers.listen(e, addr, e.ComputeHandler(), true)
}

// CACertificate is the PEM of the authority that signed the certificate of ListenTLS, for a client to trust.
func (e *Emulator) CACertificate() ([]byte, error) {
	cert, err := e.servers.certificate()
	if err != nil {
		return nil, err
	}
	return cert.ca, nil
}

// Drain stops accepting connections and waits for the requests in progress, at most until ctx ends.
func (e *Emulator) Drain(ctx context.Context) error { return e.servers.shutdown(ctx) }

// servers are the listeners of an emulator.
type servers struct {
	mu    sync.Mutex
	list  []*http.Server
	https string
	http  string
	cert  func() (*certificate, error)
}

func (s *servers) certificate() (*certificate, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.cert == nil {
		s.cert = sync.OnceValues(makeCertificate)
	}
	return s.cert()
}

func (s *servers) listen(e *Emulator, addr string, h http.Handler, secure bool) (net.Addr, error) {
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 5 * time.Minute,
		ErrorLog: slog.NewLogLogger(e.log.Handler(), slog.LevelDebug),
	}
	if secure {
		cert, err := s.certificate()
		if err != nil {
			return nil, err
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{cert.leaf}, MinVersion: tls.VersionTLS12}
	}
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp", addr)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.list = append(s.list, server)
	if secure && s.https == "" {
		s.https = "https://" + hostOf(addr, listener.Addr()) + "/"
	}
	if !secure && s.http == "" {
		s.http = "http://" + hostOf(addr, listener.Addr()) + "/"
	}
	s.mu.Unlock()
	go func() {
		var err error
		if secure {
			err = server.ServeTLS(listener, "", "")
		} else {
			err = server.Serve(listener)
		}
		if !errors.Is(err, http.ErrServerClosed) {
			e.log.Error("emulator listener ended", "addr", addr, "error", err)
		}
	}()
	return listener.Addr(), nil
}

// hostOf keeps the name that was asked for, which the certificate is made for, with the port that was got.
func hostOf(asked string, got net.Addr) string {
	host, _, err := net.SplitHostPort(asked)
	tcp, ok := got.(*net.TCPAddr)
	if err != nil || !ok {
		return got.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}

func (s *servers) endpoint() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.https != "" {
		return s.https
	}
	return s.http
}

func (s *servers) take() []*http.Server {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := s.list
	s.list = nil
	return list
}

func (s *servers) close() {
	for _, server := range s.take() {
		_ = server.Close()
	}
}

func (s *servers) shutdown(ctx context.Context) error {
	var errs []error
	for _, server := range s.take() {
		if err := server.Shutdown(ctx); err != nil {
			_ = server.Close()
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}
