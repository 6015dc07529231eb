package leaderboard

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard/internal/archive"
	"supergame/services/leaderboard/internal/board"
	"supergame/services/leaderboard/internal/clients"
	"supergame/services/leaderboard/internal/cosmosstore"
	"supergame/services/leaderboard/internal/erasure"
	"supergame/services/leaderboard/internal/loop"
	"supergame/services/leaderboard/internal/ranks"
	"supergame/services/leaderboard/internal/reward"
	"supergame/services/leaderboard/internal/season"
	"supergame/services/leaderboard/internal/snapshot"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
)

// archive builds what reads closed seasons.
func (s *Service) archive(definitions *cosmosstore.BoardStore, stored *cosmosstore.EntryStore) {
	s.archives = &season.Closed{
		Seasons: definitions, Entries: stored, Now: s.deps.Now,
		Reader: archive.NewCache(cosmosstore.NewArchives(s.deps.Cosmos, s.deps.Now), archive.CachedDocuments, s.deps.Now),
	}
}

// keepSeasons builds what moves seasons on, shows and reviews them.
func (s *Service) keepSeasons(definitions *cosmosstore.BoardStore, stored *cosmosstore.EntryStore, own *ranks.Own) {
	now, tokens := s.deps.Now, pagetoken.New(nil)
	archives := cosmosstore.NewArchives(s.deps.Cosmos, now)
	rewards := &reward.Rewards{
		Store: cosmosstore.NewGrants(s.deps.Cosmos), Archives: archives, Entries: stored,
		Wallet: &clients.Wallet{Client: profilev1.NewWalletServiceClient(s.deps.Profile)}, Tokens: tokens, Now: now,
	}
	s.keeper = &season.Keeper{
		Store: definitions, Boards: definitions, Seasons: definitions, Archives: archives, View: seen{s.view, s.entries, s.follower.Freshness}, Rewards: rewards,
		Serves: s.serves, Now: now,
	}
	s.retirer = &season.Retirer{View: s.view, Seasons: definitions}
	s.boards.Rewards = rewards
	s.boards.Reviews = &season.Reviews{
		Catalog: s.catalog, Seasons: definitions, Archives: archives, Entries: stored, Tokens: tokens, Now: now, Counts: s.count,
		Took: func(b *board.Board, e *board.Entry) { own.Took(b, e) },
	}
}

// count is how many are ranked in a season, as far as this process knows.
func (s *Service) count(uid string, number int64) int64 {
	index := s.view.Season(uid, number)
	if index == nil {
		return 0
	}
	n, err := index.Count(ranks.List{}, nil, nil)
	if err != nil { // it was archived a moment ago
		return 0
	}
	return n
}

// seen is the view with its age.
type seen struct {
	*ranks.View
	entries   *loop.Entries
	freshness *loop.Freshness
}

// Define makes sure that the view has a board, and the entries that wait for it.
func (v seen) Define(b *board.Board) { v.entries.Defined(b) }

// estimateError is by how much an estimated age may be wrong.
const estimateError = 30 * time.Second

// SeenAll reports whether the view holds everything that was stored until an instant, that second included.
func (v seen) SeenAll(until time.Time) bool {
	if v.entries.Waiting() > 0 { // entries that the feed was read past
		return false
	}
	if v.freshness.Estimated {
		return v.freshness.View().AsOf.After(until.Add(estimateError))
	}
	return v.freshness.Store().After(until)
}

// served names the boards that this deployment serves.
func (s *Service) served() string {
	if len(s.cfg.Boards) == 0 {
		return "all"
	}
	list := slices.Clone(s.cfg.Boards)
	slices.Sort(list)
	return short([]byte(strings.Join(list, ",")))
}

// keepSnapshots builds what stores the view and loads it.
func (s *Service) keepSnapshots(secret []byte) {
	name := s.served()
	store := cosmosstore.NewSnapshots(s.deps.Cosmos, name)
	origin := strings.Join([]string{s.deps.Cosmos.Database(), s.cfg.Region, name, short(secret)}, "|")
	s.taker = &snapshot.Taker{
		Store: store, Chunks: store, View: s.view, Origin: origin, Positions: s.positions, Every: s.cfg.SnapshotEvery, Now: s.deps.Now,
	}
	s.restorer = &snapshot.Restorer{
		Store: store, Chunks: store, View: s.view, Boards: s.catalog, Origin: origin, MaxAge: cosmosstore.SnapshotLife, Now: s.deps.Now,
		Takes: func(ctx context.Context, p snapshot.Position) (bool, error) {
			feed := s.follower.Feed
			_, _, err := feed.Poll(ctx, loop.Position{Min: p.Min, Max: p.Max, Token: p.Token})
			if err != nil && feed.Refused(err) {
				return false, nil
			}
			return err == nil, err
		},
	}
}

