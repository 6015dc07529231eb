package wire_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"supergame/services/platform/fault"
	"supergame/services/platform/grpcserver/wire"
)

// Every kind keeps everything on the way there and back, except what callers must not see.
func TestRoundTripOfEveryKind(t *testing.T) {
	seen := map[codes.Code]fault.Kind{}
	for kind := fault.Internal; kind <= fault.DataLoss; kind++ {
		t.Run(kind.String(), func(t *testing.T) {
			sent := fault.New(kind, "SOME_REASON", "wörds for %s", "people").After(1500*time.Millisecond).With("player", "p1")
			sent.Fields = []fault.Field{{Path: "a.b", Description: "is wrong"}}
			s := wire.Status(fmt.Errorf("context: %w", sent.Because(errors.New("secret cause"))), "r1")
			if other, twice := seen[s.Code()]; twice {
				t.Errorf("%s and %s share code %s", kind, other, s.Code())
			}
			seen[s.Code()] = kind

			want := sent
			if kind == fault.Internal || kind == fault.DataLoss {
				want = &fault.Error{Kind: kind, Reason: strings.ToUpper(strings.ReplaceAll(kind.String(), " ", "_")), Message: "something went wrong here"}
			}
			got := wire.Fault(s)
			if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(fault.Error{}, "Cause"), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(got.Error(), "r1") {
				t.Errorf("%q does not name the remote call", got)
			}
			if strings.Contains(fmt.Sprint(s.Proto()), "secret") {
				t.Errorf("the cause is shown: %v", s.Proto())
			}
		})
	}
	if (fault.DataLoss + 1).String() != "kind(15)" {
		t.Error("a kind was added to package fault; this test does not cover it")
	}
}

func TestFaultOf(t *testing.T) {
	tests := []struct {
		name string
		err  error
		want fault.Kind
	}{
		{"plain", errors.New("x"), fault.Internal},
		{"deadline", fmt.Errorf("reading: %w", context.DeadlineExceeded), fault.DeadlineExceeded},
		{"canceled", context.Canceled, fault.Canceled},
		{"generated stub", status.Error(codes.Unimplemented, "method X not implemented"), fault.Unimplemented},
		{"wrapped status", fmt.Errorf("calling: %w", status.Error(codes.Aborted, "x")), fault.Aborted},
		{"unknown code", status.Error(codes.Unknown, "x"), fault.Internal},
		{"future code", status.Error(codes.Code(99), "x"), fault.Internal},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := wire.FaultOf(test.err); got == nil || got.Kind != test.want {
				t.Errorf("got %v, want kind %s", got, test.want)
			}
		})
	}
	if wire.FaultOf(nil) != nil || wire.Status(nil, "r").Err() != nil || wire.Fault(nil) != nil || wire.Fault(status.New(codes.OK, "")) != nil {
		t.Error("no error became one")
	}
	if got := wire.Status(&fault.Error{Kind: 200}, ""); got.Code() != codes.Internal {
		t.Errorf("an unknown kind gave %s", got.Code())
	}
}

// Statuses travel in headers: however much goes wrong, an error stays small and valid.
func TestStatusIsBounded(t *testing.T) {
	many := fault.New(fault.InvalidArgument, "R", "%s\xff", strings.Repeat("ü", 2000))
	for i := range 100 {
		many = many.With(fmt.Sprint("key", i), strings.Repeat("v", 5000))
		many.Fields = append(many.Fields, fault.Field{Path: "f[\xff]" + strings.Repeat("p", 500), Description: strings.Repeat("d", 500)})
	}
	s := wire.Status(many, "r1")
	// 8 KiB, less 2 KiB for a session, a third for base64 and up to 1.5 KiB for the message once more, percent-encoded.
	if size := proto.Size(s.Proto()); size > 3400 || size < 1000 {
		t.Errorf("the status has %d bytes", size)
	}
	for _, detail := range s.Details() {
		if bad, ok := detail.(*errdetails.BadRequest); ok {
			last := bad.GetFieldViolations()[len(bad.GetFieldViolations())-1]
			if want := fmt.Sprintf("and %d more", 101-len(bad.GetFieldViolations())); last.GetDescription() != want || len(bad.GetFieldViolations()) < 4 {
				t.Errorf("the last violation says %q", last.GetDescription())
			}
			return
		}
	}
	t.Error("no BadRequest")
}

// A fault passes any number of services unchanged, whatever of it fits into the first status.
func TestSeveralHops(t *testing.T) {
	sent := fault.New(fault.FailedPrecondition, "NOT_YET", "the season is over").After(time.Minute).With("season", "7").With("board", "b")
	for i := range 12 {
		sent.Fields = append(sent.Fields, fault.Field{Path: fmt.Sprintf("entries[%d].score", i), Description: "is more than the season's best"})
	}
	got := wire.Fault(wire.Status(sent, "r1"))
	for hop := range 3 {
		got = wire.Fault(wire.Status(fmt.Errorf("hop %d: %w", hop, got), "r2"))
	}
	if diff := cmp.Diff(sent, got, cmpopts.IgnoreFields(fault.Error{}, "Cause")); diff != "" {
		t.Error(diff)
	}
}

// A message of the fault's own reaches the caller and passes hops, unless it does not fit, or the fault is a defect of ours.
func TestDetail(t *testing.T) {
	detail := &errdetails.Help{Links: []*errdetails.Help_Link{{Description: "what to do", Url: "https://example.test"}}}
	sent := fault.New(fault.AlreadyExists, "TAKEN", "it is taken").WithDetail(detail)
	got := wire.Fault(wire.Status(wire.Fault(wire.Status(sent, "r1")), "r2"))
	help, ok := got.Detail.(*errdetails.Help)
	if !ok || !proto.Equal(help, detail) || got.Reason != "TAKEN" {
		t.Errorf("it came back as %v", got.Detail)
	}
	large := &errdetails.Help{Links: []*errdetails.Help_Link{{Description: strings.Repeat("x", 5000)}}}
	for name, f := range map[string]*fault.Error{
		"a large one":   sent.WithDetail(large),
		"no message":    sent.WithDetail("text"),
		"a defect":      fault.New(fault.Internal, "X", "x").WithDetail(detail),
		"beside fields": fault.Invalid("a", "is wrong").WithDetail(detail),
	} {
		s := wire.Status(f, "r1")
		if got := wire.Fault(s); got.Detail != nil || got.Kind != f.Kind || len(s.Details()) == 0 {
			t.Errorf("%s: %v, %v", name, got.Detail, s)
		}
	}
}
