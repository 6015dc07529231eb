// Command matchsim shows what a queue's definition does before players see it: it runs tickets, recorded or generated, through the
// engine of the service at thousands of times real time, and prints waits, rating spreads, latencies and who was left over. With -against
// it does so under a second definition and compares the two. The same input gives the same table.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/simulation"
)

func main() {
	if err := run(os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "matchsim:", err)
		}
		os.Exit(1)
	}
}

// options are the flags.
type options struct {
	queue, against, tickets, record string
	parties, regions                string
	population                      simulation.Population
	tick                            time.Duration
}

func parse(args []string, stderr io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("matchsim", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.StringVar(&o.queue, "queue", "", "the definition, a JSON file (default: one against one, ratings at first 2 and after 30 s 10 apart)")
	flags.StringVar(&o.against, "against", "", "a second definition to compare with")
	flags.StringVar(&o.tickets, "tickets", "", "recorded tickets, a file with one JSON object a line (default: generated ones)")
	flags.StringVar(&o.record, "record", "", "write the generated tickets to this file")
	flags.IntVar(&o.population.Tickets, "n", 20_000, "how many tickets to generate")
	flags.Float64Var(&o.population.Rate, "rate", 10, "how many of them come a second")
	flags.Uint64Var(&o.population.Seed, "seed", 1, "which of all populations")
	flags.StringVar(&o.parties, "parties", "1", "how often a ticket is a party of 1, 2, ... players: 6,3,1")
	flags.StringVar(&o.regions, "regions", "eu,us,ap", "the regions where players are at home")
	flags.DurationVar(&o.tick, "tick", 25*time.Millisecond, "how often the service looks for new tickets")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("there is no argument %q", flags.Arg(0))
	}
	if o.population.Tickets < 0 || o.population.Tickets > 10_000_000 {
		return o, errors.New("-n must be between 0 and 10000000")
	}
	if !(o.population.Rate >= 0.001 && o.population.Rate <= 1e6) {
		return o, errors.New("-rate must be between 0.001 and 1000000")
	}
	for _, text := range strings.Split(o.parties, ",") {
		part, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(part >= 0 && part <= 1e9) {
			return o, fmt.Errorf("-parties %q: %q is not how often", o.parties, text)
		}
		o.population.Parties = append(o.population.Parties, part)
	}
	if o.regions != "" {
		o.population.Regions = strings.Split(o.regions, ",")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) error {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	queues := []queue.Definition{{
		ID: "duel", Teams: []queue.Team{{Name: "side", Players: 1, Count: 2}},
		Rules: []queue.Rule{{Name: "skill", Kind: queue.Spread, Limit: queue.Linear(2, 10, 30*time.Second)}},
	}}
	for i, file := range []string{o.queue, o.against} {
		if file == "" {
			continue
		}
		def, err := define(file)
		if err != nil {
			return err
		}
		queues = append(queues[:i], def)
	}
	arrivals, err := o.arrivals(queues)
	if err != nil {
		return err
	}
	var results []simulation.Result
	for _, def := range queues {
		from := time.Now()
		result := simulation.Run(def, arrivals, o.tick)
		took := max(time.Since(from), time.Microsecond)
		fmt.Fprintf(stderr, "%s: %v in %v, %.0f times real time\n", def.ID, result.Lasted.Round(time.Second), took.Round(time.Millisecond),
			result.Lasted.Seconds()/took.Seconds())
		results = append(results, result)
	}
	return simulation.Table(stdout, results...)
}

func define(file string) (queue.Definition, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return queue.Definition{}, fmt.Errorf("reading a definition: %w", err)
	}
	def, err := queue.Parse(text)
	if err != nil {
		return queue.Definition{}, fmt.Errorf("%s: %w", file, err)
	}
	return def, nil
}

// arrivals reads the recorded tickets or generates some.
func (o *options) arrivals(queues []queue.Definition) ([]simulation.Arrival, error) {
	if o.tickets != "" {
		file, err := os.Open(o.tickets)
		if err != nil {
			return nil, fmt.Errorf("reading tickets: %w", err)
		}
		arrivals, err := simulation.Read(file)
		if err = errors.Join(err, file.Close()); err != nil {
			return nil, fmt.Errorf("%s: %w", o.tickets, err)
		}
		return arrivals, nil
	}
	arrivals := simulation.Generate(o.population, queues...)
	if o.record == "" {
		return arrivals, nil
	}
	file, err := os.Create(o.record)
	if err != nil {
		return nil, fmt.Errorf("recording tickets: %w", err)
	}
	return arrivals, errors.Join(simulation.Write(file, arrivals), file.Close())
}
