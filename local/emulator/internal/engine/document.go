package engine

import (
	"encoding/json"
	"math"
	"strconv"
	"strings"
	"sync"

	"supergame/local/emulator/internal/epk"
)

// Limits of the service.
const (
	maxItemBytes = 2 << 20
	maxIDBytes   = 1023
	maxOps       = 100
)

// document is a body on its way into the store.
type document struct {
	id     string
	user   []byte // the object without its closing brace and without system properties
	ttl    int64  // 0 = it has none
	unique []uniqueSum
}

var memberPool = sync.Pool{New: func() any { s := make([]member, 0, 32); return &s }}

// prepare checks a body and takes from it what the store needs. key, when not nil, must be the body's partition key.
func (c *Container) prepare(body []byte, key epk.Key) (document, error) {
	var d document
	if len(body) > maxItemBytes {
		return d, refuse(StatusTooLarge, 0, "Request size is too large")
	}
	pooled := memberPool.Get().(*[]member)
	ms, err := members((*pooled)[:0], body)
	*pooled = ms
	defer func() {
		clear(ms) // the pool must not hold on to the body
		memberPool.Put(pooled)
	}()
	if err != nil {
		return d, badRequest("%s", err)
	}
	info := c.info.Load()
	if d.id, err = documentID(ms); err != nil {
		return d, err
	}
	if err := matchKey(&info.Properties.Key, ms, key); err != nil {
		return d, err
	}
	if d.ttl, err = documentTTL(ms, info.Properties.DefaultTTL != 0); err != nil {
		return d, err
	}
	d.unique = uniqueSums(info.Properties.UniqueKeys, ms)
	d.user = userPart(body, ms)
	return d, nil
}

func documentID(ms []member) (string, error) {
	raw := find(ms, "id")
	if len(raw) == 0 || raw[0] != '"' {
		return "", badRequest("The input content is invalid because the required properties - 'id; ' - are missing")
	}
	id, err := text(raw)
	if err != nil {
		return "", badRequest("the property id is not a valid string")
	}
	return id, checkID(id)
}

// text is the value of a JSON string.
func text(raw []byte) (string, error) {
	plain := raw[1 : len(raw)-1]
	for _, c := range plain {
		if c == '\\' {
			var s string
			err := json.Unmarshal(raw, &s)
			return s, err
		}
	}
	return string(plain), nil
}

func checkID(id string) error {
	switch {
	case id == "":
		return badRequest("the id is empty")
	case len(id) > maxIDBytes:
		return badRequest("the id is longer than %d bytes", maxIDBytes)
	}
	return nil
}

// checkName is for databases and containers. Items may have the characters it refuses: the service takes them, although its
// ordinary gateway then cannot address the item (TestItemIdEncodingRoutingGW of the SDK).
func checkName(id string) error {
	if strings.ContainsAny(id, `/\?#`) {
		return badRequest(`the id has one of the characters / \ ? #`)
	}
	return checkID(id)
}

// matchKey refuses a body whose key properties are not what the request says.
func matchKey(d *epk.Definition, ms []member, key epk.Key) error {
	for i, path := range d.Paths {
		c, err := epk.Value(lookup(ms, path))
		if err != nil {
			return badRequest("%s", err)
		}
		var want epk.Component
		if i < len(key) {
			want = key[i]
		}
		if !(epk.Key{c}).Equal(epk.Key{want}) {
			return refuse(StatusBadRequest, SubPartitionKeyWrong,
				"PartitionKey extracted from document doesn't match the one specified in the header")
		}
	}
	return nil
}

// documentTTL is the document's own time to live; a wrong one matters only where TTL is switched on.
func documentTTL(ms []member, on bool) (int64, error) {
	raw := find(ms, "ttl")
	if raw == nil {
		return 0, nil
	}
	n, err := strconv.ParseInt(string(raw), 10, 64)
	if err == nil && (n == -1 || n > 0 && n <= math.MaxInt32) {
		return n, nil
	}
	if on {
		return 0, badRequest("The input ttl '%s' is invalid. Ensure to provide a nonzero positive integer less than or equal to '2147483647', or '-1' which means never expire.", raw)
	}
	return 0, nil
}

func isSystem(key []byte) bool {
	switch string(key) {
	case "_rid", "_self", "_etag", "_ts", "_attachments", "_lsn":
		return true
	}
	return false
}

// userPart is the body without system properties and closing brace; it shares the body's memory when there is nothing to drop.
func userPart(body []byte, ms []member) []byte {
	system := 0
	for i := range ms {
		if isSystem(ms[i].key) {
			system++
		}
	}
	if system == 0 {
		return body[space(body, 0):ms[len(ms)-1].end]
	}
	out := append(make([]byte, 0, len(body)), '{')
	for i := range ms {
		if isSystem(ms[i].key) {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		out = append(out, body[ms[i].start:ms[i].end]...)
	}
	return out
}

// KeyOf extracts the partition key of a document: 400 when body is not a JSON object, or a key property is an object or array.
// A missing property is epk.Undefined.
func (c *Container) KeyOf(body []byte) (epk.Key, error) {
	ms, err := members(nil, body)
	if err != nil {
		return nil, badRequest("%s", err)
	}
	paths := c.info.Load().Properties.Key.Paths
	key := make(epk.Key, len(paths))
	for i, path := range paths {
		if key[i], err = epk.Value(lookup(ms, path)); err != nil {
			return nil, badRequest("%s", err)
		}
	}
	return key, nil
}
