// Command cosmos-emulator runs the embedded Azure Cosmos DB emulator alone, for clients in any language.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"supergame/local/emulator"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal ends the process at once
	err := run(ctx, os.Args[1:], os.Stdout)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "cosmos-emulator:", err)
		os.Exit(1)
	}
}

// settings are the flags.
type settings struct {
	https, http, compute string
	caFile               string
	verbose              bool
	options              emulator.Options
}

func parse(args []string) (settings, error) {
	var s settings
	flags := flag.NewFlagSet("cosmos-emulator", flag.ContinueOnError)
	flags.StringVar(&s.https, "https", "localhost:8081", "address for HTTPS, empty for none")
	flags.StringVar(&s.http, "http", "", "address for plain HTTP, empty for none")
	flags.StringVar(&s.compute, "compute", "", "address for HTTPS as the compute gateway answers, empty for none")
	flags.StringVar(&s.caFile, "ca", "", "file to write the certificate authority to (PEM)")
	flags.BoolVar(&s.verbose, "v", false, "log every request")
	flags.StringVar(&s.options.DataDir, "data", "", "folder that keeps the data, empty for memory")
	flags.BoolVar(&s.options.Fsync, "fsync", false, "survive the loss of power, not only of the process")
	flags.BoolVar(&s.options.Throttle, "throttle", false, "refuse what exceeds the throughput (429)")
	flags.IntVar(&s.options.Partitions, "partitions", 0, "physical partitions of a new container, 0 for one per 10,000 RU/s")
	flags.DurationVar(&s.options.Latency, "latency", 0, "latency of every request")
	flags.StringVar(&s.options.Key, "key", "", "account key (base64), empty for the well-known one")
	flags.StringVar(&s.options.Consistency, "consistency", "Strong", "default consistency of the account: Strong, as emulators have it, or "+
		"BoundedStaleness (reads cost double at both), Session, ConsistentPrefix, Eventual")
	if err := flags.Parse(args); err != nil {
		return s, err
	}
	if flags.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if s.https == "" && s.http == "" {
		return s, errors.New("neither -https nor -http has an address")
	}
	return s, nil
}

func run(ctx context.Context, args []string, out io.Writer) error {
	s, err := parse(args)
	if err != nil {
		return err
	}
	level := slog.LevelWarn
	if s.verbose {
		level = slog.LevelDebug
	}
	s.options.Logger = slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level}))
	e, err := emulator.New(s.options)
	if err != nil {
		return err
	}
	defer func() {
		if err := e.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "cosmos-emulator: close:", err)
		}
	}()
	if err := listen(e, s, out); err != nil {
		return err
	}
	describe(e, s, out)
	<-ctx.Done()
	fmt.Fprintln(out, "stopping")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	return e.Drain(drain)
}

func listen(e *emulator.Emulator, s settings, out io.Writer) error {
	for _, l := range []struct {
		name, flag, addr string
		listen           func(string) (net.Addr, error)
	}{
		{"HTTPS", "-https", s.https, e.ListenTLS},
		{"HTTP", "-http", s.http, e.Listen},
		{"compute gateway (HTTPS)", "-compute", s.compute, e.ListenCompute},
	} {
		if l.addr == "" {
			continue
		}
		got, err := l.listen(l.addr)
		if err != nil {
			return explain(err, l.flag, l.addr)
		}
		fmt.Fprintf(out, "%-24s %s\n", l.name, got)
	}
	if s.caFile == "" {
		return nil
	}
	ca, err := e.CACertificate()
	if err != nil {
		return err
	}
	if err := os.WriteFile(s.caFile, ca, 0o644); err != nil {
		return fmt.Errorf("write the certificate authority: %w", err)
	}
	return nil
}

// explain puts the usual reason into words.
func explain(err error, name, addr string) error {
	var busy *net.OpError
	if errors.As(err, &busy) && (errors.Is(err, syscall.EADDRINUSE) || strings.Contains(err.Error(), "Only one usage")) {
		return fmt.Errorf("the address %s is in use by another process: choose another one with %s, for example %s localhost:0", addr, name, name)
	}
	return fmt.Errorf("cannot listen on %s %s: %w", name, addr, err)
}

func describe(e *emulator.Emulator, s settings, out io.Writer) {
	kept := "in memory, gone when this ends"
	switch {
	case s.options.DataDir != "" && s.options.Fsync:
		kept = s.options.DataDir + " (survives the loss of power)"
	case s.options.DataDir != "":
		kept = s.options.DataDir + " (survives kill -9; -fsync for the loss of power)"
	}
	fmt.Fprintf(out, "%-24s %s\n", "data", kept)
	fmt.Fprintf(out, "%-24s %s\n", "endpoint", e.Endpoint())
	fmt.Fprintf(out, "%-24s %s\n", "key", e.Key())
	verify := "--insecure"
	if s.caFile != "" {
		verify = "--cacert " + s.caFile
	}
	if s.https == "" {
		verify = ""
	}
	fmt.Fprintf(out, "try:  curl %s %s_emulator/clock\n", verify, e.Endpoint())
}
