package grpcserver

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"buf.build/go/protovalidate"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	"supergame/services/platform/fault"
)

// newValidator compiles the rules of all requests now, so that no call waits for it and a mistake shows at the start.
func newValidator(methods map[string]*method) (protovalidate.Validator, error) {
	inputs := map[protoreflect.FullName]protoreflect.MessageDescriptor{}
	for _, m := range methods {
		if !m.infra {
			inputs[m.input.FullName()] = m.input
		}
	}
	validator, err := protovalidate.New(
		protovalidate.WithMessageDescriptors(slices.Collect(maps.Values(inputs))...), protovalidate.WithDisableLazy())
	if err != nil {
		return nil, fmt.Errorf("compiling the rules of the requests: %w", err)
	}
	return validator, nil
}

// validate applies the proto's rules. Every violation becomes a field of the fault.
func (c *chain) validate(message proto.Message) error {
	err := c.validator.Validate(message)
	if err == nil {
		return nil
	}
	var invalid *protovalidate.ValidationError
	if !errors.As(err, &invalid) || len(invalid.Violations) == 0 {
		return fmt.Errorf("validating the request: %w", err)
	}
	fields := make([]fault.Field, len(invalid.Violations))
	for i, violation := range invalid.Violations {
		fields[i] = fault.Field{Path: protovalidate.FieldPathString(violation.Proto.GetField()), Description: violation.Proto.GetMessage()}
	}
	refused := fault.Invalid(fields[0].Path, "%s", fields[0].Description)
	refused.Fields = fields
	return refused
}
