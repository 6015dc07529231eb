package leaderboard_test

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// killedStore names the store for the replica that is killed, which is this test binary again.
const killedStore = "LEADERBOARD_TEST_KILLED_STORE"

const killedDatabase = "killed"

// TestAsTheReplicaThatIsKilled is a replica under load, in a process of its own: it tells of each submission that was answered.
func TestAsTheReplicaThatIsKilled(t *testing.T) {
	endpoint := os.Getenv(killedStore)
	if endpoint == "" {
		t.Skip("is a part of TestAReplicaIsKilledUnderLoad, which starts it")
	}
	client, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: endpoint, Key: config.NewSecret(emulator.WellKnownKey), Database: killedDatabase, Create: true,
	}, cosmos.Options{})
	if err != nil {
		t.Fatal(err)
	}
	w := start(t, setup{client: client})
	var wg sync.WaitGroup
	var out sync.Mutex
	for writer := range 8 {
		server := w.server(t)
		wg.Go(func() {
			for i := 0; ; i++ {
				player, n := somebody((writer*7+i)%50), int64(i%10+1)
				request := submission(fmt.Sprintf("w%d-%d", writer, i), "sum", n)
				request.PlayerId = player
				if _, err := server.SubmitScore(session(t), request); err != nil {
					t.Error(err)
					return
				}
				out.Lock()
				fmt.Printf("ack %s %d\n", player, n)
				out.Unlock()
			}
		})
	}
	wg.Wait()
}

// TestAReplicaIsKilledUnderLoad kills a replica in the middle of its work. One that starts anew has the same ranks, entry by entry, as one that
// ran on beside it, and both have what the store has; of what was answered nothing is missing.
func TestAReplicaIsKilledUnderLoad(t *testing.T) {
	t.Parallel()
	if os.Getenv("COSMOS_ENDPOINT") != "" {
		t.Skip("starts a second process on the store of the first, which needs an emulator that listens")
	}
	e := emulatortest.Start(t)
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	client := cosmostest.Open(t, e, killedDatabase, containers(t))
	beside := start(t, setup{client: client})
	beside.makeBoard(t, points("sum", withOperator(leaderboardv1.Operator_OPERATOR_SUM)))

	child := exec.Command(os.Args[0], "-test.run=^TestAsTheReplicaThatIsKilled$")
	child.Env = append(os.Environ(), killedStore+"=http://"+addr.String())
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	acked, n := map[string]int64{}, 0
	for lines := bufio.NewScanner(out); lines.Scan(); {
		words := strings.Fields(lines.Text())
		if len(words) != 3 || words[0] != "ack" {
			t.Fatalf("the replica says %q", lines.Text())
		}
		score, err := strconv.ParseInt(words[2], 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		acked[words[1]] += score
		if n++; n == 300 {
			_ = child.Process.Kill() // what it has answered until then is still read
		}
	}
	_ = child.Wait() // killed: it has an error
	if n < 300 {
		t.Fatalf("the replica ended by itself after %d answers", n)
	}

	anew := start(t, setup{client: cosmostest.Open(t, e, killedDatabase, containers(t)), profile: beside.profile})
	want := storedOrder(t, client)
	for name, w := range map[string]*world{"the one that ran on": beside, "the one that started anew": anew} {
		var got []string
		eventually(t, name+" has what the store has", func() bool {
			list, err := w.operator(t).ListEntries(t.Context(), &leaderboardv1.ListEntriesRequest{BoardId: "sum", PageSize: 1000})
			if err != nil {
				t.Fatal(err)
			}
			got = got[:0]
			for _, entry := range list.GetEntries() {
				got = append(got, fmt.Sprint(entry.GetPlayerId(), " ", entry.GetColumns()[0], " ", entry.GetVersion()))
			}
			return slices.Equal(got, want)
		})
	}
	for player, sum := range acked {
		rank, err := anew.operator(t).GetRank(t.Context(), &leaderboardv1.GetRankRequest{BoardId: "sum", PlayerId: player})
		if err != nil || rank.GetEntry() == nil || rank.GetEntry().GetColumns()[0] < sum {
			t.Errorf("%s has %v (%v), and %d were answered", player, rank, err, sum)
		}
	}
}

// storedOrder is what the documents of all entries say, sorted by their keys.
func storedOrder(t *testing.T, client *cosmos.Client) []string {
	t.Helper()
	type document struct {
		cosmos.Header
		PlayerID string   `json:"playerId"`
		K        string   `json:"k"`
		V        int64    `json:"v"`
		Columns  []string `json:"columns"`
	}
	var documents []document
	kind := cosmos.NewKind[document](client.Container("leaderboard-entries"), "entry", 1)
	err := kind.Scan(t.Context(), cosmos.SQL("SELECT * FROM c WHERE STARTSWITH(c.id, 'e|')"), func(d *document) error {
		documents = append(documents, *d)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.SortFunc(documents, func(a, b document) int { return strings.Compare(a.K, b.K) })
	var order []string
	for _, d := range documents {
		order = append(order, fmt.Sprint(d.PlayerID, " ", d.Columns[0], " ", d.V))
	}
	return order
}
