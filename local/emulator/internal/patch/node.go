package patch

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"supergame/local/emulator/internal/rawjson"
)

// node is a JSON value that is taken apart only where an operation goes; the rest stays text, so that a patch keeps the order of
// members and the spelling of numbers.
type node struct {
	raw     json.RawMessage
	members []member // of an object that was opened
	items   []node   // of an array that was opened
	kind    byte     // '{' or '[' when opened, else 0
}

type member struct {
	name  []byte          // may share memory with the document
	raw   json.RawMessage // the name as it was spelled, with quotes; nil for a new member
	value node
}

// usualMembers is up to how many members a list is searched; larger objects get a map while they are taken apart.
const usualMembers = 16

var errMissing = errors.New("the path does not exist")

// open takes an object or array apart; it gives 0 for a scalar.
func (n *node) open() byte {
	if n.kind != 0 {
		return n.kind
	}
	switch firstByte(n.raw) {
	case '{':
		n.openObject()
	case '[':
		n.openArray()
	}
	return n.kind
}

// openObject keeps the order of the members; of a name that stands twice the last value counts, in the first place.
func (n *node) openObject() {
	s := rawjson.Scanner{Data: n.raw}
	n.members = make([]member, 0, usualMembers)
	var at map[string]int
	s.Open('{')
	for !s.Closed('}') {
		spelled := s.Name()
		m := member{name: rawjson.Text(spelled), raw: spelled, value: node{raw: s.Value()}}
		if i := n.twin(at, m.name); i >= 0 {
			n.members[i].value = m.value
			continue
		}
		n.members = append(n.members, m)
		switch {
		case at != nil:
			at[string(m.name)] = len(n.members) - 1
		case len(n.members) == usualMembers:
			at = make(map[string]int, 2*usualMembers)
			for i := range n.members {
				at[string(n.members[i].name)] = i
			}
		}
	}
	n.kind = '{'
}

// twin finds an earlier member of a name, by the map when there is one; -1 when there is none.
func (n *node) twin(at map[string]int, name []byte) int {
	if at == nil {
		return n.member(string(name))
	}
	if i, ok := at[string(name)]; ok {
		return i
	}
	return -1
}

// openArray takes an array apart.
func (n *node) openArray() {
	s := rawjson.Scanner{Data: n.raw}
	s.Open('[')
	for !s.Closed(']') {
		n.items = append(n.items, node{raw: s.Value()})
	}
	n.kind = '['
}

func firstByte(raw []byte) byte {
	for _, c := range raw {
		if c > ' ' {
			return c
		}
	}
	return 0
}

func (n *node) member(name string) int {
	for i := range n.members {
		if string(n.members[i].name) == name {
			return i
		}
	}
	return -1
}

// child finds the value below a step; it stands there until something is added to n or removed from it.
func (n *node) child(step string) (*node, error) {
	switch n.open() {
	case '{':
		if i := n.member(step); i >= 0 {
			return &n.members[i].value, nil
		}
	case '[':
		if i, err := index(step, len(n.items)-1); err == nil {
			return &n.items[i], nil
		}
	}
	return nil, errMissing
}

// parent finds the object or array that holds the last step of a path.
func (n *node) parent(path []string) (*node, error) {
	var err error
	for _, step := range path[:len(path)-1] {
		if n, err = n.child(step); err != nil {
			return nil, fmt.Errorf("%w: nothing stands at %q", errMissing, step)
		}
	}
	if n.open() == 0 {
		return nil, fmt.Errorf("%w: a scalar has nothing below it", errMissing)
	}
	return n, nil
}

// index reads an array index of at most limit.
func index(step string, limit int) (int, error) {
	i, err := strconv.Atoi(step)
	if err != nil || i < 0 || i > limit || len(step) > 1 && step[0] == '0' || step[0] == '+' {
		return 0, fmt.Errorf("%w: %q is not an index of the array", errMissing, step)
	}
	return i, nil
}

