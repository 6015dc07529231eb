package emulator

import (
	"net/http"
	"net/url"
	"strings"
)

// A route is what a path addresses: names are unescaped, kind is the resource type as it is signed ("docs", "colls", ...).
type route struct {
	kind      string // "", "dbs", "colls", "docs", "pkranges", "offers"
	link      string // what is signed: the resource's own link, or for a feed its parent's
	feed      bool   // the path ends with a type, not with a name
	database  string
	container string
	id        string // of a document or offer
	unknown   bool   // a type that is not served
}

// parseRoute takes the escaped path apart. A compute gateway unescapes a name once. The ordinary gateway sits behind a web server
// which unescapes twice, folds back slashes, cuts at a hash and trims blanks: a name that this changes addresses something else
// than what the client signed, so mangled is true; control characters are refused there.
func parseRoute(escaped string, compute bool) (r route, mangled bool, err *refusal) {
	path := strings.Trim(escaped, "/")
	if path == "" {
		return route{feed: true}, false, nil
	}
	var buf [8]string
	segs := buf[:0]
	for seg := range strings.SplitSeq(path, "/") {
		name := seg
		if strings.IndexByte(seg, '%') >= 0 {
			var unescapeErr error
			if name, unescapeErr = url.PathUnescape(seg); unescapeErr != nil {
				return route{}, false, badRequest("Bad Request - Invalid URL: %s", seg)
			}
		}
		if !compute {
			if strings.IndexFunc(name, isControl) >= 0 {
				return route{}, false, badRequest("Bad Request - Invalid URL: it contains a control character")
			}
			mangled = mangled || isMangled(name)
		}
		segs = append(segs, name)
	}
	if len(segs) > 6 {
		return route{}, false, notFound()
	}
	return assemble(segs), mangled, nil
}

func assemble(segs []string) route {
	r := route{feed: len(segs)%2 == 1}
	named := len(segs)
	if r.feed {
		named--
		r.kind = segs[named]
	} else {
		r.kind = segs[named-2]
	}
	r.link = strings.Join(segs[:named], "/")
	for i := 0; i+1 < len(segs); i += 2 {
		switch {
		case i == 0 && segs[0] == "dbs":
			r.database = segs[1]
		case i == 2 && segs[2] == "colls":
			r.container = segs[3]
		default:
			r.id = segs[i+1]
		}
	}
	if r.kind == "offers" {
		r.link = strings.ToLower(r.id)
	}
	r.unknown = !known(segs)
	return r
}

// known says whether the types of the path stand where they belong.
func known(segs []string) bool {
	if segs[0] == "offers" {
		return len(segs) <= 2
	}
	return segs[0] == "dbs" && (len(segs) < 3 || segs[2] == "colls") &&
		(len(segs) < 5 || segs[4] == "docs" || segs[4] == "pkranges" && len(segs) == 5)
}

func isControl(r rune) bool { return r < 0x20 || r == 0x7f }

func isMangled(name string) bool {
	if name == "" {
		return true
	}
	if last := name[len(name)-1]; last == ' ' {
		return true
	}
	if strings.ContainsAny(name, `/\#`) {
		return true
	}
	if i := strings.IndexByte(name, '%'); i >= 0 {
		again, err := url.PathUnescape(name)
		return err == nil && again != name
	}
	return false
}

// operation names what a request to a route is, for faults and charges.
func operation(method string, r route, h http.Header) Op {
	switch r.kind {
	case "":
		return OpAccount
	case "pkranges":
		return OpPKRanges
	case "docs":
		return itemOperation(method, r.feed, h)
	}
	return OpMetadata
}

func itemOperation(method string, feed bool, h http.Header) Op {
	switch {
	case feed && method == http.MethodGet && isIncremental(h):
		return OpFeed
	case feed && method == http.MethodGet, isQuery(h):
		return OpQuery
	case feed && flag(h, hIsBatch):
		return OpBatch
	case feed && flag(h, hIsUpsert):
		return OpUpsert
	case feed:
		return OpCreate
	}
	switch method {
	case http.MethodPut:
		return OpReplace
	case http.MethodPatch:
		return OpPatch
	case http.MethodDelete:
		return OpDelete
	}
	return OpRead
}

func isWrite(op Op) bool {
	switch op {
	case OpCreate, OpReplace, OpUpsert, OpDelete, OpPatch, OpBatch:
		return true
	}
	return false
}

func isQuery(h http.Header) bool { return flag(h, hQuery) || flag(h, hIsQuery) }

func isIncremental(h http.Header) bool {
	v := first(h, hAIM)
	return strings.EqualFold(v, "Incremental Feed") || strings.EqualFold(v, "Incremental feed")
}

// first is h.Get for a key that is canonical already.
func first(h http.Header, key string) string {
	if v := h[key]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func flag(h http.Header, key string) bool {
	v := first(h, key)
	return v != "" && strings.EqualFold(v, "true")
}
