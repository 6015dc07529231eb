package cosmos

import (
	"net/http"
	"strings"
	"time"
)

// SessionsOfTheFuture gives the wire forms of sessions that claim to have seen more than s.
func SessionsOfTheFuture(s *Session) []string {
	var wires []string
	for _, e := range s.entries {
		future := e
		v, _ := parseVector(e.token)
		v.global += 1_000_000
		for i := range v.regions {
			v.regions[i].lsn += 1_000_000
		}
		future.token = v.String()
		garbage := e
		garbage.token = strings.Repeat("9", 18)
		wires = append(wires, encodeSession([]sessionEntry{future}), encodeSession([]sessionEntry{garbage}))
	}
	return wires
}

// LearnForTest takes in what an answer of the service carries.
func LearnForTest(s *Session, container, header string) { s.learn(container, header) }

// DifferenceOf is the difference that one answer shows.
func DifferenceOf(header http.Header, sent, answered time.Time) time.Duration {
	c := &clock{}
	c.saw(header, sent, answered)
	return c.difference()
}
