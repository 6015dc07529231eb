// Package seed holds the definitions that a local run starts with, as data, and applies definitions to a running kit.
//
// A definition is the JSON of the request that makes it; its one field says which: {"leaderboard": {...}} is a CreateLeaderboardRequest.
package seed

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"slices"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/platform/fault"
)

//go:embed boards/*.json
var files embed.FS

// Outcome is what became of a definition.
type Outcome string

// The outcomes.
const (
	Created   Outcome = "created"
	Updated   Outcome = "updated"
	Unchanged Outcome = "unchanged"
)

// Start makes the definitions of this package that are not there. One that is there in another form stays: somebody changed it. The connection
// is an operator's.
func Start(ctx context.Context, conn grpc.ClientConnInterface) error {
	return fs.WalkDir(files, ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := files.ReadFile(file)
		if err != nil {
			return err
		}
		if _, err = create(ctx, conn, text); err != nil && fault.ReasonOf(err) != "BOARD_EXISTS" {
			return fmt.Errorf("%s: %w", file, err)
		}
		return nil
	})
}

// Apply makes a definition, or changes the one that is there to it. What is fixed when a board is made cannot be changed: then it says so.
func Apply(ctx context.Context, conn grpc.ClientConnInterface, text []byte) (name string, outcome Outcome, err error) {
	request, err := parse(text)
	if err != nil {
		return "", "", err
	}
	name = "board " + request.GetLeaderboard().GetBoardId()
	outcome, err = create(ctx, conn, text)
	if fault.ReasonOf(err) != "BOARD_EXISTS" {
		return name, outcome, err
	}
	_, err = leaderboardv1.NewLeaderboardServiceClient(conn).UpdateLeaderboard(ctx, &leaderboardv1.UpdateLeaderboardRequest{
		Leaderboard: request.GetLeaderboard(), UpdateMask: &fieldmaskpb.FieldMask{Paths: changeable},
	})
	if err != nil {
		return name, "", err
	}
	if _, err = create(ctx, conn, text); fault.ReasonOf(err) == "BOARD_EXISTS" {
		return name, "", fmt.Errorf("%w: operator, columns, ties, segments and inline_bytes are fixed when a board is made; delete it first, with its entries", err)
	}
	return name, Updated, err
}

// changeable are the fields of a board that may change, as UpdateLeaderboardRequest lists them.
var changeable = []string{
	"display_name", "submitters", "schedule", "grace", "review", "retention", "keep_attempts", "submits_per_minute", "rewards",
}

func create(ctx context.Context, conn grpc.ClientConnInterface, text []byte) (Outcome, error) {
	request, err := parse(text)
	if err != nil {
		return "", err
	}
	answer, err := leaderboardv1.NewLeaderboardServiceClient(conn).CreateLeaderboard(ctx, request)
	switch {
	case err != nil:
		return "", err
	case answer.GetCreated():
		return Created, nil
	}
	return Unchanged, nil
}

func parse(text []byte) (*leaderboardv1.CreateLeaderboardRequest, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(text, &fields); err != nil {
		return nil, fmt.Errorf("not a definition: %w", err)
	}
	if len(fields) != 1 || fields["leaderboard"] == nil {
		return nil, fmt.Errorf("not a definition: it has the fields %q, not `leaderboard` alone", slices.Sorted(maps.Keys(fields)))
	}
	request := &leaderboardv1.CreateLeaderboardRequest{}
	if err := protojson.Unmarshal(text, request); err != nil {
		return nil, errors.Join(errors.New("not a definition of a board"), err)
	}
	return request, nil
}
