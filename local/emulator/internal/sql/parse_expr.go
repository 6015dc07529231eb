package sql

// maxDepth bounds how deep a query nests: parentheses, brackets, subqueries, unary operators and conditionals.
const maxDepth = 128

// maxText is the longest query the service takes, in bytes (learn.microsoft.com/azure/cosmos-db/concepts-limits).
const maxText = 512 << 10

type parser struct {
	lex   lexer
	tok   token
	last  int // end of the token before tok
	depth int
	err   *Error
}

func (p *parser) fail(err *Error) {
	if p.err == nil {
		p.err = err
	}
	p.tok = token{kind: tokenEnd, start: len(p.lex.src), end: len(p.lex.src)}
}

func (p *parser) advance() {
	if p.err != nil {
		return
	}
	t, err := p.lex.next()
	if err != nil {
		p.fail(err)
		return
	}
	p.last, p.tok = p.tok.end, t
}

// unexpected refuses the current token.
func (p *parser) unexpected() {
	if p.tok.kind == tokenEnd {
		p.fail(errorAt(Syntax, p.tok.start, p.tok.end, "Syntax error, unexpected end-of-file."))
		return
	}
	if p.tok.kind == tokenKeyword {
		word := near(p.lex.src, p.tok.start, p.tok.end)
		p.fail(errorAt(Syntax, p.tok.start, p.tok.end,
			"Syntax error, incorrect syntax near %s, which is a reserved word.", word))
		return
	}
	p.fail(nearError(p.lex.src, p.tok.start, p.tok.end))
}

func (p *parser) at(symbol string) bool { return p.tok.is(tokenSymbol, symbol) }

func (p *parser) atKeyword(word string) bool { return p.tok.is(tokenKeyword, word) }

func (p *parser) take(symbol string) bool {
	if p.at(symbol) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) takeKeyword(word string) bool {
	if p.atKeyword(word) {
		p.advance()
		return true
	}
	return false
}

func (p *parser) expect(symbol string) {
	if !p.take(symbol) {
		p.unexpected()
	}
}

func (p *parser) expectKeyword(word string) {
	if !p.takeKeyword(word) {
		p.unexpected()
	}
}

func (p *parser) name() string {
	if p.tok.kind != tokenWord {
		p.unexpected()
		return ""
	}
	text := p.tok.text
	p.advance()
	return text
}

// enter counts one level of nesting; leave takes it back. After a failure the parser sees the end of the text, so
// whatever recursion is under way unwinds.
func (p *parser) enter() bool {
	p.depth++
	if p.depth > maxDepth {
		p.fail(errorAt(Syntax, p.tok.start, p.tok.end, "Syntax error, the query nests deeper than %d levels.", maxDepth))
		return false
	}
	return true
}

func (p *parser) leave() { p.depth-- }

// spanFrom is the place from start to the end of the last token taken.
func (p *parser) spanFrom(start int) place { return place{start, max(start, p.last)} }

// expression parses a conditional: the loosest level.
func (p *parser) expression() node {
	if !p.enter() {
		return &literalNode{}
	}
	defer p.leave()
	start := p.tok.start
	x := p.binary(0)
	for p.err == nil && p.at("??") {
		p.advance()
		right := p.binary(0)
		p.mustNotMix("??", x, right)
		x = &binaryNode{p.spanFrom(start), "??", x, right}
	}
	if !p.at("?") {
		return x
	}
	if b, ok := x.(*binaryNode); ok && b.op == "??" {
		p.ambiguous(b, "?? and ?")
		return x
	}
	p.advance()
	yes := p.expression()
	p.expect(":")
	no := p.expression()
	return &ternaryNode{p.spanFrom(start), x, yes, no}
}

// mustNotMix refuses operands of ?? whose grouping is not documented.
func (p *parser) mustNotMix(op string, operands ...node) {
	for _, x := range operands {
		if l, ok := x.(*logicNode); ok {
			p.ambiguous(l, op+" and "+l.op)
		}
	}
}

// ambiguous refuses operators whose precedence against each other Microsoft does not document and existing
// implementations disagree about.
func (p *parser) ambiguous(at node, what string) {
	start, end := at.span()
	p.fail(errorAt(Syntax, start, end, "Syntax error, the precedence of %s is not documented: add parentheses.", what))
}

// The levels of binary operators, loosest first. Comparison also holds IN, BETWEEN and LIKE.
const (
	levelOr = iota + 1
	levelAnd
	levelEquality
	levelComparison
	levelBitOr
	levelBitXor
	levelBitAnd
	levelConcat
	levelShift
	levelAdd
	levelMultiply
)

// operator is the binary operator at the current token, level 0 if there is none.
func (p *parser) operator() (op string, level int) {
	if p.tok.kind == tokenKeyword {
		switch p.tok.text {
		case "OR":
			return "OR", levelOr
		case "AND":
			return "AND", levelAnd
		case "IN", "BETWEEN", "LIKE", "NOT":
			return p.tok.text, levelComparison
		}
		return "", 0
	}
	if p.tok.kind != tokenSymbol {
		return "", 0
	}
	switch p.tok.text {
	case "=", "!=":
		return p.tok.text, levelEquality
	case "<>":
		return "!=", levelEquality
	case "<", "<=", ">", ">=":
		return p.tok.text, levelComparison
	case "|":
		return "|", levelBitOr
	case "^":
		return "^", levelBitXor
	case "&":
		return "&", levelBitAnd
	case "||":
		return "||", levelConcat
	case "<<", ">>", ">>>":
		return p.tok.text, levelShift
	case "+", "-":
		return p.tok.text, levelAdd
	case "*", "/", "%":
		return p.tok.text, levelMultiply
	}
	return "", 0
}

