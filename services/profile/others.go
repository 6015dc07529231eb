package profile

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"time"

	"go.opentelemetry.io/otel/metric"
	"go.opentelemetry.io/otel/metric/noop"
	"google.golang.org/grpc"

	"supergame/services/platform/config"
	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
	"supergame/services/platform/playerdata"
	"supergame/services/profile/internal/announce"
	"supergame/services/profile/internal/clients"
	"supergame/services/profile/internal/cosmosstore"
	"supergame/services/profile/internal/erasure"
	"supergame/services/profile/internal/export"
	"supergame/services/profile/internal/loop"
	"supergame/services/profile/internal/profile"
	"supergame/services/profile/internal/rpc"
)

// others is what is done together with other services: players are deleted and exported, and their changes told.
type others struct {
	store     *cosmosstore.Store
	now       func() time.Time
	erased    func(string) bool
	erasures  *erasure.Erasures
	exports   *export.Exports
	announcer *announce.Announcer
	overdue   metric.Int64Gauge

	connections []grpc.ClientConnInterface
}

const identityService = "identity"

var serviceName = regexp.MustCompile(`^[a-z][a-z0-9]{0,39}$`)

// validateServices refuses names that are none.
func (c Config) validateServices() error {
	for variable, names := range map[string][]string{"PROFILE_PARTICIPANTS": c.Participants, "PROFILE_FOLLOWERS": c.Followers} {
		for i, name := range names {
			if !serviceName.MatchString(name) || name == "profile" || slices.Contains(names[:i], name) {
				return config.Invalid(variable, "has %q, which is not the name of another service, or twice", name)
			}
		}
	}
	for _, name := range c.Followers {
		if !slices.Contains(c.Participants, name) {
			return config.Invalid("PROFILE_FOLLOWERS", "has %q, which PROFILE_PARTICIPANTS has not: its copies would not be erased", name)
		}
	}
	return nil
}

func newOthers(cfg Config, deps Deps, k keys, data *playerdata.Service) (*others, error) {
	o := &others{store: cosmosstore.New(deps.Cosmos), now: deps.Now, erased: deps.Erased}
	tells := len(cfg.Followers) > 0
	if tells {
		o.store.Telling(deps.Now)
	}
	services, err := connect(cfg, deps)
	if err != nil {
		return nil, err
	}
	o.connections = slices.Collect(maps.Values(services))
	gaveUp, err := o.instruments(deps.Meter)
	if err != nil {
		return nil, err
	}
	own := &ownData{data: data, friends: cosmosstore.NewFriends(deps.Cosmos), limit: cfg.EraseLimit}
	o.erasures = &erasure.Erasures{
		Store: cosmosstore.NewDeletions(deps.Cosmos), Players: o.store, Revoker: clients.NewIdentity(services[identityService]),
		Participants: []erasure.Participant{own}, Names: erasure.Names{Key: k.erasure, Receipts: k.receipts}, Tokens: pagetoken.New(nil),
		Now: deps.Now, Log: deps.Logger,
	}
	o.exports = &export.Exports{Sources: []export.Source{own}, Players: o.store, Tokens: pagetoken.New(nil)}
	o.announcer = &announce.Announcer{
		Store: cosmosstore.NewOutboxes(deps.Cosmos, tells, deps.Now), Now: deps.Now, Log: deps.Logger,
		GaveUp: func(ctx context.Context) { gaveUp.Add(ctx, 1) },
	}
	for _, name := range cfg.Participants {
		participant := clients.NewPlayerData(name, services[name])
		o.erasures.Participants = append(o.erasures.Participants, participant)
		o.exports.Sources = append(o.exports.Sources, participant)
		if slices.Contains(cfg.Followers, name) {
			o.announcer.Followers = append(o.announcer.Followers, participant)
		}
	}
	return o, nil
}

// connect gives a connection to each service.
func connect(cfg Config, deps Deps) (map[string]grpc.ClientConnInterface, error) {
	services := map[string]grpc.ClientConnInterface{}
	for _, name := range append([]string{identityService}, cfg.Participants...) {
		if _, ok := services[name]; ok {
			continue
		}
		services[name] = unconnected{}
		if deps.Dial == nil {
			continue
		}
		conn, err := deps.Dial(name)
		if err != nil {
			return nil, fmt.Errorf("connecting to %s: %w", name, err)
		}
		services[name] = conn
	}
	return services, nil
}

