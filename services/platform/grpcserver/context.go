package grpcserver

import (
	"context"
	"math/rand/v2"
	"strconv"

	"supergame/services/platform/auth"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/telemetry"
)

// callContext is a context that knows the call it belongs to. It stands for four of context.WithValue, which would be four allocations,
// and four steps for every look at what lies below them. It is part of the call, so it needs no allocation of its own.
type callContext struct {
	context.Context
	call *call
}

// Value answers for cosmos.MeterFrom and SessionFrom, auth.CallerFrom and telemetry.RequestID.
func (c *callContext) Value(key any) any {
	switch key.(type) {
	case cosmos.MeterKey:
		return &c.call.meter
	case cosmos.SessionKey:
		return &c.call.session
	case auth.CallerKey:
		return c.call.caller
	case telemetry.RequestIDKey:
		return c.call.requestID.String()
	}
	return c.Context.Value(key)
}

const maxRequestIDBytes = 64

// requestID is what the log calls a call: the caller's name for it (a called service logs under the same one), or a random number. Most
// calls are not logged, so the number becomes text only when somebody asks.
type requestID struct {
	given  string
	random uint64
}

func newRequestID(given []string) requestID {
	if len(given) == 1 && plain(given[0]) {
		return requestID{given: given[0]}
	}
	return requestID{random: rand.Uint64()}
}

// String is never empty.
func (id requestID) String() string {
	if id.given != "" {
		return id.given
	}
	return strconv.FormatUint(id.random, 16)
}

// plain keeps text out of the log that could pass for something else there.
func plain(id string) bool {
	for i := range len(id) {
		switch c := id[i]; {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', c == '-', c == '_':
		default:
			return false
		}
	}
	return id != "" && len(id) <= maxRequestIDBytes
}
