package sql

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

type tokenKind uint8

const (
	tokenEnd tokenKind = iota
	tokenWord
	tokenKeyword
	tokenParam
	tokenNumber
	tokenString
	tokenSymbol
)

// token is one lexeme. A word keeps its spelling, a keyword is in upper case, a string is unescaped in content.
type token struct {
	kind       tokenKind
	start, end int
	text       string
	content    []byte
	num        float64
}

func (t token) is(kind tokenKind, text string) bool { return t.kind == kind && t.text == text }

// keywords are the reserved words: they name nothing unless quoted in brackets, as c["order"].
var keywords = func() map[string]string {
	m := map[string]string{}
	for _, word := range []string{
		"AND", "ARRAY", "AS", "ASC", "BETWEEN", "BY", "DESC", "DISTINCT", "ESCAPE", "EXISTS", "FALSE", "FROM",
		"GROUP", "IN", "JOIN", "LIKE", "LIMIT", "NOT", "NULL", "OFFSET", "OR", "ORDER", "SELECT", "TOP", "TRUE",
		"UDF", "UNDEFINED", "VALUE", "WHERE",
	} {
		m[word] = word
	}
	return m
}()

const longestKeyword = len("UNDEFINED")

// lexer cuts a query into tokens, one at a time.
type lexer struct {
	src string
	pos int
}

func (l *lexer) next() (token, *Error) {
	l.skipBlank()
	start := l.pos
	if start >= len(l.src) {
		return token{kind: tokenEnd, start: start, end: start}, nil
	}
	c := l.src[start]
	switch {
	case isWordStart(c) || c >= utf8.RuneSelf:
		return l.word()
	case c >= '0' && c <= '9', c == '.' && start+1 < len(l.src) && isDigit(l.src[start+1]):
		return l.number()
	case c == '"' || c == '\'':
		return l.quoted(c)
	case c == '@':
		return l.param()
	default:
		return l.symbol()
	}
}

// skipBlank skips white space and comments, which run from -- to the end of the line.
func (l *lexer) skipBlank() {
	for l.pos < len(l.src) {
		switch c := l.src[l.pos]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r':
			l.pos++
		case c == '-' && strings.HasPrefix(l.src[l.pos:], "--"):
			end := strings.IndexByte(l.src[l.pos:], '\n')
			if end < 0 {
				l.pos = len(l.src)
			} else {
				l.pos += end
			}
		default:
			return
		}
	}
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

func isWordStart(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }

func (l *lexer) wordEnd(i int) int {
	for i < len(l.src) {
		c := l.src[i]
		if isWordStart(c) || isDigit(c) {
			i++
			continue
		}
		if c < utf8.RuneSelf {
			return i
		}
		r, size := utf8.DecodeRuneInString(l.src[i:])
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return i
		}
		i += size
	}
	return i
}

func (l *lexer) word() (token, *Error) {
	start := l.pos
	end := l.wordEnd(start)
	if end == start {
		_, size := utf8.DecodeRuneInString(l.src[start:])
		return token{}, nearError(l.src, start, start+size)
	}
	l.pos = end
	t := token{kind: tokenWord, start: start, end: end, text: l.src[start:end]}
	if len(t.text) <= longestKeyword {
		var upper [longestKeyword]byte
		for i := range len(t.text) {
			upper[i] = t.text[i]
			if c := t.text[i]; c >= 'a' && c <= 'z' {
				upper[i] = c - 'a' + 'A'
			}
		}
		if word, ok := keywords[string(upper[:len(t.text)])]; ok {
			t.kind, t.text = tokenKeyword, word
		}
	}
	return t, nil
}

func (l *lexer) param() (token, *Error) {
	start := l.pos
	end := l.wordEnd(start + 1)
	if end == start+1 {
		return token{}, nearError(l.src, start, start+1)
	}
	l.pos = end
	return token{kind: tokenParam, start: start, end: end, text: l.src[start:end]}, nil
}