func (o *operation) apply(root *node) error {
	holder, err := root.parent(o.path)
	if err != nil && o.kind != "move" {
		return err
	}
	last := o.path[len(o.path)-1]
	switch o.kind {
	case "add":
		return holder.add(last, node{raw: o.value})
	case "set":
		return holder.set(last, node{raw: o.value})
	case "replace":
		target, err := holder.child(last)
		if err != nil {
			return err
		}
		*target = node{raw: o.value}
		return nil
	case "remove":
		_, err := holder.remove(last)
		return err
	case "incr":
		return holder.increment(last, o.value)
	}
	return o.move(root)
}

func (o *operation) move(root *node) error {
	source, err := root.parent(o.from)
	if err != nil {
		return err
	}
	value, err := source.remove(o.from[len(o.from)-1])
	if err != nil {
		return err
	}
	target, err := root.parent(o.path)
	if err != nil {
		return err
	}
	return target.add(o.path[len(o.path)-1], value)
}

// add sets a member, or inserts into an array: at its end for "-".
func (n *node) add(step string, value node) error {
	if n.kind == '{' {
		return n.put(step, value)
	}
	at := len(n.items)
	if step != "-" {
		var err error
		if at, err = index(step, len(n.items)); err != nil {
			return err
		}
	}
	n.items = append(n.items, node{})
	copy(n.items[at+1:], n.items[at:])
	n.items[at] = value
	return nil
}

// set sets a member or an element that is there; "-" appends.
func (n *node) set(step string, value node) error {
	if n.kind == '{' {
		return n.put(step, value)
	}
	if step == "-" {
		return n.add(step, value)
	}
	i, err := index(step, len(n.items)-1)
	if err != nil {
		return err
	}
	n.items[i] = value
	return nil
}

func (n *node) put(name string, value node) error {
	if i := n.member(name); i >= 0 {
		n.members[i].value = value
	} else {
		n.members = append(n.members, member{name: []byte(name), value: value})
	}
	return nil
}

func (n *node) remove(step string) (node, error) {
	if n.kind == '{' {
		i := n.member(step)
		if i < 0 {
			return node{}, errMissing
		}
		value := n.members[i].value
		n.members = slices.Delete(n.members, i, i+1)
		return value, nil
	}
	i, err := index(step, len(n.items)-1)
	if err != nil {
		return node{}, err
	}
	value := n.items[i]
	n.items = slices.Delete(n.items, i, i+1)
	return value, nil
}

// increment adds to a number; a member that is missing becomes the number.
func (n *node) increment(step string, by json.RawMessage) error {
	target, err := n.child(step)
	if err != nil {
		if n.kind == '{' {
			return n.put(step, node{raw: by})
		}
		return err
	}
	c := firstByte(target.raw)
	if target.kind != 0 || c != '-' && (c < '0' || c > '9') {
		return errors.New("the value at the path is not a number")
	}
	sum, err := addNumbers(target.raw, by)
	if err != nil {
		return err
	}
	*target = node{raw: sum}
	return nil
}

// addNumbers adds as the service does, in doubles.
func addNumbers(a, b json.RawMessage) (json.RawMessage, error) {
	var x, y float64
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return nil, errors.New("a number is out of range")
	}
	sum := x + y
	if math.IsInf(sum, 0) {
		return nil, errors.New("the sum is out of range")
	}
	return json.Marshal(sum)
}

// append writes the value.
func (n *node) append(dst []byte) []byte {
	switch n.kind {
	case '{':
		dst = append(dst, '{')
		for i := range n.members {
			m := &n.members[i]
			if i > 0 {
				dst = append(dst, ',')
			}
			if m.raw != nil {
				dst = append(dst, m.raw...)
			} else {
				dst = appendText(dst, m.name)
			}
			dst = m.value.append(append(dst, ':'))
		}
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i := range n.items {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = n.items[i].append(dst)
		}
		return append(dst, ']')
	}
	return append(dst, n.raw...)
}

func appendText(dst, s []byte) []byte {
	b, err := json.Marshal(string(s))
	if err != nil { // a string: cannot be
		return append(dst, `""`...)
	}
	return append(dst, b...)
}
