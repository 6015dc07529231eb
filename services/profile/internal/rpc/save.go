package rpc

import (
	"context"

	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/save"
)

// Saves serves supergame.profile.v1.SaveDataService.
type Saves struct {
	profilev1.UnimplementedSaveDataServiceServer
	saves *save.Saves
}

// NewSaves returns the server of a noun.
func NewSaves(saves *save.Saves) *Saves { return &Saves{saves: saves} }

// PutSave stores one.
func (s *Saves) PutSave(ctx context.Context, r *profilev1.PutSaveRequest) (*profilev1.PutSaveResponse, error) {
	stored, err := s.saves.Put(ctx, saveCaller(ctx), decodePut(r))
	if err != nil {
		return nil, err
	}
	return &profilev1.PutSaveResponse{Save: encodeSave(stored)}, nil
}

// GetSave returns one with its content.
func (s *Saves) GetSave(ctx context.Context, r *profilev1.GetSaveRequest) (*profilev1.GetSaveResponse, error) {
	found, content, err := s.saves.Get(ctx, saveCaller(ctx), r.GetPlayerId(), r.GetSlot())
	if err != nil {
		return nil, err
	}
	return &profilev1.GetSaveResponse{Save: encodeSave(found), Content: content}, nil
}

// ListSaves returns all without their contents.
func (s *Saves) ListSaves(ctx context.Context, r *profilev1.ListSavesRequest) (*profilev1.ListSavesResponse, error) {
	found, usage, err := s.saves.List(ctx, saveCaller(ctx), r.GetPlayerId())
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListSavesResponse{Quota: encodeQuota(usage, s.saves.Quota)}
	for _, one := range found {
		response.Saves = append(response.Saves, encodeSave(one))
	}
	return response, nil
}

// DeleteSave empties a slot.
func (s *Saves) DeleteSave(ctx context.Context, r *profilev1.DeleteSaveRequest) (*profilev1.DeleteSaveResponse, error) {
	deleted, err := s.saves.Delete(ctx, saveCaller(ctx), save.Deletion{
		PlayerID: r.GetPlayerId(), Slot: r.GetSlot(), ETag: r.GetEtag(), AnyVersion: r.GetAnyVersion(), RequestID: r.GetRequestId(),
	})
	if err != nil {
		return nil, err
	}
	return &profilev1.DeleteSaveResponse{Save: encodeSave(deleted)}, nil
}

func decodePut(r *profilev1.PutSaveRequest) save.Put {
	return save.Put{
		PlayerID: r.GetPlayerId(),
		Save: save.Save{
			Version: save.Version{Device: r.GetDevice()}, Slot: r.GetSlot(), Description: r.GetDescription(),
			PlayTime: r.GetPlayTime().AsDuration(), Attributes: r.GetAttributes(),
			Public: r.GetVisibility() == profilev1.SaveVisibility_SAVE_VISIBILITY_PUBLIC,
		},
		Content: r.GetContent(), ExpectedHash: r.GetContentSha256(),
		ETag: r.GetEtag(), Overwrite: r.GetOverwrite(), RequestID: r.GetRequestId(),
	}
}

func encodeSave(s save.Save) *profilev1.Save {
	visibility := profilev1.SaveVisibility_SAVE_VISIBILITY_OWNER
	if s.Public {
		visibility = profilev1.SaveVisibility_SAVE_VISIBILITY_PUBLIC
	}
	return &profilev1.Save{
		Slot: s.Slot, Etag: s.ETag, ContentSha256: s.Hash, Size: s.Size, Description: s.Description, Device: s.Device,
		PlayTime: durationpb.New(s.PlayTime), Attributes: s.Attributes, Visibility: visibility,
		CreateTime: timestamppb.New(s.CreateTime), UpdateTime: timestamppb.New(s.UpdateTime),
	}
}

// encodeQuota gives nil for a caller who does not learn how much the player keeps.
func encodeQuota(u *save.Usage, q save.Quota) *profilev1.SaveQuota {
	if u == nil {
		return nil
	}
	return &profilev1.SaveQuota{Slots: int32(u.Slots), MaxSlots: int32(q.Slots), Bytes: u.Bytes, MaxBytes: q.Bytes} //nolint:gosec // at most 50
}

func saveCaller(ctx context.Context) save.Caller {
	c := auth.CallerFrom(ctx)
	return save.Caller{Role: string(c.Role), Subject: c.Subject, Player: c.Role == auth.RolePlayer}
}
