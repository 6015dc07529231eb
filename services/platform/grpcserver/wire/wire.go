// Package wire turns faults into gRPC statuses and back. It holds the only table from kinds to codes; grpcserver writes with it and
// grpcclient reads, so that a typed error survives a hop.
package wire

import (
	"context"
	"errors"

	"google.golang.org/grpc/codes"

	"supergame/services/platform/fault"
)

// Domain is the `domain` of every ErrorInfo (https://google.aip.dev/193).
const Domain = "supergame"

// table pairs every kind with its code and with the reason of a fault that gives none. Each code stands once, so that it reads in
// both directions.
var table = [...]struct {
	kind   fault.Kind
	code   codes.Code
	reason string
}{
	{fault.Internal, codes.Internal, "INTERNAL"},
	{fault.InvalidArgument, codes.InvalidArgument, "INVALID_ARGUMENT"},
	{fault.NotFound, codes.NotFound, "NOT_FOUND"},
	{fault.AlreadyExists, codes.AlreadyExists, "ALREADY_EXISTS"},
	{fault.FailedPrecondition, codes.FailedPrecondition, "FAILED_PRECONDITION"},
	{fault.Aborted, codes.Aborted, "ABORTED"},
	{fault.PermissionDenied, codes.PermissionDenied, "PERMISSION_DENIED"},
	{fault.Unauthenticated, codes.Unauthenticated, "UNAUTHENTICATED"},
	{fault.ResourceExhausted, codes.ResourceExhausted, "RESOURCE_EXHAUSTED"},
	{fault.OutOfRange, codes.OutOfRange, "OUT_OF_RANGE"},
	{fault.Unimplemented, codes.Unimplemented, "UNIMPLEMENTED"},
	{fault.Unavailable, codes.Unavailable, "UNAVAILABLE"},
	{fault.DeadlineExceeded, codes.DeadlineExceeded, "DEADLINE_EXCEEDED"},
	{fault.Canceled, codes.Canceled, "CANCELED"},
	{fault.DataLoss, codes.DataLoss, "DATA_LOSS"},
}

// codeOf returns a kind's code and reason; of a kind that is not in the table those of Internal.
func codeOf(kind fault.Kind) (codes.Code, string) {
	for _, row := range table {
		if row.kind == kind {
			return row.code, row.reason
		}
	}
	return table[0].code, table[0].reason
}

// kindOf returns a code's kind and reason. Unknown, and what gRPC may add one day, is Internal.
func kindOf(code codes.Code) (fault.Kind, string) {
	for _, row := range table {
		if row.code == code {
			return row.kind, row.reason
		}
	}
	return table[0].kind, table[0].reason
}

// FaultOf returns the fault that an error amounts to: the one in its chain, that of a gRPC status or an ended context, or Internal.
// Nil for nil.
func FaultOf(err error) *fault.Error {
	if err == nil {
		return nil
	}
	if own := fault.As(err); own != nil {
		return own
	}
	var remote statusError
	switch {
	case errors.As(err, &remote):
		return Fault(remote.GRPCStatus())
	case errors.Is(err, context.DeadlineExceeded):
		return fault.New(fault.DeadlineExceeded, "", "the time of the call ran out").Because(err)
	case errors.Is(err, context.Canceled):
		return fault.New(fault.Canceled, "", "the call was canceled").Because(err)
	}
	return fault.New(fault.Internal, "", "%s", err.Error()).Because(err)
}
