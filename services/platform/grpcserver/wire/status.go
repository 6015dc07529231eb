package wire

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/protoadapt"
	"google.golang.org/protobuf/types/known/durationpb"

	"supergame/services/platform/fault"
)

// Limits of what an error may weigh: statuses travel in headers, in base64 and beside the session, and clients accept 8 KiB of them.
const (
	maxTextBytes     = 512
	maxReasonBytes   = 64
	maxFields        = 16
	maxFieldBytes    = 200
	maxFieldsBytes   = 1536 // together
	maxMetadataBytes = 768  // together
	maxDetailBytes   = 1536 // a fault has fields or a detail
)

// statusError is what gRPC's own errors are.
type statusError interface {
	GRPCStatus() *status.Status
}

// Status returns the status of an error for a caller, with the google.rpc details ErrorInfo (reason, domain, metadata), BadRequest (fields),
// RetryInfo and RequestInfo (the id to ask the operator about, if it is not empty), and the fault's own detail where it is a message that fits. Of an Internal or DataLoss fault it shows
// nothing else: the text is for the log. Nil gives OK.
func Status(err error, requestID string) *status.Status {
	f := FaultOf(err)
	if f == nil {
		return nil
	}
	code, reason := codeOf(f.Kind)
	if f.Kind == fault.Internal || f.Kind == fault.DataLoss {
		f = &fault.Error{Kind: f.Kind, Message: "something went wrong here"}
	}
	if f.Reason != "" {
		reason = f.Reason
	}
	details := []protoadapt.MessageV1{&errdetails.ErrorInfo{Reason: clean(reason, maxReasonBytes), Domain: Domain, Metadata: cleanAll(f.Metadata)}}
	if len(f.Fields) > 0 {
		details = append(details, badRequest(f.Fields))
	}
	if f.RetryAfter > 0 {
		details = append(details, &errdetails.RetryInfo{RetryDelay: durationpb.New(f.RetryAfter)})
	}
	if own, ok := f.Detail.(protoadapt.MessageV1); ok && len(f.Fields) == 0 && proto.Size(protoadapt.MessageV2Of(own)) <= maxDetailBytes {
		details = append(details, own)
	}
	if requestID != "" {
		details = append(details, &errdetails.RequestInfo{RequestId: requestID})
	}
	bare := status.New(code, clean(f.Message, maxTextBytes))
	detailed, err := bare.WithDetails(details...)
	if err != nil { // a detail that does not marshal; the code still counts
		return bare
	}
	return detailed
}

func badRequest(fields []fault.Field) *errdetails.BadRequest {
	out := &errdetails.BadRequest{}
	room := maxFieldsBytes
	for i, field := range fields {
		path, description := clean(field.Path, maxFieldBytes), clean(field.Description, maxFieldBytes)
		if room -= len(path) + len(description); i == maxFields || room < 0 {
			rest := fmt.Sprintf("and %d more", len(fields)-i)
			out.FieldViolations = append(out.FieldViolations, &errdetails.BadRequest_FieldViolation{Description: rest})
			break
		}
		out.FieldViolations = append(out.FieldViolations, &errdetails.BadRequest_FieldViolation{Field: path, Description: description})
	}
	return out
}

// cleanAll leaves out, in the order of the keys, what is too much.
func cleanAll(pairs map[string]string) map[string]string {
	if len(pairs) == 0 {
		return nil
	}
	out := make(map[string]string, len(pairs))
	room := maxMetadataBytes
	for _, key := range slices.Sorted(maps.Keys(pairs)) {
		name, value := clean(key, maxFieldBytes), clean(pairs[key], maxTextBytes)
		if size := len(name) + len(value); size <= room {
			room -= size
			out[name] = value
		}
	}
	return out
}

// clean makes text fit to marshal and to send.
func clean(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit-3] + "..."
	}
	return strings.ToValidUTF8(text, "\uFFFD")
}

// Fault returns the fault that a status stands for, nil for OK. The way there and back keeps kind, reason, message, fields,
// retry delay, metadata and detail, but for what [Status] hides or cuts. A status without our details, as gRPC itself makes them, gives
// a fault whose reason is the code's name.
func Fault(s *status.Status) *fault.Error {
	if s.Err() == nil {
		return nil
	}
	kind, reason := kindOf(s.Code())
	f := &fault.Error{Kind: kind, Reason: reason, Message: s.Message()}
	for _, detail := range s.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			f.Reason, f.Metadata = detail.GetReason(), detail.GetMetadata()
		case *errdetails.BadRequest:
			for _, violation := range detail.GetFieldViolations() {
				f.Fields = append(f.Fields, fault.Field{Path: violation.GetField(), Description: violation.GetDescription()})
			}
		case *errdetails.RetryInfo:
			f.RetryAfter = detail.GetRetryDelay().AsDuration()
		case *errdetails.RequestInfo:
			f.Cause = remoteCall(detail.GetRequestId())
		case protoadapt.MessageV1: // the fault's own, of a type that this program knows
			f.Detail = detail
		}
	}
	return f
}

// remoteCall is the cause of a fault that came from another server: its log has more under this id.
type remoteCall string

// Error names the call.
func (id remoteCall) Error() string { return "remote call " + string(id) }
