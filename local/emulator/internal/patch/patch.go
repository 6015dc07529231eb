// Package patch applies partial document updates: add, set, replace, remove, incr and move on the JSON of an item.
// https://learn.microsoft.com/azure/cosmos-db/partial-document-update
package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// MaxOperations is how many operations one patch may have.
const MaxOperations = 10

// Patch is a checked list of operations. It is immutable.
type Patch struct {
	// Condition is the predicate of the request, "from c where …", empty when there is none.
	Condition  string
	operations []operation
}

// Len is the number of operations.
func (p *Patch) Len() int { return len(p.operations) }

type operation struct {
	kind       string
	path, from []string
	value      json.RawMessage
}

// Parse reads the body of a patch request: {"condition":…,"operations":[{"op","path","value","from"}]}. frozen are paths that no
// operation may touch: the partition key's. Errors are for the caller to read.
func Parse(body []byte, frozen [][]string) (*Patch, error) {
	var request struct {
		Condition  string `json:"condition"`
		Operations []struct {
			Op    string          `json:"op"`
			Path  *string         `json:"path"`
			From  *string         `json:"from"`
			Value json.RawMessage `json:"value"`
		} `json:"operations"`
	}
	if err := json.Unmarshal(body, &request); err != nil {
		return nil, fmt.Errorf("the patch is not valid JSON: %w", err)
	}
	if len(request.Operations) == 0 {
		return nil, errors.New("the patch has no operations")
	}
	if len(request.Operations) > MaxOperations {
		return nil, fmt.Errorf("the number of patch operations can't exceed %d", MaxOperations)
	}
	p := &Patch{Condition: request.Condition}
	for i, given := range request.Operations {
		op := operation{kind: strings.ToLower(given.Op), value: given.Value}
		if op.kind == "increment" {
			op.kind = "incr"
		}
		err := op.paths(given.Path, given.From)
		if err == nil {
			err = op.check(frozen)
		}
		if err != nil {
			return nil, fmt.Errorf("for operation(%d): %w", i+1, err)
		}
		p.operations = append(p.operations, op)
	}
	return p, nil
}

func (o *operation) paths(path, from *string) (err error) {
	if path == nil {
		return errors.New("path is missing")
	}
	if o.path, err = pointer(*path); err != nil {
		return err
	}
	if o.kind != "move" {
		return nil
	}
	if from == nil {
		return errors.New("from is missing")
	}
	o.from, err = pointer(*from)
	return err
}

// pointer takes a JSON pointer (RFC 6901) apart.
func pointer(path string) ([]string, error) {
	if !strings.HasPrefix(path, "/") || path == "/" {
		return nil, fmt.Errorf("path %q does not name a property: it has to begin with a slash", path)
	}
	steps := strings.Split(path[1:], "/")
	for i, step := range steps {
		if strings.Contains(step, "~") {
			steps[i] = strings.ReplaceAll(strings.ReplaceAll(step, "~1", "/"), "~0", "~")
		}
	}
	return steps, nil
}

func (o *operation) check(frozen [][]string) error {
	switch o.kind {
	case "add", "set", "replace":
		if len(o.value) == 0 {
			return errors.New("value is missing")
		}
	case "incr":
		if len(o.value) == 0 || o.value[0] != '-' && (o.value[0] < '0' || o.value[0] > '9') {
			return errors.New("value of an increment must be a number")
		}
	case "move":
		if isPrefix(o.from, o.path) {
			return errors.New("path of a move must not be below from")
		}
	case "remove":
	default:
		return fmt.Errorf("op %q is none of add, set, replace, remove, incr, move", o.kind)
	}
	for _, touched := range [][]string{o.path, o.from} {
		if len(touched) == 0 {
			continue
		}
		if isSystem(touched[0]) {
			return fmt.Errorf("the property %q cannot be patched", touched[0])
		}
		for _, f := range frozen {
			if isPrefix(f, touched) || isPrefix(touched, f) {
				return fmt.Errorf("the partition key /%s cannot be patched", strings.Join(f, "/"))
			}
		}
	}
	return nil
}

func isSystem(name string) bool {
	switch name {
	case "id", "_rid", "_self", "_etag", "_ts", "_attachments", "_lsn":
		return true
	}
	return false
}

// isPrefix says whether path is at or below the path a.
func isPrefix(a, path []string) bool {
	if len(a) > len(path) {
		return false
	}
	for i := range a {
		if a[i] != path[i] {
			return false
		}
	}
	return true
}

// Apply makes the new document; doc is a JSON object and stays as it is.
func (p *Patch) Apply(doc []byte) ([]byte, error) {
	root := &node{raw: doc}
	for i, op := range p.operations {
		if err := op.apply(root); err != nil {
			return nil, fmt.Errorf("for operation(%d): %w", i+1, err)
		}
	}
	return root.append(make([]byte, 0, len(doc)+256)), nil
}
