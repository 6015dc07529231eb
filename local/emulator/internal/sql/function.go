package sql

import (
	"fmt"
	"strings"
)

// function is a built-in function. It sees its arguments evaluated and returns undefined for those it cannot take.
type function struct {
	min, max int // number of arguments; max -1 for any
	call     func(f *frame, args []value) value
}

// functions lists every supported function by its name in upper case. The files func_*.go hold one family each.
var functions = map[string]function{}

func register(family map[string]function) {
	for name, fn := range family {
		if _, taken := functions[name]; taken {
			panic("sql: function registered twice: " + name)
		}
		functions[name] = fn
	}
}

func init() {
	for _, family := range []map[string]function{
		typeFunctions, stringFunctions, convertFunctions, arrayFunctions, setFunctions,
		mathFunctions, integerFunctions, dateFunctions, dateArithmetic, conditionalFunctions, fullTextFunctions,
	} {
		register(family)
	}
}

// refused are functions that the service knows and this package does not.
var refused = map[string]string{
	"ST_AREA": "spatial", "ST_DISTANCE": "spatial", "ST_INTERSECTS": "spatial", "ST_ISVALID": "spatial",
	"ST_ISVALIDDETAILED": "spatial", "ST_WITHIN": "spatial",
	"VECTORDISTANCE": "vector", "FULLTEXTSCORE": "full-text ranking", "RRF": "full-text ranking",
	"DOCUMENTID": "item", "DATETIMEFORMAT": "date formatting",
}

// callExpr is a call of a built-in function.
type callExpr struct {
	name string
	fn   func(f *frame, args []value) value
	args []expr
}

func (e *callExpr) eval(f *frame) value {
	base, size := len(f.args), 0
	for _, x := range e.args {
		v := x.eval(f)
		f.args = append(f.args, v)
		size += v.size()
	}
	if size > 2*largestValue {
		f.args = f.args[:base]
		return f.fail(tooLarge())
	}
	v := e.fn(f, f.args[base:len(f.args):len(f.args)])
	f.args = f.args[:base]
	return f.bounded(v)
}

// call resolves a function call.
func (r *resolver) call(s *scope, n *callNode) (expr, *Error) {
	if isAggregate(n.name) {
		return r.aggregate(s, n)
	}
	fn, ok := functions[n.name]
	if !ok {
		written := r.src[n.start:min(n.start+len(n.name), len(r.src))]
		if family, known := refused[n.name]; known || strings.HasPrefix(n.name, "ST_") {
			if !known {
				family = "spatial"
			}
			return nil, errorAt(Unsupported, n.start, n.stop, "'%s' is not supported: %s functions are not available.", written, family)
		}
		return nil, errorAt(Unsupported, n.start, n.stop, "'%s' is not a recognized built-in function name.", written)
	}
	if len(n.args) < fn.min || fn.max >= 0 && len(n.args) > fn.max {
		return nil, errorAt(Semantic, n.start, n.stop, "The %s function requires %s.", n.name, fn.arity())
	}
	args, err := r.exprs(s, n.args)
	if err != nil {
		return nil, err
	}
	return &callExpr{n.name, fn.call, args}, nil
}

func (fn function) arity() string {
	switch {
	case fn.max == fn.min:
		return fmt.Sprintf("%d argument(s)", fn.min)
	case fn.max < 0:
		return fmt.Sprintf("at least %d argument(s)", fn.min)
	default:
		return fmt.Sprintf("%d to %d argument(s)", fn.min, fn.max)
	}
}

// kinds reports whether the arguments have these types.
func kinds(args []value, want ...kind) bool {
	for i, k := range want {
		if args[i].kind != k {
			return false
		}
	}
	return true
}

// flag reads an optional boolean argument; not ok if it is there and no boolean.
func flag(args []value, i int) (set, ok bool) {
	if i >= len(args) {
		return false, true
	}
	return args[i].truth, args[i].kind == kindBool
}
