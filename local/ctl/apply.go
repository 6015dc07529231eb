package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

	"supergame/local/run/datadir"
	"supergame/local/seed"
	"supergame/services/platform/config"
	"supergame/services/platform/grpcclient"
)

// apply makes or changes what definitions in files say, as the operator of the data folder.
func apply(ctx context.Context, args []string, out, notes io.Writer) (err error) {
	flags := flag.NewFlagSet("apply", flag.ContinueOnError)
	addr := flags.String("grpc", "127.0.0.1:50051", "the address of the services' gRPC")
	data := flags.String("data", ".data", "the data folder of make run, for the operator's key")
	flags.SetOutput(notes)
	flags.Usage = func() {
		fmt.Fprintln(notes, "usage: apply [flags] FILE... (JSON, as in local/seed/boards; - = standard input)")
		flags.PrintDefaults()
	}
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() == 0 {
		flags.Usage()
		return errors.New("apply takes at least one file")
	}
	dir, err := datadir.Read(*data)
	if err != nil {
		return err
	}
	plain, err := grpcclient.Dial("http://"+*addr, grpcclient.Options{})
	if err != nil {
		return err
	}
	tokens := grpcclient.NewTokens(plain, grpcclient.ClientKey("operator", config.NewSecret(dir.Keys().Clients["operator"])))
	conn, err := grpcclient.Dial("http://"+*addr, grpcclient.Options{Tokens: tokens})
	if err != nil {
		return errors.Join(err, plain.Close())
	}
	defer func() { err = errors.Join(err, conn.Close(), plain.Close()) }()
	for _, file := range flags.Args() {
		text, err := readFile(file)
		if err != nil {
			return err
		}
		name, outcome, err := seed.Apply(ctx, conn, text)
		if err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		fmt.Fprintf(out, "%s: %s\n", name, outcome)
	}
	return nil
}

func readFile(name string) ([]byte, error) {
	if name == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(name)
}
