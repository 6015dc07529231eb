// Package pagetoken makes and reads page tokens (https://google.aip.dev/158).
//
// A token carries a position, e.g. a continuation of Cosmos DB, and is bound to the method and the request's parameters:
// a token sent with other parameters, of another method, cut or changed is INVALID_ARGUMENT naming page_token.
//
//	list := codec.For("ProfileService.ListPlayers", request.State, request.Country)
//	position, err := list.Position(request.PageToken)
//	...
//	response.NextPageToken = list.Token(next)
package pagetoken

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"hash"
	"strings"

	"supergame/services/platform/fault"
)

// MaxTokenBytes bounds what [List.Position] reads; protos give page_token the same limit.
const MaxTokenBytes = 16 << 10

// ReasonBadToken is the reason of the fault of a token that is not one of this list's.
const ReasonBadToken = "BAD_PAGE_TOKEN"

const (
	format   = 1  // the first byte of a token; another one is another version
	macBytes = 16 // of HMAC-SHA-256, after the format byte
)

// Codec makes and reads the tokens of one service. The zero Codec has no key.
type Codec struct {
	key []byte
}

// New returns a codec. With a key, the same on every replica, a client cannot make up a token; without one it only takes him
// some effort, so what reads the position must not trust it more than any other field of a request.
func New(key []byte) Codec {
	return Codec{key: append([]byte("supergame page token 1\x00"), key...)}
}

// For names one list: a method and the parameters that select and order its rows, as text. The page size is not among them:
// it may change from page to page.
func (c Codec) For(method string, parameters ...string) List {
	return List{codec: c, method: method, parameters: parameters}
}

// List makes and reads the tokens of one list.
type List struct {
	codec      Codec
	method     string
	parameters []string
}

// Token returns the token that continues at a position. The position "" is the end: its token is "".
func (l List) Token(position string) string {
	if position == "" {
		return ""
	}
	raw := make([]byte, 1, 1+macBytes+len(position))
	raw[0] = format
	raw = append(raw, l.mac(position)...)
	raw = append(raw, position...)
	return base64.RawURLEncoding.EncodeToString(raw)
}

// Position returns what a token carries; "" for the first page, whose token is "". Any other text than a token of the same
// list is an InvalidArgument fault about page_token.
func (l List) Position(token string) (string, error) {
	if token == "" {
		return "", nil
	}
	if len(token) > MaxTokenBytes {
		return "", refuse("is longer than %d bytes", MaxTokenBytes)
	}
	raw, err := base64.RawURLEncoding.Strict().DecodeString(token)
	// The decoder skips line breaks; a token has one form only.
	if err != nil || len(raw) <= 1+macBytes || raw[0] != format || strings.ContainsAny(token, "\r\n") {
		return "", refuse("is not a page token; send next_page_token as it was received")
	}
	position := string(raw[1+macBytes:])
	if !hmac.Equal(raw[1:1+macBytes], l.mac(position)) {
		return "", refuse("belongs to another request; keep every parameter but page_size the same from page to page")
	}
	return position, nil
}

func refuse(format string, args ...any) error {
	refused := fault.Invalid("page_token", format, args...)
	refused.Reason = ReasonBadToken
	return refused
}

// mac authenticates the method, the parameters and the position, each with its length so that none runs into the next.
func (l List) mac(position string) []byte {
	h := hmac.New(sha256.New, l.codec.key)
	writeSized(h, l.method)
	for _, parameter := range l.parameters {
		writeSized(h, parameter)
	}
	writeSized(h, position)
	return h.Sum(nil)[:macBytes]
}

func writeSized(h hash.Hash, s string) {
	var size [8]byte
	binary.BigEndian.PutUint64(size[:], uint64(len(s)))
	h.Write(size[:]) // a hash does not fail
	h.Write([]byte(s))
}