// binary climbs the operators that bind tighter than level.
func (p *parser) binary(level int) node {
	start := p.tok.start
	x := p.unary()
	for p.err == nil {
		op, at := p.operator()
		if at <= level {
			return x
		}
		p.refuseNot(x)
		switch {
		case at <= levelAnd:
			x = p.logic(start, x, op, at)
		case at == levelComparison && p.tok.kind == tokenKeyword:
			x = p.test(start, x)
		default:
			p.advance()
			right := p.binary(at)
			p.refuseNot(right)
			p.refuseMixed(op, at, x, right)
			x = &binaryNode{p.spanFrom(start), op, x, right}
		}
	}
	return x
}

// refuseNot refuses NOT as an operand of anything but AND and OR: NOT a = b has no documented grouping.
func (p *parser) refuseNot(x node) {
	u, ok := x.(*unaryNode)
	if !ok || u.op != "NOT" {
		return
	}
	if op, at := p.operator(); at > levelAnd {
		p.ambiguous(u, "NOT and "+op)
	}
}

// refuseMixed refuses an operand whose grouping against op is not agreed on: bitwise operators and || below a
// comparison, and || beside bitwise operators.
func (p *parser) refuseMixed(op string, level int, operands ...node) {
	for _, x := range operands {
		b, ok := x.(*binaryNode)
		if !ok {
			continue
		}
		comparing := level <= levelComparison && (isBitwise(b.op) || b.op == "||")
		joining := isBitwise(op) && b.op == "||" || op == "||" && isBitwise(b.op)
		if comparing || joining {
			p.ambiguous(b, b.op+" and "+op)
		}
	}
}

func isBitwise(op string) bool { return op == "&" || op == "|" || op == "^" }

// logic gathers a chain of one logical operator.
func (p *parser) logic(start int, first node, op string, level int) node {
	terms := []node{first}
	for p.err == nil && p.takeKeyword(op) {
		terms = append(terms, p.binary(level))
	}
	for _, term := range terms {
		if b, ok := term.(*binaryNode); ok && b.op == "||" {
			p.ambiguous(b, "|| and "+op)
		}
	}
	return &logicNode{p.spanFrom(start), op, terms}
}

// test parses what follows the subject of [NOT] IN, BETWEEN or LIKE.
func (p *parser) test(start int, subject node) node {
	not := p.takeKeyword("NOT")
	switch {
	case p.takeKeyword("IN"):
		p.expect("(")
		list := p.expressions(")")
		if len(list) == 0 {
			p.unexpected()
		}
		p.expect(")")
		return &inNode{p.spanFrom(start), subject, list, not}
	case p.takeKeyword("BETWEEN"):
		low := p.binary(levelComparison)
		p.expectKeyword("AND")
		high := p.binary(levelComparison)
		return &betweenNode{p.spanFrom(start), subject, low, high, not}
	case p.takeKeyword("LIKE"):
		pattern := p.binary(levelComparison)
		var escape node
		if p.takeKeyword("ESCAPE") {
			escape = p.unary()
		}
		return &likeNode{p.spanFrom(start), subject, pattern, escape, not}
	}
	p.unexpected()
	return subject
}

// expressions parses a list up to, and not including, the closing symbol.
func (p *parser) expressions(closing string) []node {
	var list []node
	if p.at(closing) {
		return nil
	}
	for p.err == nil {
		list = append(list, p.expression())
		if !p.take(",") {
			break
		}
	}
	return list
}

func (p *parser) unary() node {
	start := p.tok.start
	op := ""
	switch {
	case p.atKeyword("NOT"):
		op = "NOT"
	case p.at("-"), p.at("+"), p.at("~"):
		op = p.tok.text
	default:
		return p.postfix()
	}
	if !p.enter() {
		return &literalNode{}
	}
	defer p.leave()
	p.advance()
	inner := p.unary()
	return &unaryNode{p.spanFrom(start), op, inner}
}

// postfix parses a primary and the .name, ["name"] and [index] behind it. The chain is a loop, but every part of
// it nests one deeper in the tree, so it counts as depth.
func (p *parser) postfix() node {
	start := p.tok.start
	x := p.primary()
	for length := 0; p.err == nil; length++ {
		if length > maxDepth {
			p.fail(errorAt(Syntax, start, p.tok.end, "Syntax error, the path is longer than %d steps.", maxDepth))
		}
		switch {
		case p.take("."):
			name := p.name()
			x = &memberNode{p.spanFrom(start), x, name}
		case p.take("["):
			index := p.expression()
			p.expect("]")
			x = indexed(p.spanFrom(start), x, index)
		default:
			return x
		}
	}
	return x
}

func indexed(at place, of, index node) node {
	if l, ok := index.(*literalNode); ok && l.val.kind == kindString {
		return &memberNode{at, of, string(l.val.bytes())}
	}
	return &indexNode{at, of, index}
}
