package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"supergame/services/platform/fault"
)

func TestErrorTravels(t *testing.T) {
	made := fault.New(fault.Aborted, "ETAG_MISMATCH", "profile %s has changed", "p1").Because(io.ErrUnexpectedEOF)
	err := fmt.Errorf("updating: %w", fmt.Errorf("store: %w", made))
	if fault.As(err) != made || fault.KindOf(err) != fault.Aborted || fault.ReasonOf(err) != "ETAG_MISMATCH" || !fault.Is(err, fault.Aborted) {
		t.Errorf("the fault is lost in %v", err)
	}
	if !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if want := "updating: store: aborted: profile p1 has changed: unexpected EOF"; err.Error() != want {
		t.Errorf("%q, want %q", err, want)
	}
}

func TestPlainErrors(t *testing.T) {
	if fault.As(io.EOF) != nil || fault.KindOf(io.EOF) != fault.Internal || fault.ReasonOf(io.EOF) != "" || fault.Is(io.EOF, fault.Internal) {
		t.Error("an error without a fault has one")
	}
	if fault.As(nil) != nil || fault.Is(nil, fault.Internal) {
		t.Error("nil has a fault")
	}
}

// The With methods change copies: a fault in a package variable stays as it is.
func TestCopies(t *testing.T) {
	shared := fault.New(fault.ResourceExhausted, "R", "m").With("a", "1")
	changed := shared.After(time.Second).With("b", "2").Because(io.EOF)
	want := &fault.Error{Kind: fault.ResourceExhausted, Reason: "R", Message: "m", Metadata: map[string]string{"a": "1"}}
	if diff := cmp.Diff(want, shared); diff != "" {
		t.Error(diff)
	}
	if changed.RetryAfter != time.Second || !errors.Is(changed, io.EOF) || len(changed.Metadata) != 2 {
		t.Errorf("changed = %+v", changed)
	}
}

func TestInvalidNamesTheField(t *testing.T) {
	if whole := fault.Invalid("", "names nobody"); whole.Message != "names nobody" {
		t.Errorf("about the whole request: %q", whole.Message)
	}
	got := fault.Invalid("profile.country", "is %q", "Germany")
	want := &fault.Error{
		Kind: fault.InvalidArgument, Reason: "INVALID_FIELD", Message: `profile.country: is "Germany"`,
		Fields: []fault.Field{{Path: "profile.country", Description: `is "Germany"`}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for kind := fault.Internal; kind <= fault.DataLoss; kind++ {
		if name := kind.String(); seen[name] || name == "" {
			t.Errorf("kind %d is called %q", kind, name)
		}
		seen[kind.String()] = true
	}
	if got := (fault.DataLoss + 1).String(); got != "kind(15)" {
		t.Errorf("an unknown kind is called %q", got)
	}
}
