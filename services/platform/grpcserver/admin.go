package grpcserver

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"time"
)

// adminHandler serves /healthz, /readyz, /readyz/<service>, /metrics and what services add.
func (s *Server) adminHandler() (handler http.Handler, err error) {
	defer func() {
		if conflict := recover(); conflict != nil { // how ServeMux reports two equal patterns
			err = fmt.Errorf("grpcserver: admin handlers: %v", conflict)
		}
	}()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, nil) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		errs := []error{s.ready()}
		for _, service := range s.services {
			errs = append(errs, service.Ready())
		}
		answer(w, errors.Join(errs...))
	})
	for _, service := range s.services {
		mux.HandleFunc("GET /readyz/"+service.Name(), func(w http.ResponseWriter, _ *http.Request) {
			answer(w, s.serviceReady(service))
		})
		if more, ok := service.Service.(AdminHandler); ok {
			for pattern, handler := range more.AdminHandlers() {
				mux.Handle(pattern, handler)
			}
		}
	}
	if s.deps.Prometheus != nil {
		mux.Handle("GET /metrics", s.deps.Prometheus)
	}
	return mux, nil
}

// Limits of an admin request: nobody who is slow may keep a connection or memory.
const (
	adminHeaderTimeout = 5 * time.Second
	adminReadTimeout   = 10 * time.Second
	adminWriteTimeout  = 30 * time.Second
	adminIdleTimeout   = 2 * time.Minute
)

func (s *Server) adminServer() *http.Server {
	return &http.Server{
		Handler: s.admin, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.deps.Logger.Handler(), slog.LevelWarn),
		ReadHeaderTimeout: adminHeaderTimeout, ReadTimeout: adminReadTimeout, WriteTimeout: adminWriteTimeout, IdleTimeout: adminIdleTimeout,
	}
}

// answer says "ok", or 503 and what is missing, one reason a line.
func answer(w http.ResponseWriter, err error) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	text := "ok"
	if err != nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		text = err.Error()
	}
	_, _ = io.WriteString(w, text+"\n") // the prober may have gone
}
