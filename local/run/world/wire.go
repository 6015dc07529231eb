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
	closers     closers // of the connections between them
}

// wire builds every service on one store. The pipe leads to the server that will host them.
func wire(ctx context.Context, cfg settings, store *cosmos.Client, pipe *grpcserver.Pipe, tel *telemetry.Telemetry) (*wired, error) {
	identities, err := identity.New(ctx, cfg.Identity, identity.Deps{
		Cosmos: store, Logger: tel.Logger,
		DialProfile: func(tokens grpcclient.TokenSource) (grpc.ClientConnInterface, error) {
			return grpcclient.Dial("http://profile", grpcclient.Options{Tokens: tokens, Dialer: pipe.Dial, Tracer: tel.Tracer})
		},
	})
	if err != nil {
		return nil, err
	}
	profiles, err := profile.New(ctx, cfg.Profile, profile.Deps{Cosmos: store, Logger: tel.Logger, Erased: identities.Verifier().Erased})
	if err != nil {
		return nil, errors.Join(err, identities.Close())
	}
	w := &wired{identity: identities, profile: profiles}
	conn, err := w.dialAs("leaderboard", cfg.keys, pipe, tel)
	if err == nil {
		w.leaderboard, err = leaderboard.New(ctx, cfg.Leaderboard, leaderboard.Deps{
			Cosmos: store, Profile: conn, Logger: tel.Logger, Meter: tel.Meter, Erased: identities.Verifier().Erased,
		})
	}
	if err != nil {
		return nil, errors.Join(err, w.close())
	}
	return w, nil
}

// dialAs connects to the world's own server as one of its services, which signs in with its key.
func (w *wired) dialAs(name string, keys datadir.Keys, pipe *grpcserver.Pipe, tel *telemetry.Telemetry) (*grpc.ClientConn, error) {
	plain, err := grpcclient.Dial("http://identity", grpcclient.Options{Dialer: pipe.Dial, Tracer: tel.Tracer})
	if err != nil {
		return nil, err
	}
	w.closers.add(plain.Close)
	tokens := grpcclient.NewTokens(plain, grpcclient.ClientKey(name, config.NewSecret(keys.Clients[name])))
	conn, err := grpcclient.Dial("http://supergame", grpcclient.Options{Tokens: tokens, Dialer: pipe.Dial, Tracer: tel.Tracer})
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
	err := errors.Join(w.identity.Close(), w.profile.Close(), w.closers.close())
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
	environ := []string{"LOG_JSON=false", "LOG_LEVEL=warn"}
	environ = append(environ, o.Environ...)
	return append(environ,
		"IDENTITY_SEALING_KEY="+keys.Sealing,
		"IDENTITY_REFRESH_KEY="+keys.Refresh,
		"IDENTITY_ERASURE_KEY="+keys.Erasure,
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
