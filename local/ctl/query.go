package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"

	"supergame/local/emulator"
	"supergame/local/run/world"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
)

// query prints what a SQL query selects, one JSON value a line.
func query(ctx context.Context, args []string, out, notes io.Writer) error {
	flags := flag.NewFlagSet("query", flag.ContinueOnError)
	container := flags.String("container", "players", "the container to ask")
	key := flags.String("partition", "", "ask one partition key only; without it all partitions, where ORDER BY, TOP and aggregates are refused")
	data := flags.String("data", ".data", "the data folder of make run, for the emulator's certificate")
	endpoint := flags.String("cosmos", "https://localhost:8081", "the emulator of make run; COSMOS_ENDPOINT comes first")
	if err := parse(flags, args, notes, 1); err != nil {
		return err
	}
	cfg, err := storeConfig(*endpoint, *data)
	if err != nil {
		return err
	}
	client, err := cosmos.Open(ctx, cfg, cosmos.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		return err
	}
	defer client.Close()
	var partition cosmos.Key
	if *key != "" {
		partition = cosmos.PK(*key)
	}
	meter := new(cosmos.Meter)
	rows, err := printRows(cosmos.WithMeter(ctx, meter), client.Container(*container), partition, cosmos.SQL(flags.Arg(0)), out)
	if err != nil {
		return fmt.Errorf("query %s: %w", *container, err)
	}
	fmt.Fprintf(notes, "%d rows, %.2f RU\n", rows, meter.Charge())
	return nil
}

// storeConfig is what the environment says, or the emulator of `make run`.
func storeConfig(endpoint, data string) (cosmos.Config, error) {
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		return config.Load[cosmos.Config](os.Environ())
	}
	cfg := cosmos.Config{
		Endpoint: endpoint, Key: config.NewSecret(emulator.WellKnownKey), CAFile: filepath.Join(data, "ca.pem"), Database: world.Database,
	}
	if _, err := os.Stat(cfg.CAFile); errors.Is(err, fs.ErrNotExist) {
		return cfg, fmt.Errorf("no %s: start `make run` first, or name its folder with -data", cfg.CAFile)
	}
	return cfg, nil
}

func printRows(ctx context.Context, c *cosmos.Container, key cosmos.Key, statement cosmos.Statement, out io.Writer) (int, error) {
	rows, continuation := 0, ""
	for {
		page, err := cosmos.SelectPage[json.RawMessage](ctx, c, key, statement, cosmos.PageOptions{Continuation: continuation})
		if err != nil {
			return rows, err
		}
		for _, row := range page.Items {
			fmt.Fprintf(out, "%s\n", row)
		}
		rows += len(page.Items)
		if page.Continuation == "" {
			return rows, nil
		}
		continuation = page.Continuation
	}
}
