package grpcserver

import (
	"slices"
	"strings"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protoreflect"

	optionsv1 "supergame/proto/gen/supergame/options/v1"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// method is what the chain knows about a method before the first call.
type method struct {
	full      string // "/supergame.profile.v1.ProfileService/GetProfile"
	input     protoreflect.MessageDescriptor
	rule      *optionsv1.Access // nil = refused to everybody
	infra     bool              // health and reflection: open, not validated
	unlimited bool              // health: no rate limit
	players   []fieldPath       // where the ids of players stand in a request; empty where erased ones are taken
	metrics   *methodMetrics
}

// infrastructure are the services that every server has. Their protos know nothing of our options.
var infrastructure = []string{"/grpc.health.v1.", "/grpc.reflection."}

func isInfrastructure(full string) bool {
	return slices.ContainsFunc(infrastructure, func(prefix string) bool { return strings.HasPrefix(full, prefix) })
}

// newMethod reads the options of a method and of the fields of its request.
func newMethod(desc protoreflect.MethodDescriptor) *method {
	m := &method{full: "/" + string(desc.Parent().FullName()) + "/" + string(desc.Name()), input: desc.Input()}
	if isInfrastructure(m.full) {
		m.rule, m.infra = &optionsv1.Access{Public: true}, true
		m.unlimited = strings.HasPrefix(m.full, infrastructure[0])
		return m
	}
	options := desc.Options()
	if proto.HasExtension(options, optionsv1.E_Access) {
		m.rule, _ = proto.GetExtension(options, optionsv1.E_Access).(*optionsv1.Access)
	}
	if erasedToo, _ := proto.GetExtension(options, optionsv1.E_TakesErasedPlayers).(bool); !erasedToo {
		m.players = playerFields(desc.Input())
	}
	return m
}

// errNoRule refuses what nobody has opened.
var errNoRule = fault.New(fault.PermissionDenied, auth.ReasonNoAccessRule, "there is no such method, or nobody may call it")

// allows applies the rule to a caller who has signed in.
func (m *method) allows(caller *auth.Caller) error {
	if caller.Role == auth.RoleService && slices.Contains(m.rule.GetServices(), caller.Subject) {
		return nil
	}
	if slices.Contains(m.rule.GetRoles(), caller.Role.Proto()) {
		return nil
	}
	return fault.New(fault.PermissionDenied, auth.ReasonAccessDenied, "a caller of role %s may not call this method", caller.Role)
}
