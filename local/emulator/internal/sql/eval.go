package sql

import (
	"math"
	"math/rand/v2"
	"regexp"
	"time"
)

// expr is a resolved scalar expression.
type expr interface {
	eval(f *frame) value
}

// frame is the state of one run: what the names of the query are bound to at the moment.
type frame struct {
	slots  []value // slot 0 is the document
	params []value
	group  []value // values of the GROUP BY expressions
	aggs   []value // results of the aggregates
	now    time.Time
	// cached holds document paths that the query uses more than once, valid for the current document.
	cached []cachedPath
	doc    uint64 // number of the current document, from 1
	sets   []map[string]struct{}
	tables []map[string][]int
	args   []value // stack of function arguments
	buf    []byte
	regex  map[string]*regexp.Regexp
	likes  map[*likeExpr]likePattern
	cancel <-chan struct{}
	steps  uint
	err    *Error // the first failure; the run ends with it
}

// bounded refuses a value that has grown too large: subqueries can double one again and again.
func (f *frame) bounded(v value) value {
	if v.size() > largestValue && f != nil {
		return f.fail(tooLarge())
	}
	return v
}

func tooLarge() *Error {
	return errorAt(Evaluation, 0, 0, "The query builds a value of more than %d bytes.", largestValue)
}

// patience is after how many combinations of JOIN a run looks whether it has been cancelled.
const patience = 1024

// cancelled reports, now and then, whether the caller has given up.
func (f *frame) cancelled() bool {
	if f.steps++; f.steps%patience != 0 || f.cancel == nil {
		return false
	}
	select {
	case <-f.cancel:
		f.fail(errorAt(Evaluation, 0, 0, "The query was cancelled."))
		return true
	default:
		return false
	}
}

func (f *frame) random() float64 { return rand.Float64() }

type cachedPath struct {
	doc uint64
	val value
}

func (f *frame) fail(err *Error) value {
	if f.err == nil {
		f.err = err
	}
	return undefined
}

type (
	constExpr struct{ val value }
	paramExpr struct {
		name  string
		index int
	}
	slotExpr  struct{ slot int }
	groupExpr struct{ index int }
	aggExpr   struct{ index int }
	// memberExpr and indexExpr are steps on anything but a plain path.
	memberExpr struct {
		of   expr
		name string
	}
	indexExpr  struct{ of, index expr }
	arrayExpr  struct{ items []expr }
	objectExpr struct {
		keys []string
		vals []expr
	}
)

func (e *constExpr) eval(*frame) value   { return e.val }
func (e *paramExpr) eval(f *frame) value { return f.params[e.index] }
func (e *slotExpr) eval(f *frame) value  { return f.slots[e.slot] }
func (e *groupExpr) eval(f *frame) value { return f.group[e.index] }
func (e *aggExpr) eval(f *frame) value   { return f.aggs[e.index] }

func (e *memberExpr) eval(f *frame) value { return e.of.eval(f).property(e.name) }

func (e *indexExpr) eval(f *frame) value {
	of, index := e.of.eval(f), e.index.eval(f)
	if index.kind == kindString {
		return of.property(string(index.bytes()))
	}
	if n, ok := index.integer(); ok {
		return of.at(n)
	}
	return undefined
}

// pathExpr is alias.name["name"][n]: constant steps from a slot.
type pathExpr struct {
	slot  int
	steps []step
	uses  int
	cache int // index into frame.cached, or -1
}

type step struct {
	name    string
	index   int64
	isIndex bool
}

func (e *pathExpr) eval(f *frame) value {
	if e.cache < 0 {
		return e.walk(f)
	}
	c := &f.cached[e.cache]
	if c.doc != f.doc {
		c.doc, c.val = f.doc, e.walk(f)
	}
	return c.val
}

