package rpc

import (
	"context"
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/moderation"
)

// Moderation serves supergame.profile.v1.ModerationService.
type Moderation struct {
	profilev1.UnimplementedModerationServiceServer
	reviews *moderation.Reviews
}

// NewModeration returns the server of a noun.
func NewModeration(reviews *moderation.Reviews) *Moderation { return &Moderation{reviews: reviews} }

// ListReviews returns a page of the queue.
func (s *Moderation) ListReviews(ctx context.Context, r *profilev1.ListReviewsRequest) (*profilev1.ListReviewsResponse, error) {
	filter := moderation.Filter{State: decodeReviewState(r.GetState()), PlayerID: r.GetPlayerId()}
	found, next, err := s.reviews.List(ctx, filter, int(r.GetPageSize()), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListReviewsResponse{NextPageToken: next}
	for _, review := range found {
		response.Reviews = append(response.Reviews, encodeReview(review))
	}
	return response, nil
}

// GetReview returns one review.
func (s *Moderation) GetReview(ctx context.Context, r *profilev1.GetReviewRequest) (*profilev1.GetReviewResponse, error) {
	review, err := s.reviews.Get(ctx, r.GetReviewId())
	if err != nil {
		return nil, err
	}
	return &profilev1.GetReviewResponse{Review: encodeReview(review)}, nil
}

// DecideReview decides one review.
func (s *Moderation) DecideReview(ctx context.Context, r *profilev1.DecideReviewRequest) (*profilev1.DecideReviewResponse, error) {
	review, err := s.reviews.Decide(ctx, moderation.Decision{
		ID: r.GetReviewId(), Operator: auth.CallerFrom(ctx).Subject, RequestID: r.GetRequestId(), ETag: r.GetEtag(),
		Remove:      r.GetDecision() == profilev1.ReviewDecision_REVIEW_DECISION_REMOVE,
		Replacement: r.GetReplacement(), Note: r.GetNote(),
	})
	if err != nil {
		return nil, err
	}
	return &profilev1.DecideReviewResponse{Review: encodeReview(review)}, nil
}

var reviewStates = map[moderation.State]profilev1.ReviewState{
	moderation.StatePending:  profilev1.ReviewState_REVIEW_STATE_PENDING,
	moderation.StateAccepted: profilev1.ReviewState_REVIEW_STATE_ACCEPTED,
	moderation.StateRemoving: profilev1.ReviewState_REVIEW_STATE_REMOVING,
	moderation.StateRemoved:  profilev1.ReviewState_REVIEW_STATE_REMOVED,
}

// decodeReviewState gives "" for the unspecified state.
func decodeReviewState(state profilev1.ReviewState) moderation.State {
	for stored, encoded := range reviewStates {
		if encoded == state {
			return stored
		}
	}
	return ""
}

func encodeReview(r moderation.Review) *profilev1.Review {
	return &profilev1.Review{
		ReviewId: r.ID, PlayerId: r.PlayerID, Field: string(r.Field), Text: r.Text, Why: r.Why,
		Severity: int32(r.Severity), //nolint:gosec // 0 to 7
		State:    reviewStates[r.State], CreateTime: timestamppb.New(r.CreateTime), DecideTime: timestampOrNone(r.DecideTime),
		DecidedBy: r.DecidedBy, Note: r.Note, Replacement: r.Replacement, TextRemoved: r.TextRemoved, Etag: r.ETag,
	}
}

func timestampOrNone(t time.Time) *timestamppb.Timestamp {
	if t.IsZero() {
		return nil
	}
	return timestamppb.New(t)
}
