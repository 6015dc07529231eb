// Command run is `make run`: the embedded Cosmos DB emulator and every service in one process, on fixed addresses, with the data
// kept in a folder.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"supergame/local/emulator"
	"supergame/local/run/datadir"
	"supergame/local/run/world"
	"supergame/local/seed"
	"supergame/services/platform/config"
	"supergame/services/platform/grpcclient"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "run:", err)
		os.Exit(1)
	}
}

// run starts the world, tells where everything is, and waits for its end.
func run(ctx context.Context, args []string, out, notes io.Writer) error {
	begin := time.Now()
	opts, reset, err := parse(args, notes)
	if err != nil {
		return err
	}
	if reset {
		if err := datadir.Reset(opts.Data); err != nil {
			return wayOut(err)
		}
	}
	w, err := world.Start(ctx, opts)
	if err != nil {
		return wayOut(err)
	}
	if err := sow(ctx, w); err != nil {
		return errors.Join(fmt.Errorf("make the first boards: %w", err), w.Stop())
	}
	fmt.Fprint(out, welcome(w, opts.Data, time.Since(begin)))
	err = w.Wait()
	fmt.Fprintln(out, "stopped")
	return err
}

// wayOut adds to what is wrong with the data folder what to do about it.
func wayOut(err error) error {
	switch {
	case errors.Is(err, datadir.ErrVersion), errors.Is(err, datadir.ErrNoKeys):
		return fmt.Errorf("%w; start with -reset to delete them, or name another folder with -data", err)
	case errors.Is(err, datadir.ErrForeign):
		return fmt.Errorf("%w; name another folder with -data", err)
	case errors.Is(err, emulator.ErrDataInUse):
		return fmt.Errorf("%w; stop that one, or name another folder with -data", err)
	}
	return err
}

// sow makes the definitions of local/seed that are not there.
func sow(ctx context.Context, w *world.World) (err error) {
	plain, err := grpcclient.Dial("http://"+w.GRPC, grpcclient.Options{})
	if err != nil {
		return err
	}
	tokens := grpcclient.NewTokens(plain, grpcclient.ClientKey("operator", config.NewSecret(w.Keys.Clients["operator"])))
	conn, err := grpcclient.Dial("http://"+w.GRPC, grpcclient.Options{Tokens: tokens})
	if err != nil {
		return errors.Join(err, plain.Close())
	}
	defer func() { err = errors.Join(err, conn.Close(), plain.Close()) }()
	return seed.Start(ctx, conn)
}

func parse(args []string, notes io.Writer) (opts world.Options, reset bool, err error) {
	flags := flag.NewFlagSet("run", flag.ContinueOnError)
	flags.SetOutput(notes)
	flags.StringVar(&opts.GRPC, "grpc", "127.0.0.1:50051", "the address of gRPC; port 0 = any free one")
	flags.StringVar(&opts.Admin, "admin", "127.0.0.1:8080", "the address of health, metrics and keys over HTTP; port 0 = any free one")
	flags.StringVar(&opts.Cosmos, "cosmos", "localhost:8081", "the address of the Cosmos DB emulator over HTTPS; port 0 = any free one")
	flags.StringVar(&opts.Data, "data", ".data", "the folder to keep data in; empty = in memory")
	flags.BoolVar(&reset, "reset", false, "delete the data folder first")
	if err := flags.Parse(args); err != nil {
		return opts, false, err
	}
	if flags.NArg() > 0 {
		return opts, false, fmt.Errorf("%q is not a flag; run -h lists them", flags.Arg(0))
	}
	return opts, reset, nil
}
