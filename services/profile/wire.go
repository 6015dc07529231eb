package profile

import (
	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/friends"
	"supergame/services/profile/internal/loop"
	"supergame/services/profile/internal/moderation"
	"supergame/services/profile/internal/profile"
	"supergame/services/profile/internal/rpc"
	"supergame/services/profile/internal/save"
	"supergame/services/profile/internal/statistics"
	"supergame/services/profile/internal/wallet"
)

// build makes the nouns, hands each what it needs of the others, and puts them behind their gRPC services.
func (s *Service) build(cfg Config, deps Deps) error {
	keys, err := cfg.keys()
	if err != nil {
		return err
	}
	data := &playerdata.Service{
		Stores: []playerdata.Store{
			cosmosstore.NewPlayerData(deps.Cosmos), cosmosstore.NewHandlesData(deps.Cosmos, deps.Now), cosmosstore.NewReviewData(deps.Cosmos),
		},
		Tokens: pagetoken.New(nil), Now: deps.Now, Limit: cfg.EraseLimit,
	}
	others, err := newOthers(cfg, deps, keys, data)
	if err != nil {
		return err
	}
	s.connections = others.connections
	profiles, handles := others.profiles(), newHandles(deps, keys)
	wallets := &wallet.Wallets{Store: cosmosstore.NewWallets(deps.Cosmos), Tokens: pagetoken.New(nil), Now: deps.Now}
	friendships := &friends.Friends{
		Store: cosmosstore.NewFriends(deps.Cosmos), Tokens: pagetoken.New(nil), Now: deps.Now, Erased: deps.Erased, Log: deps.Logger,
	}
	stats := &statistics.Service{Store: cosmosstore.NewStatistics(deps.Cosmos), Now: deps.Now, Erased: deps.Erased}
	saves := &save.Saves{Store: cosmosstore.NewSaves(deps.Cosmos), Quota: cfg.Saves.quota(), Now: deps.Now}
	reviews := newReviews(deps)
	reviews.Removers[moderation.DisplayName] = profile.NameRemover{Profiles: profiles}
	reviews.Removers[moderation.SaveDescription] = save.DescriptionRemover{Saves: saves}
	moderator, err := newModerator(cfg.Moderation, reviews, deps)
	if err != nil {
		return err
	}
	profiles.Moderator, saves.Moderator, handles.Moderator = moderator, moderator.Of(moderation.SaveDescription), moderator.Of(moderation.Handle)
	s.servers = []func(grpc.ServiceRegistrar){
		func(r grpc.ServiceRegistrar) {
			profilev1.RegisterProfileServiceServer(r, others.server(rpc.NewProfiles(profiles, rpc.NewHandles(handles))))
		},
		func(r grpc.ServiceRegistrar) { profilev1.RegisterStatisticsServiceServer(r, rpc.NewStatistics(stats)) },
		func(r grpc.ServiceRegistrar) { profilev1.RegisterSaveDataServiceServer(r, rpc.NewSaves(saves)) },
		func(r grpc.ServiceRegistrar) { profilev1.RegisterWalletServiceServer(r, rpc.NewWallets(wallets)) },
		func(r grpc.ServiceRegistrar) { profilev1.RegisterFriendsServiceServer(r, rpc.NewFriends(friendships)) },
		func(r grpc.ServiceRegistrar) {
			profilev1.RegisterModerationServiceServer(r, rpc.NewModeration(reviews))
		},
		func(r grpc.ServiceRegistrar) { profilev1.RegisterPlayerDataServiceServer(r, rpc.NewPlayerData(data)) },
	}
	chores := append(others.chores(), sweepHandles(handles), loop.Chore{Name: "finish removals of reviews", Every: finishEvery, Round: reviews.Finish})
	s.loops = append(s.loops, newChores(deps, chores...).Run)
	if cfg.FeedInterval == 0 {
		return nil
	}
	follower, err := newFollower(cfg, deps, friendships)
	if err != nil {
		return err
	}
	s.loops = append(s.loops, follower.Run)
	return nil
}
