// Package rawjson walks over JSON without decoding it: values are handed out as the bytes they are.
package rawjson

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math/bits"
	"unicode/utf8"
)

// Scanner reads one JSON text. It checks brackets, commas, colons and names, and leaves the inside of scalars, and of values that are
// passed by Value, to whoever decodes them. The zero position is the beginning.
type Scanner struct {
	Data  []byte
	pos   int
	fresh bool // behind an opening bracket: no comma is due
	bad   bool
}

// New gives a scanner of data.
func New(data []byte) *Scanner { return &Scanner{Data: data} }

// OK says whether nothing was wrong so far.
func (s *Scanner) OK() bool { return !s.bad }

// Peek gives the first byte of what comes next, 0 at the end.
func (s *Scanner) Peek() byte {
	for s.pos < len(s.Data) {
		if c := s.Data[s.pos]; c != ' ' && c != '\n' && c != '\t' && c != '\r' {
			return c
		}
		s.pos++
	}
	return 0
}

// Open passes an opening bracket, '{' or '['.
func (s *Scanner) Open(bracket byte) {
	if s.Peek() != bracket {
		s.bad = true
		return
	}
	s.pos++
	s.fresh = true
}

// Closed passes the closing bracket and gives true, or the comma in front of the next member or element.
func (s *Scanner) Closed(bracket byte) bool {
	c := s.Peek()
	switch {
	case c == bracket:
		s.pos++
		s.fresh = false
		return true
	case s.bad || c == 0:
		s.bad = true
		return true
	case s.fresh:
		s.fresh = false
	case c == ',':
		s.pos++
		if s.Peek() == bracket {
			s.bad = true
		}
	default:
		s.bad = true
	}
	return s.bad
}

// Name passes the name of a member and its colon, and gives the name with its quotes.
func (s *Scanner) Name() []byte {
	if s.Peek() != '"' {
		s.bad = true
		return nil
	}
	name := s.Value()
	if s.Peek() != ':' {
		s.bad = true
		return nil
	}
	s.pos++
	return name
}

// Value passes one value.
func (s *Scanner) Value() []byte {
	s.Peek()
	start, depth := s.pos, 0
	for s.pos < len(s.Data) {
		switch s.Data[s.pos] {
		case '"':
			s.text()
		case '{', '[':
			depth++
			s.pos++
			continue
		case '}', ']':
			if depth == 0 { // it closes what a number or literal stands in
				return s.scalar(start)
			}
			depth--
			s.pos++
		case ',', ':', ' ', '\n', '\r', '\t':
			if depth == 0 {
				return s.scalar(start)
			}
			s.pos++
			continue
		default:
			s.pos++
			continue
		}
		if depth == 0 {
			return s.Data[start:s.pos]
		}
	}
	s.bad = s.bad || depth > 0
	return s.scalar(start)
}

func (s *Scanner) scalar(start int) []byte {
	s.bad = s.bad || s.pos == start
	return s.Data[start:s.pos]
}

// text passes a string.
func (s *Scanner) text() {
	for i := s.pos + 1; i < len(s.Data); {
		i += Plain(s.Data[i:])
		if i == len(s.Data) {
			break
		}
		switch s.Data[i] {
		case '\\':
			i++
		case '"':
			s.pos = i + 1
			return
		}
		i++
	}
	s.pos, s.bad = len(s.Data), true
}

// Plain is the number of leading bytes that mean themselves in a JSON string: no quote, no back slash, no control character. It
// looks at eight bytes at a time, because most of what passes through an emulator is text.
func Plain(b []byte) int {
	const ones, tops = 0x0101010101010101, 0x8080808080808080
	i := 0
	for ; i+8 <= len(b); i += 8 {
		x := binary.LittleEndian.Uint64(b[i:])
		quote, slash := x^(ones*'"'), x^(ones*'\\')
		// The top bit of a byte is set when the byte is zero (quote, slash) or below a blank (x); only the lowest is exact.
		found := ((quote-ones)&^quote | (slash-ones)&^slash | (x-ones*' ')&^x) & tops
		if found != 0 {
			return i + bits.TrailingZeros64(found)/8
		}
	}
	for i < len(b) && b[i] >= ' ' && b[i] != '"' && b[i] != '\\' {
		i++
	}
	return i
}

// End says whether everything was read and nothing was wrong.
func (s *Scanner) End() bool { return s.Peek() == 0 && s.pos == len(s.Data) && !s.bad }

// Text decodes a string with its quotes; what is not one gives nil.
func Text(quoted []byte) []byte {
	if len(quoted) < 2 || quoted[0] != '"' {
		return nil
	}
	if bytes.IndexByte(quoted, '\\') < 0 {
		return quoted[1 : len(quoted)-1]
	}
	var plain string
	if json.Unmarshal(quoted, &plain) != nil {
		return nil
	}
	return []byte(plain)
}

// Verbatim gives the inside of a string with its quotes, when that is what the string means: valid UTF-8 without escapes.
func Verbatim(quoted []byte) ([]byte, bool) {
	n := len(quoted) - 1
	if n < 1 || quoted[0] != '"' || quoted[n] != '"' || Plain(quoted[1:n]) != n-1 || !utf8.Valid(quoted) {
		return nil, false
	}
	return quoted[1:n], true
}
