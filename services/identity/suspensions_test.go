package identity_test

import (
	"context"
	"testing"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/credential"
)

// operator is a console.
type operator struct {
	identityv1.IdentityServiceClient
	t testing.TB
}

func (r *replica) operator() *operator {
	r.t.Helper()
	return &operator{identityv1.NewIdentityServiceClient(r.program("console")), r.t}
}

func (o *operator) suspend(playerID, reason string) (*identityv1.Suspension, error) {
	response, err := o.SuspendPlayer(context.WithoutCancel(o.t.Context()), &identityv1.SuspendPlayerRequest{PlayerId: playerID, Reason: reason})
	return response.GetSuspension(), err
}

func (o *operator) suspendUntil(playerID, request string, until *timestamppb.Timestamp) (*identityv1.Suspension, error) {
	response, err := o.SuspendPlayer(context.WithoutCancel(o.t.Context()), &identityv1.SuspendPlayerRequest{
		PlayerId: playerID, Reason: "for a time", UntilTime: until, RequestId: request,
	})
	return response.GetSuspension(), err
}

func (o *operator) lift(playerID string) (*identityv1.Suspension, error) {
	response, err := o.LiftSuspension(context.WithoutCancel(o.t.Context()), &identityv1.LiftSuspensionRequest{PlayerId: playerID, Reason: "was a mistake"})
	return response.GetSuspension(), err
}

func (o *operator) suspension(playerID string) *identityv1.Suspension {
	o.t.Helper()
	response, err := o.GetSuspension(context.WithoutCancel(o.t.Context()), &identityv1.GetSuspensionRequest{PlayerId: playerID})
	if err != nil {
		o.t.Error(err)
	}
	return response.GetSuspension()
}

// identityOf is the id of a device's identity.
func identityOf(device string) string {
	return credential.Subject{Issuer: "device", Name: device}.ID()
}
