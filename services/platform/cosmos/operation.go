package cosmos

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"strings"

	"supergame/services/platform/fault"
)

// Operation names one change, so that it is recognized when it comes again: after a lost answer, or because the caller sent
// the same request twice. The zero Operation stands for a change without a request id: it gets a random name for each call,
// which still makes the call's own retries safe.
type Operation struct {
	id   string // 22 characters: 128 bits, base64url
	hash string // 4 characters: 24 bits of the content's hash; "" = not compared
}

// NewOperation derives the operation of a caller's request. Content is what the request asks for, in a stable encoding; the
// same request id with another content is refused with ALREADY_EXISTS, reason REQUEST_ID_REUSED. An empty request id
// gives the zero Operation.
func NewOperation(caller, requestID string, content ...[]byte) Operation {
	if requestID == "" {
		return Operation{}
	}
	op := Operation{id: digest(idBytes, []byte(caller), []byte(requestID))}
	if len(content) > 0 {
		op.hash = digest(hashBytes, content...)
	}
	return op
}

// Step derives the operation of one part of a request that changes the same document more than once.
func (o Operation) Step(name string) Operation {
	if o.id == "" {
		return o
	}
	return Operation{id: digest(idBytes, []byte(o.id), []byte(name)), hash: o.hash}
}

// ID is the operation's name, 22 characters that are allowed in a document id; "" for the zero Operation. A marker
// document takes its id from it.
func (o Operation) ID() string { return o.id }

// orMinted returns o, or a random operation when o is zero, and whether a caller named it.
func (o Operation) orMinted() (op Operation, named bool) {
	if o.id != "" {
		return o, true
	}
	var random [idBytes]byte
	_, _ = rand.Read(random[:]) // never fails, see its documentation
	return Operation{id: base64.RawURLEncoding.EncodeToString(random[:])}, false
}

const (
	idBytes   = 16 // of an operation's id
	entryID   = 16 // characters of the id that stand in ops: 96 bits
	hashBytes = 3  // of the content's hash
)

// entry is the operation as it stands in a document's ops: 16 characters of its id, and 4 of the hash where there is one. Ops is
// read with every document, hence short. It is compared with seven others: two of them are the same once in 2^91 documents.
// Another content is taken for the same once in 2^24 times that a caller uses a request id again, which he must not.
func (o Operation) entry() string { return o.id[:entryID] + o.hash }

// AppliedTo reports whether a document carries this operation, for a store that reads several documents before it decides. A
// fault (ALREADY_EXISTS, REQUEST_ID_REUSED) says that it does, with another content. The zero Operation is carried by none.
func (o Operation) AppliedTo(h *Header) (bool, error) {
	if o.id == "" {
		return false, nil
	}
	return o.appliedTo(h.Ops)
}

// appliedTo reports whether ops names this operation. It is a fault when it does with another content.
func (o Operation) appliedTo(ops []string) (bool, error) {
	for _, entry := range ops {
		hash, same := strings.CutPrefix(entry, o.id[:entryID])
		if !same {
			continue
		}
		if hash != "" && o.hash != "" && hash != o.hash {
			return true, fault.New(fault.AlreadyExists, ReasonRequestIDReused, "this request_id was used before with another content")
		}
		return true, nil
	}
	return false, nil
}

// Forget takes the operation with an id ([Operation.ID]) out of a document that is about to be rewritten, so that the request may be carried out
// anew: for one whose effect is taken back. An empty id is of none.
func Forget(h *Header, id string) {
	if id != "" {
		h.Ops = slices.DeleteFunc(slices.Clone(h.Ops), func(entry string) bool { return strings.HasPrefix(entry, id[:entryID]) })
	}
}

// keptOps is how many operations a document remembers.
const keptOps = 8

// stamp returns ops with the operation added and the oldest dropped. It does not change ops.
func (o Operation) stamp(ops []string) []string {
	if len(ops) >= keptOps {
		ops = ops[len(ops)-keptOps+1:]
	}
	return append(slices.Clone(ops), o.entry())
}

// digest hashes parts, each with its length, to n bytes in base64url.
func digest(n int, parts ...[]byte) string {
	h := sha256.New()
	var size [8]byte
	for _, part := range parts {
		binary.BigEndian.PutUint64(size[:], uint64(len(part)))
		h.Write(size[:])
		h.Write(part)
	}
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil)[:n])
}
