package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/statistics"
)

// Statistics serves supergame.profile.v1.StatisticsService.
type Statistics struct {
	profilev1.UnimplementedStatisticsServiceServer
	statistics *statistics.Service
}

// NewStatistics returns the server of a noun.
func NewStatistics(s *statistics.Service) *Statistics { return &Statistics{statistics: s} }

// UpdateStatistics changes some.
func (s *Statistics) UpdateStatistics(ctx context.Context, r *profilev1.UpdateStatisticsRequest) (*profilev1.UpdateStatisticsResponse, error) {
	after, err := s.statistics.Update(ctx, statisticsCaller(ctx), r.GetPlayerId(), r.GetRequestId(), decodeUpdates(r.GetUpdates()))
	if err != nil {
		return nil, err
	}
	return &profilev1.UpdateStatisticsResponse{Statistics: encodeStatistics(after)}, nil
}

// GetStatistics returns those of one player.
func (s *Statistics) GetStatistics(ctx context.Context, r *profilev1.GetStatisticsRequest) (*profilev1.GetStatisticsResponse, error) {
	found, err := s.statistics.Get(ctx, statisticsCaller(ctx), r.GetPlayerId(), r.GetNames())
	if err != nil {
		return nil, err
	}
	return &profilev1.GetStatisticsResponse{Statistics: encodeStatistics(found)}, nil
}

// BatchGetStatistics returns those of several.
func (s *Statistics) BatchGetStatistics(
	ctx context.Context, r *profilev1.BatchGetStatisticsRequest,
) (*profilev1.BatchGetStatisticsResponse, error) {
	found, missing, err := s.statistics.GetMany(ctx, r.GetPlayerIds(), r.GetNames())
	if err != nil {
		return nil, err
	}
	response := &profilev1.BatchGetStatisticsResponse{MissingPlayerIds: missing}
	for _, one := range found {
		response.Statistics = append(response.Statistics, encodeStatistics(one))
	}
	return response, nil
}

// ResetStatistics removes some, or all.
func (s *Statistics) ResetStatistics(ctx context.Context, r *profilev1.ResetStatisticsRequest) (*profilev1.ResetStatisticsResponse, error) {
	removed, err := s.statistics.Reset(ctx, statisticsCaller(ctx), r.GetPlayerId(), r.GetRequestId(), r.GetNames(), r.GetAll())
	if err != nil {
		return nil, err
	}
	return &profilev1.ResetStatisticsResponse{Removed: encodeStatistics(removed)}, nil
}

var operators = map[profilev1.StatisticOperator]statistics.Operator{
	profilev1.StatisticOperator_STATISTIC_OPERATOR_SUM:  statistics.Sum,
	profilev1.StatisticOperator_STATISTIC_OPERATOR_MAX:  statistics.Max,
	profilev1.StatisticOperator_STATISTIC_OPERATOR_MIN:  statistics.Min,
	profilev1.StatisticOperator_STATISTIC_OPERATOR_LAST: statistics.Last,
}

func decodeUpdates(updates []*profilev1.StatisticUpdate) []statistics.Update {
	decoded := make([]statistics.Update, len(updates))
	for i, u := range updates {
		decoded[i] = statistics.Update{Name: u.GetName(), Operator: operators[u.GetOperator()], Value: u.GetValue()}
	}
	return decoded
}

func encodeStatistics(s statistics.Statistics) *profilev1.PlayerStatistics {
	encoded := &profilev1.PlayerStatistics{PlayerId: s.PlayerID, Values: s.Values}
	if !s.UpdateTime.IsZero() {
		encoded.UpdateTime = timestamppb.New(s.UpdateTime)
	}
	return encoded
}

func statisticsCaller(ctx context.Context) statistics.Caller {
	c := auth.CallerFrom(ctx)
	return statistics.Caller{Role: string(c.Role), Subject: c.Subject, Player: c.Role == auth.RolePlayer}
}
