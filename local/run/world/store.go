package world

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"supergame/local/emulator"
	"supergame/local/run/datadir"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
)

// store is where the world's documents live: the embedded emulator, or what COSMOS_ENDPOINT names.
type store struct {
	client   *cosmos.Client
	emulator *emulator.Emulator // nil on an account
	endpoint string
	where    string // for people
}

// openStore opens the account that the environment names, or else starts the emulator on addr with the data of dir.
func openStore(ctx context.Context, opts Options, dir *datadir.Dir, telemetry cosmos.Options) (*store, error) {
	account, err := config.Load[struct {
		Endpoint string `env:"COSMOS_ENDPOINT"`
	}](opts.Environ)
	if err != nil {
		return nil, err
	}
	if account.Endpoint != "" {
		return openAccount(ctx, opts.Environ, telemetry)
	}
	e, err := emulator.New(emulator.Options{DataDir: dir.Cosmos(), Logger: telemetry.Logger, Clock: opts.Clock})
	if err != nil {
		return nil, fmt.Errorf("start the emulator: %w", err)
	}
	if _, err := e.ListenTLS(opts.Cosmos); err != nil { //nolint:contextcheck // it listens until Close, not as long as ctx
		_ = e.Close()
		return nil, addressError("-cosmos", opts.Cosmos, err)
	}
	if err := writeCA(e, dir); err != nil {
		_ = e.Close()
		return nil, err
	}
	// The services reach the emulator inside the process: the same requests and answers, without a socket and TLS between.
	telemetry.Transport = e
	client, err := cosmos.Open(ctx, cosmos.Config{
		Endpoint: e.Endpoint(), Key: config.NewSecret(e.Key()), Database: Database, Create: true,
	}, telemetry)
	if err != nil {
		_ = e.Close()
		return nil, err
	}
	return &store{client: client, emulator: e, endpoint: e.Endpoint(), where: "embedded emulator, " + whereOf(opts.Data)}, nil
}

func openAccount(ctx context.Context, environ []string, telemetry cosmos.Options) (*store, error) {
	cfg, err := config.Load[cosmos.Config](environ)
	if err != nil {
		return nil, err
	}
	cfg.Create = true
	client, err := cosmos.Open(ctx, cfg, telemetry)
	if err != nil {
		return nil, err
	}
	return &store{client: client, endpoint: cfg.Endpoint, where: "as COSMOS_ENDPOINT says, database " + cfg.Database}, nil
}

func (s *store) close() error {
	s.client.Close()
	if s.emulator == nil {
		return nil
	}
	return s.emulator.Close()
}

// writeCA puts the certificate authority of the emulator where other programs find it: COSMOS_CA_FILE=.data/ca.pem.
func writeCA(e *emulator.Emulator, dir *datadir.Dir) error {
	if dir.Path() == "" {
		return nil
	}
	pem, err := e.CACertificate()
	if err != nil {
		return fmt.Errorf("make the emulator's certificate: %w", err)
	}
	return os.WriteFile(filepath.Join(dir.Path(), "ca.pem"), pem, 0o600)
}

func whereOf(data string) string {
	if data == "" {
		return "in memory: gone at the end"
	}
	return "data in " + data
}

// listen opens an address and says which flag to change when that fails.
func listen(ctx context.Context, flag, addr string) (net.Listener, error) {
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, addressError(flag, addr, err)
	}
	return l, nil
}

// addressError explains the usual reason why an address cannot be had.
func addressError(flag, addr string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) || isWindowsAddressInUse(err) {
		return fmt.Errorf("%s is taken by another program: stop that one, or choose another port with %s (0 = any)", addr, flag)
	}
	return fmt.Errorf("cannot listen on %s (%s): %w", addr, flag, err)
}

// isWindowsAddressInUse knows WSAEADDRINUSE, which Windows reports instead of EADDRINUSE.
func isWindowsAddressInUse(err error) bool {
	var number syscall.Errno
	return errors.As(err, &number) && number == 10048
}
