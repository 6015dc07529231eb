package cosmos

// Header is what every document has. Embed it in the struct of a document:
//
//	type profileDoc struct {
//		cosmos.Header
//		PlayerID    string `json:"playerId"` // the partition key
//		DisplayName string `json:"displayName"`
//	}
//
// Type, SchemaVersion and Ops are set on write. Properties of the stored document that the struct does not know survive a
// rewrite, also inside nested structs and maps of structs; the elements of arrays are rewritten whole. Names that differ by case
// alone are the same to encoding/json: do not use such.
type Header struct {
	ID            string   `json:"id"`
	Type          string   `json:"type"`
	SchemaVersion int      `json:"schemaVersion"`
	Ops           []string `json:"ops,omitempty"`   // the last operations, newest last; keep it out of the index
	TTL           int32    `json:"ttl,omitempty"`   // seconds after the last write; 0 = the container's default, -1 = never
	ETag          string   `json:"_etag,omitempty"` // of the version read or written; "" = not stored yet
	Timestamp     int64    `json:"_ts,omitempty"`   // last write, seconds since 1970, by the service's clock; 0 after a write

	stored []byte // the document as read, for the properties its struct does not know
}

// header lets this package reach the header of any document that embeds one.
func (h *Header) header() *Header { return h }

// Document is implemented by the pointer to every struct that embeds [Header].
type Document interface {
	header() *Header
}

// Ref names one document.
type Ref struct {
	Key Key
	ID  string
}
