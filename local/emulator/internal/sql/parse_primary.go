package sql

import (
	"strconv"
	"strings"
)

// primary parses what operators and paths are built on.
func (p *parser) primary() node {
	t := p.tok
	switch t.kind {
	case tokenNumber:
		p.advance()
		return &literalNode{place{t.start, t.end}, numberLiteral(t)}
	case tokenString:
		p.advance()
		return &literalNode{place{t.start, t.end}, text(t.content)}
	case tokenParam:
		p.advance()
		return &paramNode{place{t.start, t.end}, t.text}
	case tokenWord:
		p.advance()
		if p.at("(") {
			return p.call(t)
		}
		return &identNode{place{t.start, t.end}, t.text}
	case tokenKeyword:
		return p.keywordPrimary(t)
	case tokenSymbol:
		switch t.text {
		case "(":
			return p.parenthesized(t)
		case "[":
			p.advance()
			items := p.expressions("]")
			p.expect("]")
			return &arrayNode{p.spanFrom(t.start), items}
		case "{":
			return p.object(t)
		}
	}
	p.unexpected()
	return &literalNode{place: place{t.start, t.end}}
}

func (p *parser) keywordPrimary(t token) node {
	at := place{t.start, t.end}
	switch t.text {
	case "TRUE":
		p.advance()
		return &literalNode{at, trueValue}
	case "FALSE":
		p.advance()
		return &literalNode{at, falseValue}
	case "NULL":
		p.advance()
		return &literalNode{at, null}
	case "UNDEFINED":
		p.advance()
		return &literalNode{at, undefined}
	case "EXISTS", "ARRAY":
		p.advance()
		p.expect("(")
		q := p.subquery()
		p.expect(")")
		return &subqueryNode{p.spanFrom(t.start), t.text, q}
	case "UDF":
		p.fail(errorAt(Unsupported, t.start, t.end, "User-defined functions are not supported."))
	default:
		p.unexpected()
	}
	return &literalNode{place: at}
}

func (p *parser) parenthesized(t token) node {
	p.advance()
	if p.atKeyword("SELECT") {
		q := p.subquery()
		p.expect(")")
		return &subqueryNode{p.spanFrom(t.start), "", q}
	}
	inner := p.expression()
	p.expect(")")
	return &parenNode{p.spanFrom(t.start), inner}
}

func (p *parser) call(name token) node {
	p.advance()
	args := p.expressions(")")
	p.expect(")")
	return &callNode{p.spanFrom(name.start), strings.ToUpper(name.text), args}
}

func (p *parser) object(t token) node {
	p.advance()
	var keys []string
	var vals []node
	seen := map[string]bool{}
	for p.err == nil && !p.at("}") {
		key := p.propertyName(seen)
		p.expect(":")
		keys, vals = append(keys, key), append(vals, p.expression())
		if !p.take(",") {
			break
		}
	}
	p.expect("}")
	return &objectNode{p.spanFrom(t.start), keys, vals}
}

// propertyName takes the name of a property in an object literal, with or without quotes.
func (p *parser) propertyName(seen map[string]bool) string {
	t := p.tok
	var name string
	switch t.kind {
	case tokenString:
		name = string(t.content)
	case tokenWord, tokenKeyword: // nothing else can stand here, so reserved words do no harm
		name = p.lex.src[t.start:t.end]
	default:
		p.unexpected()
		return ""
	}
	if seen[name] {
		p.fail(errorAt(Semantic, t.start, t.end, "The property name '%s' is repeated in an object.", name))
		return ""
	}
	seen[name] = true
	p.advance()
	return name
}

// numberLiteral keeps an integer that a double cannot hold as it was written.
func numberLiteral(t token) value {
	if i, err := strconv.ParseInt(t.text, 10, 64); err == nil && i > 1<<53 {
		return integer(i)
	}
	return number(t.num)
}
