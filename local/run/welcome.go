package main

import (
	"fmt"
	"os"
	"strings"
	"time"

	"supergame/local/run/world"
)

// greeting says what runs where, and what to try. Its values: gRPC address, admin address, URL and kind of the store, seconds
// to ready, flags of ctl for gRPC, the command that queries.
const greeting = `
  Super Game runs on this machine. Ctrl-C stops it.

    gRPC        %[1]s   identity, profile, leaderboard (reflection is on)
    HTTP        http://%[2]s   /readyz /metrics /.well-known/jwks.json
    Cosmos DB   %[3]s   %[4]s

  Ready in %.2[5]f s. Try in another terminal:

    make bin/grpcurl
    TOKEN=$(go run ./local/ctl token -role player%[6]s)
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" %[1]s supergame.profile.v1.ProfileService/GetProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"profile":{"display_name":"Ada"},"update_mask":{"paths":["display_name"]}}' %[1]s supergame.profile.v1.ProfileService/UpdateProfile
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"request_id":"r1","scores":[{"board_id":"daily","columns":[100]}]}' %[1]s supergame.leaderboard.v1.LeaderboardService/SubmitScore
    bin/grpcurl -plaintext -H "authorization: Bearer $TOKEN" -d '{"board_id":"daily","with_profiles":true}' %[1]s supergame.leaderboard.v1.LeaderboardService/ListEntries
%[7]s
`

// welcome is the greeting of a world that keeps its data in a folder; every command in it works as it stands.
func welcome(w *world.World, data string, elapsed time.Duration) string {
	address := ""
	if w.GRPC != "127.0.0.1:50051" {
		address = " -grpc " + w.GRPC
	}
	return fmt.Sprintf(greeting, w.GRPC, w.Admin, w.Cosmos, w.Where, elapsed.Seconds(), address, queryLine(w.Cosmos, data))
}

// queryLine is the command that asks the store, with the flags it needs where the store or the data are not where ctl looks by
// default. There is none for an emulator in memory: its certificate is in no folder.
func queryLine(endpoint, data string) string {
	var flags strings.Builder
	switch account := os.Getenv("COSMOS_ENDPOINT") != ""; {
	case account: // ctl reads the same environment
	case data == "":
		return ""
	default:
		if endpoint = strings.TrimSuffix(endpoint, "/"); endpoint != "https://localhost:8081" {
			flags.WriteString(" -cosmos " + endpoint)
		}
		if data != ".data" {
			flags.WriteString(" -data " + shellWord(data))
		}
	}
	return "    go run ./local/ctl query" + flags.String() + " \"SELECT * FROM c\"\n"
}

// shellWord quotes what a shell would take apart.
func shellWord(s string) string {
	if !strings.ContainsAny(s, " \t\n'\"\\$`&|;<>()*?[]#~!{}") {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
