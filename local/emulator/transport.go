package emulator

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Do answers a request in process: it is the Transporter of an azcore pipeline. The context of the request is honored during
// latency and before a write; a dropped connection is an error of the kind that net/http reports.
func (e *Emulator) Do(req *http.Request) (*http.Response, error) {
	if strings.HasPrefix(req.URL.Path, adminPrefix) {
		return e.doAdmin(req)
	}
	body, err := readBody(req)
	if err != nil {
		return nil, err
	}
	c := e.newCall(req.Context(), req, body)
	c.base = req.URL.Scheme + "://" + req.URL.Host + "/"
	if err := c.serve(req.URL.EscapedPath()); err != nil {
		return nil, err
	}
	header := make(http.Header, c.out.n)
	c.out.addTo(header)
	return &http.Response{
		Status:     statusLine(c.status),
		StatusCode: c.status,
		Proto:      "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        header,
		Body:          newBody(c.reply),
		ContentLength: int64(len(c.reply)),
		Request:       req,
	}, nil
}

func (e *Emulator) newCall(ctx context.Context, req *http.Request, body []byte) *call {
	return &call{e: e, ctx: ctx, method: req.Method, header: req.Header, body: body}
}

// Handler serves the account over HTTP, for a server of the caller's own.
func (e *Emulator) Handler() http.Handler { return &handler{e: e} }

// ComputeHandler serves the account as the compute gateway does, which passes on names that the ordinary gateway changes.
func (e *Emulator) ComputeHandler() http.Handler { return &handler{e: e, compute: true} }

type handler struct {
	e       *Emulator
	compute bool
}

func (h *handler) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	if strings.HasPrefix(req.URL.Path, adminPrefix) {
		h.e.admin().ServeHTTP(w, req)
		return
	}
	body, err := readBody(req)
	if err != nil {
		http.Error(w, "cannot read the body: "+err.Error(), http.StatusBadRequest)
		return
	}
	c := h.e.newCall(req.Context(), req, body)
	c.compute = h.compute
	c.base = "http://" + req.Host + "/"
	if req.TLS != nil {
		c.base = "https://" + req.Host + "/"
	}
	if err := c.serve(req.URL.EscapedPath()); err != nil {
		panic(http.ErrAbortHandler) // closes the connection without an answer
	}
	header := w.Header()
	c.out.addTo(header)
	if c.status != http.StatusNoContent && c.status != http.StatusNotModified {
		header["Content-Length"] = []string{strconv.Itoa(len(c.reply))}
	}
	w.WriteHeader(c.status)
	_, _ = w.Write(c.reply)
}

// readBody reads at most a byte more than is allowed, which call then refuses.
func readBody(req *http.Request) ([]byte, error) {
	if req.Body == nil || req.Body == http.NoBody {
		return nil, nil
	}
	defer func() { _ = req.Body.Close() }()
	if n := req.ContentLength; n > 0 && n <= maxBody {
		b := make([]byte, n)
		_, err := io.ReadFull(req.Body, b)
		return b, err
	}
	return io.ReadAll(io.LimitReader(req.Body, maxBody+1))
}

func statusLine(status int) string {
	switch status {
	case http.StatusOK:
		return "200 OK"
	case http.StatusCreated:
		return "201 Created"
	case 449:
		return "449 Retry With"
	}
	return strconv.Itoa(status) + " " + http.StatusText(status)
}

type memoryBody struct{ bytes.Reader }

func (*memoryBody) Close() error { return nil }

func newBody(b []byte) io.ReadCloser {
	if len(b) == 0 {
		return http.NoBody
	}
	body := &memoryBody{}
	body.Reset(b)
	return body
}
