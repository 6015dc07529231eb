// Package clients is the world outside of the service: what it asks of the profile service, and how long it remembers the answers.
package clients

import (
	"context"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard/internal/lru"
	"supergame/services/leaderboard/internal/query"
	"supergame/services/leaderboard/internal/scores"
	"supergame/services/platform/fault"
)

// How long answers are remembered, and of how many players.
const (
	standingLife = 10 * time.Minute
	namesLife    = 30 * time.Second
	friendsLife  = time.Minute

	standings = 64 << 10
	names     = 64 << 10
	friends   = 4 << 10 // lists of up to 1,000
)

// Limits of the profile service's calls.
const (
	profilesOfACall  = 100
	relationsOfACall = 1000
	callsAtOnce      = 4
)

// Profiles asks the profile service about players. It is safe for concurrent use.
type Profiles struct {
	profiles  profilev1.ProfileServiceClient
	relations profilev1.FriendsServiceClient
	standings *lru.Cache[string, scores.Standing]
	names     *lru.Cache[string, query.Profile]
	friends   *lru.Cache[string, []string]
}

// NewProfiles returns a client that remembers nothing yet.
func NewProfiles(profiles profilev1.ProfileServiceClient, relations profilev1.FriendsServiceClient, now func() time.Time) *Profiles {
	return &Profiles{
		profiles: profiles, relations: relations,
		standings: lru.New[string, scores.Standing](standings, standingLife, now),
		names:     lru.New[string, query.Profile](names, namesLife, now),
		friends:   lru.New[string, []string](friends, friendsLife, now),
	}
}

// Standing says whether a player exists, and what his profile says of segments. It may be 10 minutes old.
func (p *Profiles) Standing(ctx context.Context, playerID string) (scores.Standing, error) {
	if s, ok := p.standings.Get(playerID); ok {
		return s, nil
	}
	answer, err := p.profiles.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: playerID})
	if fault.Is(err, fault.NotFound) {
		return scores.Standing{}, fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", playerID).With("player_id", playerID).Because(err)
	}
	if err != nil {
		return scores.Standing{}, err
	}
	s := scores.Standing{Country: answer.GetProfile().GetCountry(), Suspended: answer.GetProfile().GetSuspended()}
	p.standings.Put(playerID, s)
	return s, nil
}

// Changed takes in what the profile service tells of a player.
func (p *Profiles) Changed(playerID string, s scores.Standing) {
	p.standings.Put(playerID, s)
	p.names.Forget(playerID)
}

// Profiles returns how players are to be shown, each of them. It may be 30 seconds old.
func (p *Profiles) Profiles(ctx context.Context, playerIDs []string) (map[string]query.Profile, error) {
	known := make(map[string]query.Profile, len(playerIDs))
	var missing []string
	for _, id := range playerIDs {
		profile, ok := p.names.Get(id)
		if !ok {
			missing = append(missing, id)
		}
		known[id] = profile
	}
	slices.Sort(missing)
	calls := slices.Collect(slices.Chunk(slices.Compact(missing), profilesOfACall))
	answers := make([]*profilev1.BatchGetProfilesResponse, len(calls))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(callsAtOnce)
	for i, ids := range calls {
		group.Go(func() (err error) {
			answers[i], err = p.profiles.BatchGetProfiles(ctx, &profilev1.BatchGetProfilesRequest{PlayerIds: ids})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, answer := range answers {
		for _, id := range calls[i] {
			known[id] = query.Profile{Concealed: true} // unless the answer has him
		}
		for _, profile := range answer.GetProfiles() {
			known[profile.GetPlayerId()] = shown(profile)
		}
		for _, id := range calls[i] {
			p.names.Put(id, known[id])
		}
	}
	return known, nil
}

// shown is what others see of a player.
func shown(profile *profilev1.Profile) query.Profile {
	if profile.GetSuspended() {
		return query.Profile{Concealed: true}
	}
	return query.Profile{DisplayName: profile.GetDisplayName()}
}

// Friends lists a player's friends, without those that he or they block. It may be a minute old.
func (p *Profiles) Friends(ctx context.Context, playerID string) ([]string, error) {
	if list, ok := p.friends.Get(playerID); ok {
		return list, nil
	}
	var list []string
	for token := ""; ; {
		page, err := p.relations.ListRelations(ctx, &profilev1.ListRelationsRequest{
			PlayerId: playerID, Filter: profilev1.RelationFilter_RELATION_FILTER_FRIENDS, PageSize: relationsOfACall, PageToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, r := range page.GetRelations() {
			if r.GetFriends() && !r.GetBlocks() && !r.GetBlockedBy() {
				list = append(list, r.GetPlayerId())
			}
		}
		if token = page.GetNextPageToken(); token == "" {
			break
		}
	}
	p.friends.Put(playerID, list)
	return list, nil
}

var (
	_ scores.Players = (*Profiles)(nil)
	_ query.Profiles = (*Profiles)(nil)
)
