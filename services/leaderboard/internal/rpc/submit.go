package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"golang.org/x/sync/errgroup"
	"google.golang.org/protobuf/types/known/structpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// SubmitScore submits one result.
func (s *Leaderboards) SubmitScore(ctx context.Context, r *leaderboardv1.SubmitScoreRequest) (*leaderboardv1.SubmitScoreResponse, error) {
	submit, err := decodeSubmit(r)
	if err != nil {
		return nil, err
	}
	results, err := s.Scores.Submit(ctx, caller(ctx), submit)
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.SubmitScoreResponse{Freshness: encodeFreshness(s.Queries.Freshness())}
	for i := range results {
		outcome, err := encodeOutcome(&results[i])
		if err != nil {
			return nil, err
		}
		response.Outcomes = append(response.Outcomes, outcome)
	}
	return response, nil
}

// submitsAtOnce is how many results of a batch are carried out side by side.
const submitsAtOnce = 16

// BatchSubmitScores submits several results.
func (s *Leaderboards) BatchSubmitScores(
	ctx context.Context, r *leaderboardv1.BatchSubmitScoresRequest,
) (*leaderboardv1.BatchSubmitScoresResponse, error) {
	results := make([]*leaderboardv1.BatchSubmitScoresResponse_Result, len(r.GetRequests()))
	var group errgroup.Group
	group.SetLimit(submitsAtOnce)
	for i, one := range r.GetRequests() {
		group.Go(func() error {
			response, err := s.SubmitScore(ctx, one)
			results[i] = &leaderboardv1.BatchSubmitScoresResponse_Result{Response: response}
			if err != nil {
				results[i].Code, results[i].Error = s.Code(err)
			}
			return nil
		})
	}
	_ = group.Wait() // each result has its own error
	return &leaderboardv1.BatchSubmitScoresResponse{Results: results}, nil
}

func decodeSubmit(r *leaderboardv1.SubmitScoreRequest) (scores.Submit, error) {
	submit := scores.Submit{PlayerID: r.GetPlayerId(), RequestID: r.GetRequestId()}
	if t := r.GetAchieveTime(); t != nil {
		if err := t.CheckValid(); err != nil {
			return scores.Submit{}, fault.Invalid("achieve_time", "is not a time: %v", err)
		}
		submit.AchieveTime = t.AsTime()
	}
	for i, score := range r.GetScores() {
		metadata, err := decodeMetadata(score.GetMetadata())
		if err != nil {
			return scores.Submit{}, fault.Invalid("scores["+strconv.Itoa(i)+"].metadata", "is not JSON: %v", err)
		}
		submit.Scores = append(submit.Scores, scores.Score{
			BoardID: score.GetBoardId(), Columns: score.GetColumns(), Metadata: metadata, Inline: score.GetInline(), Segments: score.GetSegments(),
		})
	}
	return submit, nil
}

// decodeMetadata gives the JSON of a struct, the same for the same content: it is part of what names a request.
func decodeMetadata(s *structpb.Struct) ([]byte, error) {
	if s == nil || len(s.GetFields()) == 0 {
		return nil, nil
	}
	if !slices.ContainsFunc(slices.Collect(maps.Values(s.GetFields())), endless) {
		return json.Marshal(s.AsMap())
	}
	return nil, errors.New("it has a number that is infinite or none")
}

// endless reports whether a value has a number in it that JSON does not know.
func endless(v *structpb.Value) bool {
	switch kind := v.GetKind().(type) {
	case *structpb.Value_NumberValue:
		return math.IsNaN(kind.NumberValue) || math.IsInf(kind.NumberValue, 0)
	case *structpb.Value_ListValue:
		return slices.ContainsFunc(kind.ListValue.GetValues(), endless)
	case *structpb.Value_StructValue:
		return slices.ContainsFunc(slices.Collect(maps.Values(kind.StructValue.GetFields())), endless)
	}
	return false
}

func encodeMetadata(text []byte) (*structpb.Struct, error) {
	if len(text) == 0 {
		return nil, nil
	}
	s := &structpb.Struct{}
	if err := s.UnmarshalJSON(text); err != nil {
		return nil, fault.New(fault.DataLoss, "BAD_DOCUMENT", "stored metadata cannot be read").Because(err)
	}
	return s, nil
}

func encodeOutcome(r *scores.Result) (*leaderboardv1.SubmitOutcome, error) {
	outcome := &leaderboardv1.SubmitOutcome{BoardId: r.BoardID, Season: r.Season, Improved: r.Improved}
	e := &r.Entry
	if e.ETag == "" || e.Deleted {
		return outcome, nil
	}
	metadata, err := encodeMetadata(e.Metadata)
	if err != nil {
		return nil, err
	}
	outcome.Entry = &leaderboardv1.Entry{
		PlayerId: e.PlayerID, Rank: r.Place.Rank, GlobalRank: r.Place.Rank, Columns: e.Columns, AchieveTime: timestamp(e.AchieveTime),
		Version: e.Version, Inline: e.Inline, Metadata: metadata,
	}
	return outcome, nil
}

// ListAttempts returns a player's submissions.
func (s *Leaderboards) ListAttempts(ctx context.Context, r *leaderboardv1.ListAttemptsRequest) (*leaderboardv1.ListAttemptsResponse, error) {
	page, err := s.Scores.Attempts(ctx, caller(ctx), r.GetBoardId(), r.GetPlayerId(), sizeOr(r.GetPageSize(), 50), r.GetPageToken())
	if err != nil {
		return nil, err
	}
	response := &leaderboardv1.ListAttemptsResponse{NextPageToken: page.Next}
	for i := range page.Attempts {
		attempt, err := encodeAttempt(&page.Attempts[i])
		if err != nil {
			return nil, err
		}
		response.Attempts = append(response.Attempts, attempt)
	}
	return response, nil
}

func encodeAttempt(a *scores.Attempt) (*leaderboardv1.Attempt, error) {
	metadata, err := encodeMetadata(a.Metadata)
	if err != nil {
		return nil, err
	}
	return &leaderboardv1.Attempt{
		Season: a.Season, Columns: a.Columns, SubmitTime: timestamppb.New(a.Time.Truncate(time.Millisecond)), Improved: a.Improved, Metadata: metadata,
		RequestId: a.RequestID,
	}, nil
}
