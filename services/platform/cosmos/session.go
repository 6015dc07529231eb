package cosmos

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"
	"sync"
)

// MaxSessionBytes bounds the wire form of a session: it travels in the metadata of every call.
const MaxSessionBytes = 2048

// Session holds the newest session token of every container and range that a caller wrote or read, so that his next read
// sees at least that much, whichever replica answers. It is safe for concurrent use; a nil Session remembers nothing.
type Session struct {
	mu      sync.Mutex
	entries []sessionEntry // the least recently seen first
	stale   bool
}

type sessionEntry struct {
	container, rangeID, token string
}

// SessionKey is the key of a context's *Session, for a context type that answers it itself.
type SessionKey struct{}

// WithSession returns a context whose calls read and write under s.
func WithSession(ctx context.Context, s *Session) context.Context {
	return context.WithValue(ctx, SessionKey{}, s)
}

// SessionFrom returns the context's session, or nil.
func SessionFrom(ctx context.Context) *Session {
	s, _ := ctx.Value(SessionKey{}).(*Session)
	return s
}

// ParseSession reads a session from its wire form, which a caller may have made up. Text that is not one gives an empty
// session and false: worth counting, never an error, because the worst that follows is an eventual read.
func ParseSession(wire string) (*Session, bool) {
	s := &Session{}
	return s, s.Merge(wire)
}

// Merge takes in the wire form of another session, as a called service returns it. It reports false, and changes nothing,
// when the text is not a session.
func (s *Session) Merge(wire string) bool {
	entries, ok := decodeSession(wire)
	if !ok || s == nil {
		return ok
	}
	s.put(entries)
	return true
}

// Encode returns the wire form: opaque, printable, at most [MaxSessionBytes], the oldest entries dropped. An empty session
// is the empty string.
func (s *Session) Encode() string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return encodeSession(s.entries)
}

// Stale reports whether a read had to be answered without the session's token, so that it may be older than what the
// caller has seen.
func (s *Session) Stale() bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stale
}

// MarkStale notes that a read had to be answered without the session's token, here or by a service that was called.
func (s *Session) MarkStale() {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stale = true
}

// header returns what to send for a container: the tokens of all its ranges, "" when there are none.
func (s *Session) header(container string) string {
	if s == nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	header := ""
	for _, e := range s.entries {
		if e.container != container {
			continue
		}
		if header != "" {
			header += ","
		}
		header += e.rangeID + ":" + e.token
	}
	return header
}

// take removes and returns the entries of a container.
func (s *Session) take(container string) []sessionEntry {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	var taken []sessionEntry
	s.entries = slices.DeleteFunc(s.entries, func(e sessionEntry) bool {
		if e.container == container {
			taken = append(taken, e)
		}
		return e.container == container
	})
	return taken
}

// put takes entries back in.
func (s *Session) put(entries []sessionEntry) {
	if s == nil {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range entries {
		s.observe(e)
	}
}

// learn takes in the header of an answer: one or more "range:token", separated by commas. What is not a token is left out.
func (s *Session) learn(container, header string) {
	if s == nil || header == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for header != "" {
		var part string
		part, header, _ = strings.Cut(header, ",")
		rangeID, token, _ := strings.Cut(strings.TrimSpace(part), ":")
		if e := (sessionEntry{container, rangeID, token}); e.valid() {
			s.observe(e)
		}
	}
}

// maxSessionEntries keeps a long-lived session from growing; the wire form holds fewer.
const maxSessionEntries = 64

// observe makes e the most recently seen entry, with the newer of its token and the known one.
func (s *Session) observe(e sessionEntry) {
	for i, known := range s.entries {
		if known.container == e.container && known.rangeID == e.rangeID {
			if known.token != e.token {
				e.token = newerToken(known.token, e.token)
			}
			if i == len(s.entries)-1 {
				s.entries[i] = e
				return
			}
			s.entries = append(slices.Delete(s.entries, i, i+1), e)
			return
		}
	}
	if len(s.entries) >= maxSessionEntries {
		s.entries = slices.Delete(s.entries, 0, 1)
	}
	s.entries = append(s.entries, e)
}

// valid keeps out whatever could not be sent as a header or is not a token at all.
func (e sessionEntry) valid() bool {
	return validPart(e.container, 255, isNameByte) && validPart(e.rangeID, 64, isNameByte) && validPart(e.token, 1024, isTokenByte)
}

func validPart(s string, limit int, allowed func(byte) bool) bool {
	if s == "" || len(s) > limit {
		return false
	}
	for i := range len(s) {
		if !allowed(s[i]) {
			return false
		}
	}
	return true
}

func isNameByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_' || c == '.'
}

func isTokenByte(c byte) bool {
	return c >= '0' && c <= '9' || c == '#' || c == '=' || c == '-'
}

// sessionFormat is the first byte of the wire form.
const sessionFormat = 1

// encodeSession writes a format byte and, the newest entry first, three strings with their lengths; base64url around it.
func encodeSession(entries []sessionEntry) string {
	if len(entries) == 0 {
		return ""
	}
	limit := base64.RawURLEncoding.DecodedLen(MaxSessionBytes)
	raw := make([]byte, 1, 256)
	raw[0] = sessionFormat
	for _, e := range slices.Backward(entries) {
		if len(raw)+len(e.container)+len(e.rangeID)+len(e.token)+6 > limit {
			break
		}
		for _, part := range [...]string{e.container, e.rangeID, e.token} {
			raw = binary.AppendUvarint(raw, uint64(len(part)))
			raw = append(raw, part...)
		}
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// decodeSession returns the entries of a wire form, the oldest first.
func decodeSession(wire string) ([]sessionEntry, bool) {
	if wire == "" {
		return nil, true
	}
	if len(wire) > MaxSessionBytes {
		return nil, false
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(wire)
	if err != nil || len(raw) == 0 || raw[0] != sessionFormat {
		return nil, false
	}
	var entries []sessionEntry
	for raw = raw[1:]; len(raw) > 0; {
		var parts [3]string
		for i := range parts {
			size, n := binary.Uvarint(raw)
			if n <= 0 || size > uint64(len(raw)-n) {
				return nil, false
			}
			parts[i] = string(raw[n : n+int(size)])
			raw = raw[n+int(size):]
		}
		e := sessionEntry{parts[0], parts[1], parts[2]}
		if !e.valid() || len(entries) == maxSessionEntries {
			return nil, false
		}
		entries = append(entries, e)
	}
	slices.Reverse(entries)
	return entries, true
}
