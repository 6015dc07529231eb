package world

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"net"
	"slices"
	"time"

	"google.golang.org/grpc"

	"supergame/local/run/datadir"
	"supergame/services/identity"
	"supergame/services/leaderboard"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver"
	"supergame/services/platform/telemetry"
	"supergame/services/profile"
)

// wired are the services of the world.
type wired struct {
	identity    *identity.Service
	profile     *profile.Service
	leaderboard *leaderboard.Service
	signIn      *grpc.ClientConn // over which the services get their tokens
	closers     closers          // of the connections between them
}

// parts are what services are built from. The pipe leads to the server that will host them.
type parts struct {
	store     *cosmos.Client
	pipe      *grpcserver.Pipe
	telemetry *telemetry.Telemetry
	keys      datadir.Keys
	now       func() time.Time
}

// wire builds every service on one store.
func wire(ctx context.Context, cfg settings, p parts) (*wired, error) {
	store, pipe, tel := p.store, p.pipe, p.telemetry
	identities, err := identity.New(ctx, cfg.Identity, identity.Deps{
		Cosmos: store, Logger: tel.Logger,
		DialProfile: func(tokens grpcclient.TokenSource) (grpc.ClientConnInterface, error) {
			return grpcclient.Dial("http://profile", grpcclient.Options{Tokens: tokens, Dialer: pipe.Dial, Tracer: tel.Tracer})
		},
	})
	if err != nil {
		return nil, err
	}
	signIn, err := grpcclient.Dial("http://identity", grpcclient.Options{Dialer: pipe.Dial, Tracer: tel.Tracer})
	if err != nil {
		return nil, errors.Join(err, identities.Close())
	}
	tokens := grpcclient.NewTokens(signIn, grpcclient.ClientKey("profile", config.NewSecret(p.keys.Clients["profile"])))
	profiles, err := profile.New(ctx, cfg.Profile, profile.Deps{
		Cosmos: store, Logger: tel.Logger, Meter: tel.Meter, Now: p.now, Erased: identities.Verifier().Erased,
		Dial: func(service string) (grpc.ClientConnInterface, error) {
			return grpcclient.Dial("http://"+service, grpcclient.Options{Tokens: tokens, Dialer: pipe.Dial, Tracer: tel.Tracer})
		},
	})
	if err != nil {
		return nil, errors.Join(err, identities.Close(), signIn.Close())
	}
	w := &wired{identity: identities, profile: profiles, signIn: signIn}
	conn, err := w.dialAs("leaderboard", p)
	if err == nil {
		w.leaderboard, err = leaderboard.New(ctx, cfg.Leaderboard, leaderboard.Deps{
			Cosmos: store, Profile: conn, Logger: tel.Logger, Meter: tel.Meter, Now: p.now, Erased: identities.Verifier().Erased,
		})
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// dialAs connects to the world's own server as one of its services, which signs in with its key.
func (w *wired) dialAs(name string, p parts) (*grpc.ClientConn, error) {
	tokens := grpcclient.NewTokens(w.signIn, grpcclient.ClientKey(name, config.NewSecret(p.keys.Clients[name])))
	conn, err := grpcclient.Dial("http://supergame", grpcclient.Options{Tokens: tokens, Dialer: p.pipe.Dial, Tracer: p.telemetry.Tracer})
	if err != nil {
		return nil, err
	}
	w.closers.add(conn.Close)
	return conn, nil
}

func (w *wired) ready() error {
	return errors.Join(w.identity.Ready(), w.identity.Verifier().Ready(), w.profile.Ready(), w.leaderboard.Ready())
}

// hosted are the services as a server hosts them.
func (w *wired) hosted() []grpcserver.Service {
	return []grpcserver.Service{w.identity, w.profile, w.leaderboard}
}

func (w *wired) close() error {
	err := errors.Join(w.identity.Close(), w.profile.Close(), w.closers.close(), w.signIn.Close())
	if w.leaderboard != nil {
		err = errors.Join(err, w.leaderboard.Close())
	}
	return err
}

// listeners are the world's doors: two for the outside, and the pipe between its services.
type listeners struct {
	grpc, admin net.Listener
	pipe        *grpcserver.Pipe
}

func listenAll(ctx context.Context, opts Options) (*listeners, error) {
	l := &listeners{pipe: grpcserver.NewPipe()}
	var err error
	if l.grpc, err = listen(ctx, "-grpc", opts.GRPC); err != nil {
		return nil, err
	}
	if l.admin, err = listen(ctx, "-admin", opts.Admin); err != nil {
		return nil, errors.Join(err, l.grpc.Close())
	}
	return l, nil
}

// close closes what the server has not closed already.
func (l *listeners) close() error {
	for _, listener := range []net.Listener{l.grpc, l.admin, l.pipe} {
		if err := listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
	}
	return nil
}

// environ is the environment of the services: a local run's defaults, what the developer set, and what the world decides.
func (o Options) environ(keys datadir.Keys) ([]string, error) {
	clients, err := clientsJSON(keys)
	if err != nil {
		return nil, err
	}
	environ := []string{"LOG_JSON=false", "LOG_LEVEL=warn", "LEADERBOARD_CLOCK_LIMIT=0s"} // the store's clock is this machine's, or moved
	environ = append(environ, o.Environ...)
	return append(environ,
		"IDENTITY_SEALING_KEY="+keys.Sealing,
		"IDENTITY_REFRESH_KEY="+keys.Refresh,
		"IDENTITY_ERASURE_KEY="+keys.Erasure,
		"PROFILE_ERASURE_KEY="+keys.ProfileErasure,
		"IDENTITY_CLIENTS="+clients,
		"LEADERBOARD_TIE_KEY="+keys.Ties,
	), nil
}

// clientsJSON is IDENTITY_CLIENTS for the programs of the data folder.
func clientsJSON(keys datadir.Keys) (string, error) {
	var list []identity.Client
	for _, name := range clientNames() {
		hash := sha256.Sum256([]byte(keys.Clients[name]))
		list = append(list, identity.Client{Name: name, Role: Clients[name], KeySHA256: hex.EncodeToString(hash[:])})
	}
	text, err := json.Marshal(list)
	return string(text), err
}

func clientNames() []string { return slices.Sorted(maps.Keys(Clients)) }