// unconnected stands for a service that this one does not know the way to.
type unconnected struct{}

var errUnconnected = fault.New(fault.Unavailable, "NOT_CONNECTED", "this process does not know the way to the service")

// Invoke fails.
func (unconnected) Invoke(context.Context, string, any, any, ...grpc.CallOption) error {
	return errUnconnected
}

// NewStream fails.
func (unconnected) NewStream(context.Context, *grpc.StreamDesc, string, ...grpc.CallOption) (grpc.ClientStream, error) {
	return nil, errUnconnected
}

// instruments make the two numbers that an alarm is set on.
func (o *others) instruments(provider metric.MeterProvider) (gaveUp metric.Int64Counter, err error) {
	if provider == nil {
		provider = noop.NewMeterProvider()
	}
	meter := provider.Meter("supergame/services/profile")
	o.overdue, err = meter.Int64Gauge("supergame.profile.deletions.overdue",
		metric.WithDescription("deletions of players that take longer than they should; 0 is as it should be"))
	if err != nil {
		return nil, err
	}
	return meter.Int64Counter("supergame.profile.changes.given_up",
		metric.WithDescription("changes of players that a service did not take for 7 days; none is as it should be"))
}

// profiles is the noun of profiles, whose changes are told.
func (o *others) profiles() *profile.Profiles {
	return &profile.Profiles{Store: o.store, Now: o.now, Erased: o.erased, Changed: o.announcer.Changed}
}

// server puts all parts of ProfileService together.
func (o *others) server(profiles *rpc.Profiles) *rpc.ProfileService {
	return &rpc.ProfileService{
		Profiles: profiles, Deletions: rpc.NewDeletions(o.erasures), Exports: rpc.NewExports(o.exports),
		Players: rpc.NewPlayers(&profile.Lists{Store: o.store, Tokens: pagetoken.New(nil)}, o.announcer),
	}
}

// chores carry on what calls have begun.
func (o *others) chores() []loop.Chore {
	return []loop.Chore{
		{Name: "deletions", Every: 10 * time.Second, Round: o.erasures.Round},
		{Name: "overdue deletions", Every: 5 * time.Minute, Round: o.countOverdue},
		{Name: "changes to tell", Every: 5 * time.Second, Round: o.announcer.Round},
	}
}

func (o *others) countOverdue(ctx context.Context) error {
	late, err := o.erasures.Overdue(ctx)
	if err == nil {
		o.overdue.Record(ctx, int64(late))
	}
	return err
}

// ownData is this service as one that keeps something of players.
type ownData struct {
	data    *playerdata.Service
	friends *cosmosstore.Friends
	limit   int
}

// Name is "profile".
func (d *ownData) Name() string { return "profile" }

// Erase deletes the player's own documents, the document live first, and then what others hold of him: no word of his can come back by then.
func (d *ownData) Erase(ctx context.Context, playerID string) (erasure.Result, error) {
	own, err := d.data.Erase(ctx, playerID)
	if err != nil {
		return erasure.Result{}, err
	}
	result := erasure.Result{Done: own.Done, Deleted: own.Deleted, Containers: own.Containers}
	halves, done, err := d.friends.Forget(ctx, playerID, d.limit)
	if err != nil {
		return erasure.Result{}, err
	}
	if halves > 0 {
		result.Deleted[cosmosstore.Players] += int64(halves)
	}
	result.Done = result.Done && done
	return result, nil
}

// Export sends the player's own documents.
func (d *ownData) Export(ctx context.Context, playerID, resumeToken string, send func(export.Part) error) error {
	return d.data.Export(ctx, playerID, resumeToken, func(part playerdata.Part) error {
		out := export.Part{Container: part.Container, ResumeToken: part.ResumeToken}
		if part.Summary != nil {
			out.Summary = &export.Summary{AsOf: part.Summary.AsOf, Documents: part.Summary.Documents}
		} else {
			out.ID, out.Content = part.Document.ID, part.Document.Content
		}
		return send(out)
	})
}