func (e *pathExpr) walk(f *frame) value {
	v := f.slots[e.slot]
	for i := range e.steps {
		if s := &e.steps[i]; s.isIndex {
			v = v.at(s.index)
		} else {
			v = v.property(s.name)
		}
	}
	return v
}

func (e *arrayExpr) eval(f *frame) value {
	vals := make([]value, 0, len(e.items))
	for _, item := range e.items {
		if v := item.eval(f); !v.isUndefined() {
			vals = append(vals, v)
		}
	}
	return f.bounded(arrayOf(vals))
}

func (e *objectExpr) eval(f *frame) value {
	keys, vals := make([]string, 0, len(e.keys)), make([]value, 0, len(e.keys))
	for i, x := range e.vals {
		if v := x.eval(f); !v.isUndefined() {
			keys, vals = append(keys, e.keys[i]), append(vals, v)
		}
	}
	return f.bounded(objectOf(keys, vals))
}

// unaryExpr is NOT, -, + or ~.
type unaryExpr struct {
	op    byte // 'N' for NOT
	inner expr
}

func (e *unaryExpr) eval(f *frame) value { return unary(e.op, e.inner.eval(f)) }

func unary(op byte, v value) value {
	if op == 'N' {
		if v.kind != kindBool {
			return undefined
		}
		return boolean(!v.truth)
	}
	if v.kind != kindNumber {
		return undefined
	}
	switch op {
	case '-':
		if i, ok := v.integer(); ok && v.stored && i > 1<<53 {
			return integer(-i) // more digits than a double holds
		}
		return number(-v.float())
	case '~':
		return number(float64(^toInt32(v.float())))
	default:
		return number(v.float())
	}
}

// arithmeticExpr is a binary operator on numbers.
type arithmeticExpr struct {
	op          string
	left, right expr
}

func (e *arithmeticExpr) eval(f *frame) value {
	l, r := e.left.eval(f), e.right.eval(f)
	if l.kind != kindNumber || r.kind != kindNumber {
		return undefined
	}
	return number(arithmetic(e.op, l.float(), r.float()))
}

func arithmetic(op string, x, y float64) float64 {
	switch op {
	case "+":
		return x + y
	case "-":
		return x - y
	case "*":
		return x * y
	case "/":
		return x / y
	case "%":
		return math.Mod(x, y)
	case "&":
		return float64(toInt32(x) & toInt32(y))
	case "|":
		return float64(toInt32(x) | toInt32(y))
	case "^":
		return float64(toInt32(x) ^ toInt32(y))
	case "<<":
		return float64(toInt32(x) << (uint32(toInt32(y)) & 31))
	case ">>":
		return float64(toInt32(x) >> (uint32(toInt32(y)) & 31))
	default: // >>>
		return float64(uint32(toInt32(x)) >> (uint32(toInt32(y)) & 31))
	}
}

// toInt32 converts as JavaScript does: truncate, then keep the low 32 bits.
func toInt32(f float64) int32 {
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return 0
	}
	return int32(uint32(int64(math.Mod(math.Trunc(f), 1<<32))))
}

type concatExpr struct{ left, right expr }

func (e *concatExpr) eval(f *frame) value {
	l, r := e.left.eval(f), e.right.eval(f)
	if l.kind != kindString || r.kind != kindString {
		return undefined
	}
	a, b := l.bytes(), r.bytes()
	if len(a)+len(b) > largestValue {
		return f.fail(tooLarge())
	}
	return text(append(append(make([]byte, 0, len(a)+len(b)), a...), b...))
}

type coalesceExpr struct{ left, right expr }

func (e *coalesceExpr) eval(f *frame) value {
	if v := e.left.eval(f); !v.isUndefined() {
		return v
	}
	return e.right.eval(f)
}

type ternaryExpr struct{ cond, yes, no expr }

func (e *ternaryExpr) eval(f *frame) value {
	if e.cond.eval(f).isTrue() {
		return e.yes.eval(f)
	}
	return e.no.eval(f)
}
