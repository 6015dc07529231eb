// Command ctl is the kit's small tool for developers: tokens to call the services with, definitions, and SQL against the
// store.
//
//	go run ./local/ctl token -role player
//	go run ./local/ctl apply local/seed/boards/daily.json
//	go run ./local/ctl query -container players "SELECT * FROM c"
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
)

const usage = `usage: go run ./local/ctl COMMAND [flags]

commands:
  token   print an access token of a role: player, game-server or operator
  apply   make or change the boards that JSON files define
  query   run a SQL query against the emulator of make run, or the account that COSMOS_ENDPOINT names

go run ./local/ctl COMMAND -h lists a command's flags.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "ctl:", err)
		os.Exit(1)
	}
}

// run carries out one command line. What a script wants goes to out, everything else to notes.
func run(ctx context.Context, args []string, out, notes io.Writer) error {
	if len(args) == 0 {
		fmt.Fprint(notes, usage)
		return errors.New("no command given")
	}
	switch command, rest := args[0], args[1:]; command {
	case "token":
		return token(ctx, rest, out, notes)
	case "apply":
		return apply(ctx, rest, out, notes)
	case "query":
		return query(ctx, rest, out, notes)
	case "help", "-h", "-help", "--help":
		fmt.Fprint(notes, usage)
		return flag.ErrHelp
	default:
		fmt.Fprint(notes, usage)
		return fmt.Errorf("there is no command %q", command)
	}
}

// parse reads a command's flags and refuses arguments beyond the wanted number.
func parse(flags *flag.FlagSet, args []string, notes io.Writer, wanted int) error {
	flags.SetOutput(notes)
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() != wanted {
		flags.Usage()
		return fmt.Errorf("%s takes %d argument(s) behind its flags, not %d", flags.Name(), wanted, flags.NArg())
	}
	return nil
}
