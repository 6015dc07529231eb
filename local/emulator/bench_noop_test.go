package emulator_test

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// replay answers each kind of request with what a real handler answered first.
type replay struct {
	handler http.Handler
	seen    sync.Map // kind -> *answered
}

type answered struct {
	status int
	header http.Header
	body   bytes.Buffer
}

func (a *answered) Header() http.Header         { return a.header }
func (a *answered) WriteHeader(status int)      { a.status = status }
func (a *answered) Write(p []byte) (int, error) { return a.body.Write(p) }

func (r *replay) answer(req *http.Request) *answered {
	kind := req.Method + req.Header.Get("x-ms-cosmos-is-batch-request") + req.Header.Get("If-None-Match")
	if !strings.Contains(req.URL.Path, "/docs/") {
		kind += req.URL.Path
	}
	if found, ok := r.seen.Load(kind); ok {
		if req.Body != nil {
			_, _ = io.Copy(io.Discard, req.Body)
		}
		return found.(*answered)
	}
	a := &answered{status: http.StatusOK, header: http.Header{}}
	r.handler.ServeHTTP(a, req)
	if a.status < 300 || a.status == http.StatusNotModified {
		r.seen.Store(kind, a)
	}
	return a
}

func (r *replay) Do(req *http.Request) (*http.Response, error) {
	a := r.answer(req)
	return &http.Response{
		StatusCode: a.status, Status: strconv.Itoa(a.status), Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: a.header.Clone(),
		Body: io.NopCloser(bytes.NewReader(a.body.Bytes())), ContentLength: int64(a.body.Len()), Request: req,
	}, nil
}

func (r *replay) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if req.URL.Path == "/" {
		r.handler.ServeHTTP(w, req) // names the endpoint that was asked
		return
	}
	a := r.answer(req)
	for name, values := range a.header {
		w.Header()[name] = values
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body.Bytes())
}

func serveReplay(b *testing.B, handler http.Handler) string {
	b.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := &http.Server{Handler: &replay{handler: handler}}
	go func() { _ = server.Serve(listener) }()
	b.Cleanup(func() { _ = server.Close() })
	return listener.Addr().String()
}
