package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/suspension"
	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// SuspendPlayer keeps a player out.
func (s *Identity) SuspendPlayer(ctx context.Context, r *identityv1.SuspendPlayerRequest) (*identityv1.SuspendPlayerResponse, error) {
	until, err := timeOf("until_time", r.GetUntilTime())
	if err != nil {
		return nil, err
	}
	order := order(auth.CallerFrom(ctx), r)
	order.Until = until
	order.Request.Asks = "suspend\x00" + until.Format(time.RFC3339Nano) + "\x00" + r.GetPlayerId() + r.GetReason()
	row, err := s.nouns.Suspensions.Suspend(ctx, order)
	if err != nil {
		return nil, err
	}
	return &identityv1.SuspendPlayerResponse{Suspension: s.encodeSuspension(row)}, nil
}

// LiftSuspension lets a player in again.
func (s *Identity) LiftSuspension(ctx context.Context, r *identityv1.LiftSuspensionRequest) (*identityv1.LiftSuspensionResponse, error) {
	order := order(auth.CallerFrom(ctx), r)
	order.Request.Asks = "lift\x00" + r.GetPlayerId() + r.GetReason()
	row, err := s.nouns.Suspensions.Lift(ctx, order)
	if err != nil {
		return nil, err
	}
	return &identityv1.LiftSuspensionResponse{Suspension: s.encodeSuspension(row)}, nil
}

// GetSuspension gives the suspension of a player.
func (s *Identity) GetSuspension(ctx context.Context, r *identityv1.GetSuspensionRequest) (*identityv1.GetSuspensionResponse, error) {
	row, err := s.nouns.Suspensions.Get(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	return &identityv1.GetSuspensionResponse{Suspension: s.encodeSuspension(row)}, nil
}

// order is what the requests that change a suspension have in common.
func order(caller auth.Caller, r interface {
	GetPlayerId() string
	GetReason() string
	GetRequestId() string
},
) suspension.Order {
	return suspension.Order{
		PlayerID: r.GetPlayerId(), Actor: caller.Subject, Reason: r.GetReason(), Request: request(caller, r.GetRequestId(), "", ""),
	}
}

// timeOf reads a time that may be unset. One that no calendar has is the caller's mistake.
func timeOf(field string, t *timestamppb.Timestamp) (time.Time, error) {
	if t == nil {
		return time.Time{}, nil
	}
	if err := t.CheckValid(); err != nil {
		return time.Time{}, fault.Invalid(field, "is not a time").Because(err)
	}
	return t.AsTime(), nil
}

var actions = map[suspension.Action]identityv1.SuspensionChange_Action{
	suspension.Suspend: identityv1.SuspensionChange_ACTION_SUSPEND,
	suspension.Lift:    identityv1.SuspensionChange_ACTION_LIFT,
	suspension.Expire:  identityv1.SuspensionChange_ACTION_EXPIRE,
}

func (s *Identity) encodeSuspension(r suspension.Row) *identityv1.Suspension {
	encoded := &identityv1.Suspension{
		PlayerId: r.PlayerID, Suspended: r.Suspended(s.nouns.Suspensions.Now()), Version: r.Version, Propagated: !r.Pending,
	}
	if encoded.GetSuspended() && !r.Until.IsZero() {
		encoded.UntilTime = timestamppb.New(r.Until)
	}
	for i := len(r.History) - 1; i >= 0; i-- {
		encoded.History = append(encoded.History, encodeChange(r.History[i]))
	}
	return encoded
}

func encodeChange(c suspension.Change) *identityv1.SuspensionChange {
	encoded := &identityv1.SuspensionChange{Action: actions[c.Action], ChangeTime: timestamppb.New(c.Time), Actor: c.Actor, Reason: c.Reason}
	if !c.Until.IsZero() {
		encoded.UntilTime = timestamppb.New(c.Until)
	}
	return encoded
}
