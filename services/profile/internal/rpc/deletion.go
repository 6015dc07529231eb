package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/erasure"
)

// Deletions serves the deletion of players in supergame.profile.v1.ProfileService.
type Deletions struct {
	erasures *erasure.Erasures
}

// NewDeletions returns the server of a noun.
func NewDeletions(erasures *erasure.Erasures) *Deletions { return &Deletions{erasures: erasures} }

// DeletePlayer deletes a player for good.
func (s *Deletions) DeletePlayer(ctx context.Context, r *profilev1.DeletePlayerRequest) (*profilev1.DeletePlayerResponse, error) {
	deletion, err := s.erasures.Delete(ctx, eraser(ctx), r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	encoded := encodeDeletion(deletion)
	if eraser(ctx).Player {
		hideWorkings(encoded)
	}
	return &profilev1.DeletePlayerResponse{Deletion: encoded, Receipt: s.erasures.Names.Receipt(deletion.ID)}, nil
}

// GetDeletion returns the deletion of a player.
func (s *Deletions) GetDeletion(ctx context.Context, r *profilev1.GetDeletionRequest) (*profilev1.GetDeletionResponse, error) {
	deletion, err := s.erasures.Get(ctx, r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	return &profilev1.GetDeletionResponse{Deletion: encodeDeletion(deletion)}, nil
}

// CheckDeletion returns the deletion of a receipt.
func (s *Deletions) CheckDeletion(ctx context.Context, r *profilev1.CheckDeletionRequest) (*profilev1.CheckDeletionResponse, error) {
	deletion, err := s.erasures.Check(ctx, r.GetReceipt())
	if err != nil {
		return nil, err
	}
	encoded := encodeDeletion(deletion)
	hideWorkings(encoded)
	return &profilev1.CheckDeletionResponse{Deletion: encoded}, nil
}

// hideWorkings leaves out what is for operators.
func hideWorkings(d *profilev1.Deletion) {
	d.Requester = ""
	for _, p := range d.GetParticipants() {
		p.Failures, p.FailureReason, p.RetryTime = 0, "", nil
	}
}

// ListDeletions returns a page of all deletions.
func (s *Deletions) ListDeletions(ctx context.Context, r *profilev1.ListDeletionsRequest) (*profilev1.ListDeletionsResponse, error) {
	page, err := s.erasures.List(ctx, int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &profilev1.ListDeletionsResponse{Deletions: briefly(page.Deletions), NextPageToken: page.Next}, nil
}

// ReapplyDeletions deletes again those of a page of players who were deleted before.
func (s *Deletions) ReapplyDeletions(ctx context.Context, r *profilev1.ReapplyDeletionsRequest) (*profilev1.ReapplyDeletionsResponse, error) {
	page, err := s.erasures.Reapply(ctx, eraser(ctx), r.GetDeletionIds(), int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	return &profilev1.ReapplyDeletionsResponse{
		Examined: int32(page.Examined), Deletions: briefly(page.Deletions), NextPageToken: page.Next, //nolint:gosec // at most a page
	}, nil
}

func eraser(ctx context.Context) erasure.Caller {
	c := auth.CallerFrom(ctx)
	return erasure.Caller{Subject: c.Subject, Player: c.Role == auth.RolePlayer}
}

func briefly(list []erasure.Deletion) []*profilev1.Deletion {
	encoded := make([]*profilev1.Deletion, len(list))
	for i, d := range list {
		encoded[i] = encodeDeletion(d)
		encoded[i].Participants = nil
	}
	return encoded
}

func encodeDeletion(d erasure.Deletion) *profilev1.Deletion {
	encoded := &profilev1.Deletion{
		DeletionId: d.ID, State: profilev1.Deletion_State(d.State), CreateTime: timestamppb.New(d.CreateTime), UpdateTime: timestamppb.New(d.UpdateTime),
		Requester: d.Requester, Reapplied: int32(d.Reapplied), //nolint:gosec // a count by hand
	}
	for _, p := range d.Participants {
		encoded.Participants = append(encoded.Participants, &profilev1.Deletion_Participant{
			Service: p.Service, Done: p.Done, Failures: int32(p.Failures), FailureReason: p.Reason, RetryTime: timeOrNone(p.RetryTime), //nolint:gosec // an hour each
		})
	}
	if d.State >= erasure.Certified {
		encoded.Certificate = encodeCertificate(d)
	}
	return encoded
}

func encodeCertificate(d erasure.Deletion) *profilev1.Deletion_Certificate {
	certificate := &profilev1.Deletion_Certificate{Final: d.State == erasure.Final, CertifyTime: timestamppb.New(d.CertifyTime)}
	for _, p := range d.Participants {
		for _, s := range p.Stores {
			certificate.Stores = append(certificate.Stores, &profilev1.Deletion_Store{
				Service: p.Service, Container: s.Name, Deleted: s.Deleted, SweepTime: timestamppb.New(s.SweepTime),
			})
		}
	}
	for _, r := range d.Remainders() {
		certificate.Remainders = append(certificate.Remainders, &profilev1.Deletion_Remainder{
			Service: r.Service, Container: r.Container, What: r.What, UntilTime: timestamppb.New(r.Until),
		})
	}
	return certificate
}

func timeOrNone(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
