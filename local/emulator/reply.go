package emulator

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"supergame/local/emulator/internal/engine"
)

// A headerSet collects the headers of an answer. Values stand in one array, so that making the map costs few allocations.
type headerSet struct {
	keys   [20]string
	values [20]string
	n      int
}

// set adds a header; key is canonical, the value not empty.
func (h *headerSet) set(key, value string) {
	for i := range h.n {
		if h.keys[i] == key {
			h.values[i] = value
			return
		}
	}
	h.keys[h.n], h.values[h.n] = key, value
	h.n++
}

func (h *headerSet) setInt(key string, value int64) { h.set(key, strconv.FormatInt(value, 10)) }

func (h *headerSet) reset() { h.n = 0 }

func (h *headerSet) get(key string) string {
	for i := range h.n {
		if h.keys[i] == key {
			return h.values[i]
		}
	}
	return ""
}

// addTo writes the headers into a map.
func (h *headerSet) addTo(m http.Header) {
	for i := range h.n {
		m[h.keys[i]] = h.values[i : i+1 : i+1]
	}
}

// finish adds the headers that every answer has.
func (c *call) finish(took time.Duration) {
	c.out.set(hDate, c.e.date.format(c.e.clock.Now()))
	c.out.set(hRequestCharge, formatCharge(c.charge))
	c.out.set(hActivityID, c.activityID())
	c.out.set(hGatewayVersion, "2.0.0")
	c.out.set(hRequestDuration, strconv.FormatFloat(float64(took.Microseconds())/1000, 'f', 3, 64))
	if len(c.reply) > 0 {
		c.out.set(hContentType, jsonType)
	}
	if c.e.log.Enabled(c.ctx, slog.LevelDebug) {
		c.e.log.DebugContext(c.ctx, "request", "method", c.method, "kind", c.route.kind, "link", c.route.link, "op", string(c.op),
			"status", c.status, "charge", c.charge)
	}
}

func formatCharge(ru float64) string { return strconv.FormatFloat(ru, 'f', 2, 64) }

// respond sets a success with a JSON body.
func (c *call) respond(status int, body []byte) error {
	c.status, c.reply = status, body
	return nil
}

// atPosition sets the headers that tell how far a range has come.
func (c *call) atPosition(p engine.Position) {
	if p.Range == "" {
		return
	}
	c.out.set(hSessionToken, p.Token().String())
	c.out.set(hLSN, strconv.FormatUint(p.LSN, 10))
}

func errorBody(r *refusal, activityID string) []byte {
	b, err := json.Marshal(struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}{r.code(), r.message + "\r\nActivityId: " + activityID + ", Microsoft.Azure.Documents.Common/2.14.0"})
	if err != nil { // two strings: cannot be
		return []byte(`{"code":"InternalServerError"}`)
	}
	return b
}

// feedBody writes the envelope of a list: {"_rid":…,"<name>":[…],"_count":n}. Items are JSON.
func feedBody(rid, name string, items [][]byte) []byte {
	size := len(rid) + len(name) + 64
	for _, item := range items {
		size += len(item) + 1
	}
	b := make([]byte, 0, size)
	b = openFeed(b, rid, name)
	for i, item := range items {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, item...)
	}
	return closeFeed(b, len(items))
}

func openFeed(b []byte, rid, name string) []byte {
	b = append(append(b, `{"_rid":"`...), rid...)
	return append(append(append(b, `","`...), name...), `":[`...)
}

func closeFeed(b []byte, n int) []byte {
	return append(strconv.AppendInt(append(b, `],"_count":`...), int64(n), 10), '}')
}

// dateCache keeps the Date header of the current second.
type dateCache struct{ last atomic.Pointer[datedText] }

type datedText struct {
	unix int64
	text string
}

func (d *dateCache) format(now time.Time) string {
	if last := d.last.Load(); last != nil && last.unix == now.Unix() {
		return last.text
	}
	text := now.UTC().Format(http.TimeFormat)
	d.last.Store(&datedText{now.Unix(), text})
	return text
}
