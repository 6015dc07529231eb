package emulator

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strconv"
	"time"
)

// adminPrefix is where the emulator's own endpoints stand. They are not part of Cosmos DB and need no authorization:
//
//	GET, POST, DELETE /_emulator/faults           list, order (a Fault as JSON; durations as "200ms") or clear faults
//	DELETE            /_emulator/faults/{number}  remove the fault that a POST answered with
//	GET, POST         /_emulator/clock            {"now":…}; {"advance":"36h"}
//	POST              /_emulator/split            {"database":…,"container":…,"range":"0"}
//	GET, POST, DELETE /_emulator/roles            role assignments; DELETE takes {"principal":…,"deny":bool}
//	POST              /_emulator/staleness        {"lag":"500ms","probability":0.5}
const adminPrefix = "/_emulator/"

// admin serves the endpoints. No page in a browser has a reason to call them, and one from elsewhere must not: what a browser sends
// on behalf of a page (it has an Origin, or a Sec-Fetch-Site other than none) is answered with 403.
func (e *Emulator) admin() http.Handler {
	e.adminOnce.Do(func() {
		mux := http.NewServeMux()
		mux.HandleFunc("GET /_emulator/faults", e.listFaults)
		mux.HandleFunc("POST /_emulator/faults", e.postFault)
		mux.HandleFunc("DELETE /_emulator/faults", func(w http.ResponseWriter, _ *http.Request) { e.ClearFaults(); answer(w, nil) })
		mux.HandleFunc("DELETE /_emulator/faults/{number}", e.deleteFault)
		mux.HandleFunc("GET /_emulator/clock", e.readClock)
		mux.HandleFunc("POST /_emulator/clock", e.moveClock)
		mux.HandleFunc("POST /_emulator/split", e.postSplit)
		mux.HandleFunc("GET /_emulator/roles", func(w http.ResponseWriter, _ *http.Request) { answer(w, e.roles.list()) })
		mux.HandleFunc("POST /_emulator/roles", e.postRoles)
		mux.HandleFunc("DELETE /_emulator/roles", e.deleteRoles)
		mux.HandleFunc("POST /_emulator/staleness", e.postStaleness)
		e.adminMux = refusePages(mux)
	})
	return e.adminMux
}

func refusePages(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		site := req.Header.Get("Sec-Fetch-Site")
		if req.Header.Get("Origin") != "" || site != "" && site != "none" {
			http.Error(w, "these endpoints are not for web pages", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, req)
	})
}

// doAdmin serves the endpoints in process.
func (e *Emulator) doAdmin(req *http.Request) (*http.Response, error) {
	w := &recorder{header: http.Header{}, status: http.StatusOK}
	e.admin().ServeHTTP(w, req)
	return &http.Response{
		Status: statusLine(w.status), StatusCode: w.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: w.header,
		Body: newBody(w.body.Bytes()), ContentLength: int64(w.body.Len()), Request: req,
	}, nil
}

type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) WriteHeader(status int)      { r.status = status }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }

// span is a duration in JSON: "200ms".
type span time.Duration

func (s span) MarshalJSON() ([]byte, error) { return json.Marshal(time.Duration(s).String()) }

func (s *span) UnmarshalJSON(b []byte) error {
	var text string
	if err := json.Unmarshal(b, &text); err != nil {
		return err
	}
	d, err := time.ParseDuration(text)
	*s = span(d)
	return err
}

// faultJSON is a Fault as the endpoint reads and writes it.
type faultJSON struct {
	Number int `json:"number,omitempty"`
	Fault
	RetryAfter span `json:"retryAfter,omitempty"`
	Latency    span `json:"latency,omitempty"`
}

func (e *Emulator) listFaults(w http.ResponseWriter, _ *http.Request) {
	out := []faultJSON{}
	for number, f := range e.faults.numbered() {
		out = append(out, faultJSON{number, f, span(f.RetryAfter), span(f.Latency)})
	}
	answer(w, out)
}

func (e *Emulator) postFault(w http.ResponseWriter, req *http.Request) {
	var f faultJSON
	if !ask(w, req, &f) {
		return
	}
	f.Fault.RetryAfter, f.Fault.Latency = time.Duration(f.RetryAfter), time.Duration(f.Latency)
	f.Number = e.faults.add(f.Fault, e.opts.Seed).serial
	answer(w, f)
}

func (e *Emulator) deleteFault(w http.ResponseWriter, req *http.Request) {
	number, err := strconv.Atoi(req.PathValue("number"))
	if err != nil || !e.faults.removeNumber(number) {
		http.Error(w, "there is no such fault", http.StatusNotFound)
		return
	}
	answer(w, nil)
}

func (e *Emulator) readClock(w http.ResponseWriter, _ *http.Request) {
	answer(w, map[string]time.Time{"now": e.clock.Now()})
}

func (e *Emulator) moveClock(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Advance span `json:"advance"`
	}
	if !ask(w, req, &body) {
		return
	}
	if body.Advance < 0 {
		http.Error(w, "advance must not be negative", http.StatusBadRequest)
		return
	}
	e.clock.Advance(time.Duration(body.Advance))
	e.readClock(w, req)
}

func (e *Emulator) postSplit(w http.ResponseWriter, req *http.Request) {
	var body struct{ Database, Container, Range string }
	if !ask(w, req, &body) {
		return
	}
	children, err := e.Split(req.Context(), body.Database, body.Container, body.Range)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, map[string][2]string{"ranges": children})
}

func (e *Emulator) postRoles(w http.ResponseWriter, req *http.Request) {
	var list []RoleAssignment
	if !ask(w, req, &list) {
		return
	}
	if err := e.Assign(list...); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer(w, e.roles.list())
}

func (e *Emulator) deleteRoles(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Principal string
		Deny      bool
	}
	if !ask(w, req, &body) {
		return
	}
	e.Unassign(body.Principal, body.Deny)
	answer(w, e.roles.list())
}

func (e *Emulator) postStaleness(w http.ResponseWriter, req *http.Request) {
	var body struct {
		Lag         span
		Probability float64
	}
	if !ask(w, req, &body) {
		return
	}
	e.SetStaleness(Staleness{Lag: time.Duration(body.Lag), Probability: body.Probability})
	answer(w, nil)
}

// ask reads a JSON body; it answers 400 and gives false when there is none, or a property that is not known.
func ask(w http.ResponseWriter, req *http.Request, into any) bool {
	decoder := json.NewDecoder(io.LimitReader(req.Body, 1<<20))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		http.Error(w, "the body is not what is expected: "+err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func answer(w http.ResponseWriter, body any) {
	if body == nil {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	w.Header().Set("Content-Type", jsonType)
	_ = json.NewEncoder(w).Encode(body) // the client went away
}
