package sql

import (
	"strings"
	"unicode/utf8"
)

// likePattern is a LIKE pattern cut into tokens: %, _, a literal character, or a set in brackets.
type likePattern []likeToken

type likeToken struct {
	kind byte // '%', '_', 'c' for a character, '[' for a set
	char rune
	not  bool
	set  []runeRange
}

type runeRange struct{ low, high rune }

// compileLike reads a pattern; it is not ok with an unclosed or empty bracket or an escape at its end.
func compileLike(s string, escape rune) (likePattern, bool) {
	out := make(likePattern, 0, len(s))
	for s != "" {
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		switch {
		case escape != 0 && r == escape:
			if s == "" {
				return nil, false
			}
			r, size = utf8.DecodeRuneInString(s)
			s = s[size:]
			out = append(out, likeToken{kind: 'c', char: r})
		case r == '%':
			if n := len(out); n == 0 || out[n-1].kind != '%' {
				out = append(out, likeToken{kind: '%'})
			}
		case r == '_':
			out = append(out, likeToken{kind: '_'})
		case r == '[':
			end := strings.IndexByte(s, ']')
			if end < 1 {
				return nil, false
			}
			t, ok := likeSet(s[:end])
			if !ok {
				return nil, false
			}
			out, s = append(out, t), s[end+1:]
		default:
			out = append(out, likeToken{kind: 'c', char: r})
		}
	}
	return out, true
}

func likeSet(s string) (likeToken, bool) {
	t := likeToken{kind: '['}
	if strings.HasPrefix(s, "^") {
		t.not, s = true, s[1:]
	}
	chars := []rune(s)
	for i := 0; i < len(chars); i++ {
		if i+2 < len(chars) && chars[i+1] == '-' {
			t.set = append(t.set, runeRange{chars[i], chars[i+2]})
			i += 2
			continue
		}
		t.set = append(t.set, runeRange{chars[i], chars[i]})
	}
	return t, len(t.set) > 0
}

func (t *likeToken) takes(r rune) bool {
	switch t.kind {
	case '_':
		return true
	case 'c':
		return t.char == r
	}
	for _, x := range t.set {
		if r >= x.low && r <= x.high {
			return !t.not
		}
	}
	return t.not
}

// match runs in time proportional to the product of the lengths: on a mismatch only the last % takes one more.
func (p likePattern) match(s []byte) bool {
	at, star, back := 0, -1, 0
	for i := 0; i < len(s); {
		if at < len(p) && p[at].kind == '%' {
			star, back = at, i
			at++
			continue
		}
		r, size := utf8.DecodeRune(s[i:])
		if at < len(p) && p[at].takes(r) {
			at++
			i += size
			continue
		}
		if star < 0 {
			return false
		}
		_, size = utf8.DecodeRune(s[back:])
		back += size
		i, at = back, star+1
	}
	for at < len(p) && p[at].kind == '%' {
		at++
	}
	return at == len(p)
}

// prefix is the literal text before a single % at the end, and whether the pattern is just that.
func (p likePattern) prefix() (string, bool) {
	if len(p) == 0 || p[len(p)-1].kind != '%' {
		return "", false
	}
	var b strings.Builder
	for _, t := range p[:len(p)-1] {
		if t.kind != 'c' {
			return "", false
		}
		b.WriteRune(t.char)
	}
	return b.String(), true
}
