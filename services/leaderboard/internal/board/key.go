package board

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"time"
)

// Key is the place of an entry as bytes that sort, the best first: each column as 8 bytes big endian, made so that unsigned order is the
// column's order; then the receive time in milliseconds as 6 bytes (the earlier wins); then 8 bytes of a keyed hash of the player's id. So
// one comparison of bytes decides "better", at any number of columns and over all of int64, and the tie rule survives a rebuild of the index
// because it is stored. It is stored as lower-case hex, which sorts alike.
type Key string

const (
	columnBytes = 8
	timeBytes   = 6
	hashBytes   = 8
)

// TailBytes is the part of a key behind the columns: what decides between equal scores.
const TailBytes = timeBytes + hashBytes

// KeyBytes is the size of the key of a board with so many columns.
func KeyBytes(columns int) int { return columns*columnBytes + TailBytes }

// NewKey makes the key of a score. Columns are as many as the board has. Secret is the deployment's: nobody can choose a player id that wins
// ties.
func NewKey(columns []Column, score []int64, received time.Time, playerID string, secret []byte) Key {
	b := AppendColumns(make([]byte, 0, KeyBytes(len(columns))), columns, score)
	var ms [8]byte
	binary.BigEndian.PutUint64(ms[:], uint64(max(received.UnixMilli(), 0))) //nolint:gosec // not negative
	b = append(b, ms[8-timeBytes:]...)
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(playerID))
	b = append(b, mac.Sum(nil)[:hashBytes]...)
	return Key(b)
}

// AppendColumns appends the part of a key that the columns make.
func AppendColumns(b []byte, columns []Column, score []int64) []byte {
	for i, c := range columns {
		u := uint64(score[i]) ^ 1<<63 //nolint:gosec // the bits, in the order of the numbers
		if c.Descending {
			u = ^u
		}
		b = binary.BigEndian.AppendUint64(b, u)
	}
	return b
}

// Columns reads the columns back from a key.
func (k Key) Columns(columns []Column) []int64 {
	return AppendScore(make([]int64, 0, len(columns)), columns, []byte(k))
}

// AppendScore appends the columns that a key was made of.
func AppendScore(score []int64, columns []Column, key []byte) []int64 {
	for i := range columns {
		u := binary.BigEndian.Uint64(key[i*columnBytes:])
		if columns[i].Descending {
			u = ^u
		}
		score = append(score, int64(u^1<<63)) //nolint:gosec // the bits
	}
	return score
}

// Received reads the receive time back from a key.
func (k Key) Received() time.Time { return ReceivedOf([]byte(k)) }

// ReceivedOf is [Key.Received] of the bytes of a key.
func ReceivedOf(key []byte) time.Time {
	var ms [8]byte
	copy(ms[8-timeBytes:], key[len(key)-TailBytes:])
	return time.UnixMilli(int64(binary.BigEndian.Uint64(ms[:]))).UTC() //nolint:gosec // 48 bits
}

// Hex is the stored form.
func (k Key) Hex() string { return hex.EncodeToString([]byte(k)) }

// KeyOfHex reads the stored form; false when it is not the key of a board with so many columns.
func KeyOfHex(text string, columns int) (Key, bool) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != KeyBytes(columns) {
		return "", false
	}
	return Key(b), true
}