// short is a name for something that may be secret or long.
func short(text []byte) string {
	sum := sha256.Sum256(append([]byte("supergame snapshot\x00"), text...))
	return hex.EncodeToString(sum[:8])
}

// positions are those of the feed, when the view holds everything that is behind them.
func (s *Service) positions() []snapshot.Position {
	if s.follower.Ready() != nil {
		return nil
	}
	asOf := s.follower.Freshness.View().AsOf // first: what is read after it makes the positions newer
	list := s.follower.Positions()
	if s.entries.Waiting() > 0 { // entries that stand behind the positions, and not in the view yet
		return nil
	}
	positions := make([]snapshot.Position, len(list))
	for i, at := range list {
		if at.Token == "" {
			return nil
		}
		positions[i] = snapshot.Position{Min: at.Min, Max: at.Max, Token: at.Token, AsOf: asOf}
	}
	return positions
}

// restore loads the snapshot, if there is one to be used.
func (s *Service) restore(ctx context.Context) {
	for try := 0; try < restoreTries && ctx.Err() == nil; try++ {
		positions, err := s.restorer.Restore(ctx)
		switch {
		case err == nil && len(positions) > 0:
			list := make([]loop.Position, len(positions))
			for i, p := range positions {
				list[i] = loop.Position{Min: p.Min, Max: p.Max, Token: p.Token}
			}
			s.follower.Resume(list)
			return
		case err == nil:
			return
		case fault.KindOf(err) != fault.Unavailable && fault.KindOf(err) != fault.ResourceExhausted && fault.KindOf(err) != fault.DeadlineExceeded:
			s.deps.Logger.WarnContext(ctx, "the snapshot is not used: everything is read from the change feed", "error", err)
			return
		}
		s.deps.Logger.WarnContext(ctx, "the snapshot cannot be read now", "error", err)
	}
}

// restoreTries is how often the snapshot is tried to be read before the change feed is, from its beginning.
const restoreTries = 5

// keepPrivacy builds what erases and exports a player.
func (s *Service) keepPrivacy(definitions *cosmosstore.BoardStore) {
	archives, entries := cosmosstore.NewArchives(s.deps.Cosmos, s.deps.Now), cosmosstore.NewPlayerData(s.deps.Cosmos)
	rows := &erasure.Rows{Container: cosmosstore.Archives, Entries: entries, Seasons: definitions, Archives: archives}
	d := s.playerData
	d.Entries, d.Archives, d.Snapshots = cosmosstore.Entries, cosmosstore.Archives, cosmosstore.Snapshots
	d.TombstoneLife = cosmosstore.TombstoneLife
	d.Eraser = &erasure.Eraser{
		Store: entries, Seasons: definitions, Archives: archives, Now: s.deps.Now, Limit: s.cfg.EraseLimit,
		Snapshots: &snapshot.Copies{Store: cosmosstore.NewSnapshots(s.deps.Cosmos, ""), Now: s.deps.Now},
	}
	d.Data = &playerdata.Service{Stores: []playerdata.Store{entries, rows}, Tokens: pagetoken.New(nil), Now: s.deps.Now}
}

// Intervals of what one replica does for all, and of what each does for itself.
const (
	retireEvery   = 10 * time.Second
	snapshotsLook = 30 * time.Second
)

// leased is what one replica does for all, by the name of its lease.
func (s *Service) leased() map[string]loop.Chore {
	list := map[string]loop.Chore{"seasons-" + s.served(): {Name: "move seasons on", Every: s.cfg.SeasonEvery, Round: s.keeper.Round}}
	if s.cfg.SnapshotEvery > 0 {
		list["snapshots-"+s.served()] = loop.Chore{Name: "store the ranks", Every: min(snapshotsLook, s.cfg.SnapshotEvery), Round: s.taker.Round}
	}
	return list
}

// underLease does a chore while this replica holds its lease. That saves work; what a chore writes is safe by versions.
func (s *Service) underLease(ctx context.Context, name string, chore loop.Chore) error {
	lease := cosmos.NewLease(s.deps.Cosmos.Container(cosmosstore.Leases), name, rand.Text())
	err := lease.Run(ctx, func(ctx context.Context) error {
		chore.Run(ctx, s.deps.Logger)
		return nil
	})
	if ctx.Err() == nil {
		return err
	}
	return nil
}