func (l *lexer) number() (token, *Error) {
	start := l.pos
	if l.src[start] == '0' && start+1 < len(l.src) && l.src[start+1]|0x20 == 'x' {
		return l.hexNumber()
	}
	i := l.digits(start)
	if i < len(l.src) && l.src[i] == '.' {
		i = l.digits(i + 1)
	}
	if i < len(l.src) && l.src[i]|0x20 == 'e' {
		j := i + 1
		if j < len(l.src) && (l.src[j] == '+' || l.src[j] == '-') {
			j++
		}
		if end := l.digits(j); end > j {
			i = end
		}
	}
	f, err := strconv.ParseFloat(l.src[start:i], 64)
	if err != nil {
		return token{}, errorAt(Syntax, start, i, "Syntax error, the number %s is out of range.", near(l.src, start, i))
	}
	return l.numberToken(start, i, f)
}

func (l *lexer) hexNumber() (token, *Error) {
	start, i := l.pos, l.pos+2
	var f float64
	for ; i < len(l.src); i++ {
		d, ok := hexDigit(l.src[i])
		if !ok {
			break
		}
		f = f*16 + float64(d)
	}
	if i == start+2 || i > start+2+13 { // beyond 52 bits a double no longer holds it
		return token{}, errorAt(Syntax, start, i, "Syntax error, invalid hexadecimal number %s.", near(l.src, start, i))
	}
	return l.numberToken(start, i, f)
}

// numberToken refuses a number that runs into a word, as 1abc.
func (l *lexer) numberToken(start, end int, f float64) (token, *Error) {
	if l.wordEnd(end) != end {
		return token{}, nearError(l.src, start, l.wordEnd(end))
	}
	l.pos = end
	return token{kind: tokenNumber, start: start, end: end, text: l.src[start:end], num: f}, nil
}

func (l *lexer) digits(i int) int {
	for i < len(l.src) && isDigit(l.src[i]) {
		i++
	}
	return i
}

func (l *lexer) quoted(quote byte) (token, *Error) {
	start := l.pos
	plain := true
	for i := start + 1; i < len(l.src); i++ {
		switch c := l.src[i]; {
		case c == quote:
			l.pos = i + 1
			t := token{kind: tokenString, start: start, end: i + 1, text: l.src[start : i+1]}
			if plain {
				t.content = []byte(l.src[start+1 : i])
				return t, nil
			}
			var err *Error
			t.content, err = unescapeLiteral(l.src, start, i+1)
			return t, err
		case c == '\\':
			plain = false
			i++
		case c < ' ':
			return token{}, errorAt(Syntax, start, i, "Syntax error, invalid string literal token %s: write control characters as escapes.", near(l.src, start, i))
		}
	}
	return token{}, errorAt(Syntax, start, len(l.src), "Syntax error, invalid string literal token %s: it is not closed.", near(l.src, start, len(l.src)))
}

// unescapeLiteral decodes the string literal src[start:end], quotes included.
func unescapeLiteral(src string, start, end int) ([]byte, *Error) {
	raw := []byte(src[start:end])
	for i := 1; i < len(raw)-1; i++ {
		if raw[i] != '\\' {
			continue
		}
		i++
		switch raw[i] {
		case '\'', '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		case 'u':
			if _, ok := hex4(raw[:len(raw)-1], i+1); ok {
				continue
			}
			fallthrough
		default:
			return nil, errorAt(Syntax, start+i-1, start+i+1, "Syntax error, invalid escape sequence in %s.", near(src, start, end))
		}
	}
	return unquote(raw), nil
}

var symbols = [...]string{">>>", "<=", ">=", "<>", "!=", "||", "??", "<<", ">>"}

func (l *lexer) symbol() (token, *Error) {
	start := l.pos
	rest := l.src[start:]
	for _, s := range symbols {
		if strings.HasPrefix(rest, s) {
			l.pos += len(s)
			return token{kind: tokenSymbol, start: start, end: l.pos, text: s}, nil
		}
	}
	if strings.IndexByte("()[]{},.:?*/%+-~&|^=<>;", rest[0]) < 0 {
		return token{}, nearError(l.src, start, start+1)
	}
	l.pos++
	return token{kind: tokenSymbol, start: start, end: l.pos, text: rest[:1]}, nil
}

// near quotes a piece of the query for an error message, shortened.
func near(src string, start, end int) string {
	const most = 40
	s := src[start:min(end, len(src))]
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return "'" + strings.ToValidUTF8(s, "\ufffd") + "'"
}

func nearError(src string, start, end int) *Error {
	return errorAt(Syntax, start, end, "Syntax error, incorrect syntax near %s.", near(src, start, end))
}
