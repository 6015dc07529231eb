package engine

import (
	"slices"
	"strconv"
	"strings"
)

// Token is one session token: a range and the LSN a session has seen of it, "0:-1#12" on the wire.
type Token struct {
	Range   string
	Version int64 // -1 in the plain form
	LSN     uint64
}

// Position is a range and how far it has come.
type Position struct {
	Range string // id of the physical range
	LSN   uint64 // last committed LSN of the range in the view that was read
}

// Token is the session token of a position.
func (p Position) Token() Token { return Token{Range: p.Range, Version: -1, LSN: p.LSN} }

// String writes the token as "0:-1#12".
func (t Token) String() string {
	var buf [48]byte
	dst := append(append(buf[:0], t.Range...), ':')
	dst = append(strconv.AppendInt(dst, t.Version, 10), '#')
	return string(strconv.AppendUint(dst, t.LSN, 10))
}

// ParseTokens reads a session token header: tokens separated by commas, each "range:version#lsn" with optional further
// "#region=lsn" parts, which are dropped. 400 when malformed.
func ParseTokens(s string) ([]Token, error) {
	if s = strings.TrimSpace(s); s == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	out := make([]Token, 0, len(parts))
	for _, text := range parts {
		t, ok := parseToken(strings.TrimSpace(text))
		if !ok {
			return nil, badRequest("The session token %q is invalid.", text)
		}
		out = append(out, t)
	}
	return out, nil
}

func parseToken(s string) (Token, bool) {
	id, rest, ok := strings.Cut(s, ":")
	if _, err := strconv.ParseUint(id, 10, 16); !ok || err != nil {
		return Token{}, false
	}
	version, rest, ok := strings.Cut(rest, "#")
	if !ok {
		return Token{}, false
	}
	v, err := strconv.ParseInt(version, 10, 64)
	if err != nil {
		return Token{}, false
	}
	lsn, regions, more := strings.Cut(rest, "#")
	n, err := strconv.ParseUint(lsn, 10, 64)
	if err != nil || more && !validRegions(regions) {
		return Token{}, false
	}
	return Token{Range: id, Version: v, LSN: n}, true
}

func validRegions(s string) bool {
	for _, r := range strings.Split(s, "#") {
		region, lsn, ok := strings.Cut(r, "=")
		if _, err := strconv.ParseUint(region, 10, 64); !ok || err != nil {
			return false
		}
		if _, err := strconv.ParseInt(lsn, 10, 64); err != nil {
			return false
		}
	}
	return true
}

// checkSession refuses with 404/1002 when a token of the part, or of one it came from, is ahead of lsn, or of a range that is not
// there yet. Tokens of other ranges say nothing about this one.
func (c *Container) checkSession(p *part, lsn uint64, tokens []Token) error {
	for i := range tokens {
		t := &tokens[i]
		num, err := strconv.ParseUint(t.Range, 10, 16)
		if err != nil {
			return badRequest("The session token %q is invalid.", t)
		}
		if uint16(num) >= c.parts.Load().next || p.descends(uint16(num)) && t.LSN > lsn {
			return errSession()
		}
	}
	return nil
}

// descends tells whether the part is, or came from, the numbered one.
func (p *part) descends(num uint16) bool {
	return p.num == num || slices.ContainsFunc(p.lineage, func(s segment) bool { return s.part == num })
}
