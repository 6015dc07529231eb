package sql

// logicExpr is AND or OR over three values: what is not boolean counts as undefined.
type logicExpr struct {
	or    bool
	terms []expr
	by    *dispatch // or nil
}

func (e *logicExpr) eval(f *frame) value {
	if e.by != nil {
		if which, ok := e.by.terms(f); ok {
			return e.some(f, which)
		}
	}
	result := boolean(!e.or)
	for _, t := range e.terms {
		v := t.eval(f)
		if v.kind != kindBool {
			result = undefined
		} else if v.truth == e.or {
			return boolean(e.or)
		}
	}
	return result
}

// some is an OR of which all but a few terms are known to be false.
func (e *logicExpr) some(f *frame, which []int) value {
	result := falseValue
	for _, i := range which {
		if v := e.terms[i].eval(f); v.kind != kindBool {
			result = undefined
		} else if v.truth {
			return v
		}
	}
	return result
}

type equalExpr struct {
	not         bool
	left, right expr
}

func (e *equalExpr) eval(f *frame) value {
	v := equals(e.left.eval(f), e.right.eval(f))
	if e.not && !v.isUndefined() {
		return boolean(!v.truth)
	}
	return v
}

// orderExpr is <, <=, > or >=.
type orderExpr struct {
	op          string
	left, right expr
}

func (e *orderExpr) eval(f *frame) value {
	return ordered(e.op, e.left.eval(f), e.right.eval(f))
}

func ordered(op string, l, r value) value {
	c, ok := relate(l, r)
	if !ok {
		return undefined
	}
	switch op {
	case "<":
		return boolean(c < 0)
	case "<=":
		return boolean(c <= 0)
	case ">":
		return boolean(c > 0)
	default:
		return boolean(c >= 0)
	}
}

// betweenExpr is low <= subject AND subject <= high, evaluated once.
type betweenExpr struct {
	not                bool
	subject, low, high expr
}

func (e *betweenExpr) eval(f *frame) value {
	v := e.subject.eval(f)
	above, below := ordered(">=", v, e.low.eval(f)), ordered("<=", v, e.high.eval(f))
	var result value
	switch {
	case isFalse(above), isFalse(below):
		result = falseValue
	case above.isTrue() && below.isTrue():
		result = trueValue
	}
	if e.not {
		return unary('N', result)
	}
	return result
}

func isFalse(v value) bool { return v.kind == kindBool && !v.truth }

// inExpr compares by =; undefined items of the list match nothing.
type inExpr struct {
	not    bool
	needle expr
	list   []expr
	// set is the index in frame.sets of a hash of the list, when it is long and the same for every document; or -1.
	set int
}

// longList is the length from which a hash beats comparing one by one.
const longList = 8

func (e *inExpr) eval(f *frame) value {
	v := e.needle.eval(f)
	if v.isUndefined() {
		return undefined
	}
	return boolean(e.contains(f, v) != e.not)
}

func (e *inExpr) contains(f *frame, v value) bool {
	if e.set < 0 {
		for _, item := range e.list {
			if same(v, item.eval(f)) {
				return true
			}
		}
		return false
	}
	if f.sets[e.set] == nil {
		set := make(map[string]struct{}, len(e.list))
		for _, item := range e.list {
			set[string(appendIdentity(nil, item.eval(f)))] = struct{}{}
		}
		f.sets[e.set] = set
	}
	f.buf = appendIdentity(f.buf[:0], v)
	_, found := f.sets[e.set][string(f.buf)]
	return found
}

type likeExpr struct {
	not              bool
	subject, pattern expr
	escape           rune        // 0 for none
	compiled         likePattern // when the pattern is a constant
	at               place
}

func (e *likeExpr) eval(f *frame) value {
	s := e.subject.eval(f)
	pattern, ok := e.compiled, true
	if pattern == nil {
		pattern, ok = e.compile(f)
	}
	if !ok || s.kind != kindString {
		return undefined
	}
	return boolean(pattern.match(s.bytes()) != e.not)
}

// compile evaluates the pattern; one that is a parameter is compiled once in a run.
func (e *likeExpr) compile(f *frame) (likePattern, bool) {
	if p, ok := f.likes[e]; ok {
		return p, p != nil
	}
	v := e.pattern.eval(f)
	if v.kind != kindString {
		return nil, false
	}
	pattern, ok := compileLike(string(v.bytes()), e.escape)
	if !ok {
		f.fail(badPattern(e.at))
		return nil, false
	}
	if _, fixed := e.pattern.(*paramExpr); fixed {
		if f.likes == nil {
			f.likes = map[*likeExpr]likePattern{}
		}
		f.likes[e] = pattern
	}
	return pattern, true
}

func badPattern(at place) *Error {
	return errorAt(Evaluation, at.start, at.stop, "The LIKE pattern has an empty or unclosed bracket, or ends in its escape character.")
}
