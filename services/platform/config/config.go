package config

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
)

// Error is one variable that is missing or wrong.
type Error struct {
	Variable string // its name: "GRPC_ADDR"
	Problem  string // what is wrong with it: "is not set"
	Help     string // what it is for, from the field's `help` tag; may be empty
}

// Error says what is wrong and what to do about it.
func (e *Error) Error() string {
	if e.Help == "" {
		return e.Variable + " " + e.Problem
	}
	return e.Variable + " " + e.Problem + "; set it to " + e.Help
}

// Invalid is what a Validate method returns about one variable. [Load] adds the help of its field. Never put the value of
// a secret into the problem.
func Invalid(variable, problem string, args ...any) *Error {
	return &Error{Variable: variable, Problem: fmt.Sprintf(problem, args...)}
}

// Load reads T, a struct, from environ ("NAME=value" lines, as os.Environ gives them), fills in defaults and calls the
// Validate() error method of T and of every struct inside it that has one. All errors are returned together, each an [*Error]
// (errors.As finds the first).
//
// Variables that T does not name are ignored; an empty value counts as not set.
func Load[T any](environ []string) (T, error) {
	var target T
	value := reflect.ValueOf(&target).Elem()
	if value.Kind() != reflect.Struct {
		return target, fmt.Errorf("config: Load needs a struct, not %s", value.Type())
	}
	l := loader{environment: parseEnviron(environ), help: map[string]string{}}
	l.load(value)
	if len(l.problems) == 0 {
		l.validate(value)
	}
	return target, errors.Join(l.problems...)
}

type loader struct {
	environment map[string]string
	help        map[string]string // by variable
	problems    []error
}

// load fills the fields that have an `env` tag and walks into the structs that have none.
func (l *loader) load(value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if !field.IsExported() {
			continue
		}
		tag, tagged := field.Tag.Lookup("env")
		switch {
		case tag == "-":
		case tagged:
			l.loadVariable(value.Field(i), field, tag)
		case field.Type.Kind() == reflect.Struct:
			l.load(value.Field(i))
		}
	}
}

// loadVariable parses one field alone, in a struct of its own: the parser's errors name the Go field, which may stand in
// several structs, and so it is always known which variable is meant.
func (l *loader) loadVariable(value reflect.Value, field reflect.StructField, tag string) {
	name, _, _ := strings.Cut(tag, ",")
	if help := field.Tag.Get("help"); help != "" { // of two fields with one variable, either may explain it
		l.help[name] = help
	}
	field.Offset, field.Index, field.Anonymous = 0, nil, false
	alone := reflect.New(reflect.StructOf([]reflect.StructField{field}))
	err := env.ParseWithOptions(alone.Interface(), env.Options{Environment: l.environment})
	if err != nil {
		l.problems = append(l.problems, &Error{Variable: name, Problem: problemOf(err), Help: l.help[name]})
		return
	}
	value.Set(alone.Elem().Field(0))
}

// problemOf words the parser's errors for an operator.
func problemOf(err error) string {
	var unset env.VarIsNotSetError
	var empty env.EmptyVarError
	var parse env.ParseError
	var file env.LoadFileContentError
	switch {
	case errors.As(err, &unset), errors.As(err, &empty):
		return "is not set"
	case errors.As(err, &file):
		return "names a file that cannot be read: " + file.Err.Error()
	case errors.As(err, &parse):
		return "cannot be understood as " + kindOf(parse.Type) + ": " + parse.Err.Error()
	default:
		return "cannot be read: " + err.Error()
	}
}

// kindOf describes a Go type to somebody who sets variables.
func kindOf(t reflect.Type) string {
	switch {
	case t.String() == "time.Duration":
		return "a duration such as 500ms or 5s"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() >= reflect.Int && t.Kind() <= reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Slice:
		return "a list separated by commas"
	default:
		return "what is expected"
	}
}

// validate calls the Validate methods, the innermost first.
func (l *loader) validate(value reflect.Value) {
	for i := range value.NumField() {
		field := value.Type().Field(i)
		if _, tagged := field.Tag.Lookup("env"); !tagged && field.IsExported() && field.Type.Kind() == reflect.Struct {
			l.validate(value.Field(i))
		}
	}
	validator, ok := value.Addr().Interface().(interface{ Validate() error })
	if !ok {
		return
	}
	if err := validator.Validate(); err != nil {
		l.report(err)
	}
}

// report adds the help to what a Validate method returned, to each error of several.
func (l *loader) report(err error) {
	if several, ok := err.(interface{ Unwrap() []error }); ok {
		for _, err := range several.Unwrap() {
			l.report(err)
		}
		return
	}
	var variable *Error
	if errors.As(err, &variable) && variable.Help == "" {
		variable.Help = l.help[variable.Variable]
	}
	l.problems = append(l.problems, err)
}

// parseEnviron keeps the last of equal names, as a shell does, and leaves out what is empty.
func parseEnviron(environ []string) map[string]string {
	parsed := make(map[string]string, len(environ))
	for _, line := range environ {
		name, value, found := strings.Cut(line, "=")
		switch {
		case !found || name == "": // on Windows: "=C:=C:\dir"
		case value == "":
			delete(parsed, name)
		default:
			parsed[name] = value
		}
	}
	return parsed
}
