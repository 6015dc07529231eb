package cosmos

import (
	"fmt"
	"testing"

	"supergame/services/platform/fault"
)

func TestOperationIsDerived(t *testing.T) {
	same := NewOperation("player-1", "request-1", []byte("a"))
	if again := NewOperation("player-1", "request-1", []byte("a")); again != same {
		t.Errorf("the same request gives %v and %v", same, again)
	}
	if len(same.ID()) != 22 || checkID(same.ID()) != nil {
		t.Errorf("ID() = %q", same.ID())
	}
	others := []Operation{
		NewOperation("player-2", "request-1", []byte("a")), NewOperation("player-1", "request-2", []byte("a")),
		NewOperation("player-1r", "equest-1", []byte("a")), same.Step("second"),
	}
	for _, other := range others {
		if other.ID() == same.ID() {
			t.Errorf("%v has the id of %v", other, same)
		}
	}
	if NewOperation("p", "r", []byte("a"), []byte("b")).hash == NewOperation("p", "r", []byte("ab")).hash {
		t.Error("contents that are cut differently have the same hash")
	}
	if got := NewOperation("player-1", ""); got != (Operation{}) || got.Step("x") != (Operation{}) {
		t.Errorf("no request id gives %v", got)
	}
}

func TestOperationAppliedTo(t *testing.T) {
	op := NewOperation("p", "r", []byte("a"))
	plain := NewOperation("p", "r")
	other := NewOperation("p", "r", []byte("b"))
	tests := []struct {
		name   string
		ops    []string
		op     Operation
		want   bool
		reason string
	}{
		{"none", nil, op, false, ""},
		{"another's", []string{NewOperation("p", "q").entry()}, op, false, ""},
		{"same", []string{"x", op.entry()}, op, true, ""},
		{"same without hash", []string{plain.entry()}, op, true, ""},
		{"asked without hash", []string{op.entry()}, plain, true, ""},
		{"other content", []string{other.entry()}, op, true, ReasonRequestIDReused},
	}
	for _, tt := range tests {
		got, err := tt.op.appliedTo(tt.ops)
		if got != tt.want || fault.ReasonOf(err) != tt.reason {
			t.Errorf("%s: %v, %v", tt.name, got, err)
		}
		if tt.reason != "" && !fault.Is(err, fault.AlreadyExists) {
			t.Errorf("%s: %v is not ALREADY_EXISTS", tt.name, err)
		}
	}
}

func TestStampKeepsTheLastEight(t *testing.T) {
	var ops []string
	for i := range 20 {
		before := fmt.Sprint(ops)
		next := NewOperation("p", fmt.Sprint(i)).stamp(ops)
		if fmt.Sprint(ops) != before {
			t.Fatalf("stamp changed its argument: %v", ops)
		}
		ops = next
	}
	if len(ops) != keptOps || ops[keptOps-1] != NewOperation("p", "19").entry() || ops[0] != NewOperation("p", "12").entry() {
		t.Errorf("ops = %v", ops)
	}
}

func TestMintedOperationsDiffer(t *testing.T) {
	a, named := Operation{}.orMinted()
	b, _ := Operation{}.orMinted()
	if a == b || a.ID() == "" || named {
		t.Errorf("minted %v and %v, named %v", a, b, named)
	}
}

func TestForget(t *testing.T) {
	kept, undone := NewOperation("c", "r1", []byte("1")), NewOperation("c", "r2", []byte("2"))
	h := Header{Ops: undone.stamp(kept.stamp(nil))}
	before := h.Ops
	Forget(&h, undone.ID())
	Forget(&h, "")
	if done, _ := undone.AppliedTo(&h); done {
		t.Error("the document still carries the operation")
	}
	if done, err := kept.AppliedTo(&h); !done || err != nil || len(before) != 2 {
		t.Errorf("the other operation: %v, %v", done, err)
	}
}
