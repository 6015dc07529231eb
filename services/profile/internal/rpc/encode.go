package rpc

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/profile/internal/profile"
)

func view(v profilev1.ProfileView) profile.View {
	if v == profilev1.ProfileView_PROFILE_VIEW_FULL {
		return profile.Full
	}
	return profile.Public
}

// decodePlayer leaves out what a caller cannot set.
func decodePlayer(p *profilev1.Profile) profile.Player {
	player := profile.Player{Profile: profile.Profile{
		PlayerID: p.GetPlayerId(), DisplayName: p.GetDisplayName(), Avatar: p.GetAvatar(), Country: p.GetCountry(),
		Languages: p.GetLanguages(), ETag: p.GetEtag(),
	}}
	if private := p.GetPrivate(); private != nil {
		player.Private = &profile.Private{Settings: private.GetSettings(), Flags: private.GetFlags(), ETag: private.GetEtag()}
	}
	return player
}

func encodePlayer(p profile.Player) *profilev1.Profile {
	encoded := encodeProfile(p.Profile)
	if p.Private != nil {
		encoded.Private = &profilev1.PrivateProfile{
			Settings: p.Private.Settings, Flags: p.Private.Flags, UpdateTime: timestamppb.New(p.Private.UpdateTime), Etag: p.Private.ETag,
		}
	}
	return encoded
}

func encodeProfile(p profile.Profile) *profilev1.Profile {
	return &profilev1.Profile{
		PlayerId: p.PlayerID, Handle: p.Handle, DisplayName: p.DisplayName, Avatar: p.Avatar, Country: p.Country, Languages: p.Languages,
		JoinTime: timestamppb.New(p.JoinTime), UpdateTime: timestamppb.New(p.UpdateTime), Etag: p.ETag,
		Suspended: p.Suspended,
	}
}

func encodeProfiles(list []profile.Profile) []*profilev1.Profile {
	encoded := make([]*profilev1.Profile, len(list))
	for i, p := range list {
		encoded[i] = encodeProfile(p)
	}
	return encoded
}
