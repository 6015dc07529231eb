package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/metadata"
	"google.golang.org/protobuf/types/known/fieldmaskpb"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/grpcclient"
)

// asProgram makes the test binary behave as the command itself, so that a test can start it and kill it.
const asProgram = "SUPERGAME_RUN_AS_PROGRAM"

// TestMain takes the embedded emulator, whatever account the other tests run against: this is about the local run.
func TestMain(m *testing.M) {
	_ = os.Unsetenv("COSMOS_ENDPOINT")
	if os.Getenv(asProgram) == "1" {
		main()
		return
	}
	os.Exit(m.Run())
}

// anyPorts are the flags of a run that meets no other.
func anyPorts(data string) []string {
	return []string{"-grpc", "127.0.0.1:0", "-admin", "127.0.0.1:0", "-cosmos", "localhost:0", "-data", data}
}

// program is a started `make run`.
type program struct {
	cmd         *exec.Cmd
	grpc, admin string
}

var addresses = regexp.MustCompile(`(?s)gRPC +(\S+) .*HTTP +http://(\S+) .*Ready in`)

// start starts the command in a process of its own and waits until it says that it is ready.
func start(t *testing.T, args ...string) *program {
	t.Helper()
	p := &program{cmd: exec.Command(os.Args[0], args...)}
	p.cmd.Env = append(os.Environ(), asProgram+"=1")
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill)
	var said strings.Builder
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said.WriteString(lines.Text() + "\n")
		if found := addresses.FindStringSubmatch(said.String()); found != nil {
			p.grpc, p.admin = found[1], found[2]
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return p
		}
	}
	t.Fatalf("the program ended before it was ready; it said:\n%s", said.String())
	return nil
}

// kill ends it as a power cut does: no handler runs.
func (p *program) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
}

// player is a signed-in game client.
type player struct {
	id       string
	profiles profilev1.ProfileServiceClient
	token    string
}

const device = "a-device-of-the-tests"

func signIn(t *testing.T, addr string) *player {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+addr, grpcclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	answer, err := identityv1.NewIdentityServiceClient(conn).SignIn(t.Context(), &identityv1.SignInRequest{
		Credential: &identityv1.SignInRequest_Device{Device: &identityv1.DeviceCredential{DeviceId: device}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return &player{id: answer.GetPlayerId(), token: answer.GetSession().GetAccessToken(), profiles: profilev1.NewProfileServiceClient(conn)}
}

func (p *player) context(t *testing.T) context.Context {
	return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+p.token)
}

func (p *player) rename(t *testing.T, name string) {
	t.Helper()
	_, err := p.profiles.UpdateProfile(p.context(t), &profilev1.UpdateProfileRequest{
		Profile: &profilev1.Profile{PlayerId: p.id, DisplayName: name}, UpdateMask: &fieldmaskpb.FieldMask{Paths: []string{"display_name"}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (p *player) name(t *testing.T) string {
	t.Helper()
	answer, err := p.profiles.GetProfile(p.context(t), &profilev1.GetProfileRequest{PlayerId: p.id})
	if err != nil {
		t.Fatal(err)
	}
	return answer.GetProfile().GetDisplayName()
}

func TestAPlayerIsFoundAgainAfterAKill(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, anyPorts(data)...)
	before := signIn(t, first.grpc)
	before.rename(t, "Ada")
	first.kill()

	second := start(t, anyPorts(data)...)
	after := signIn(t, second.grpc)
	if after.id != before.id || after.name(t) != "Ada" {
		t.Errorf("found player %s called %q, want %s called Ada", after.id, after.name(t), before.id)
	}
	// The token from before the kill is still good: its signing key was kept.
	after.token = before.token
	if got := after.name(t); got != "Ada" {
		t.Errorf("with the old token: %q", got)
	}
}

// TestTheFirstBoardsTakeScores submits to a board of local/seed, and finds the score in its place after a kill.
func TestTheFirstBoardsTakeScores(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, anyPorts(data)...)
	ada := signIn(t, first.grpc)
	answer, err := ada.boards(t, first).SubmitScore(ada.context(t), &leaderboardv1.SubmitScoreRequest{
		RequestId: "r1", Scores: []*leaderboardv1.Score{{BoardId: "daily", Columns: []int64{7}}},
	})
	if err != nil || answer.GetOutcomes()[0].GetEntry().GetRank() != 1 {
		t.Fatalf("submit: %v, %v", answer, err)
	}
	first.kill()

	second := start(t, anyPorts(data)...)
	ada = signIn(t, second.grpc)
	rank, err := ada.boards(t, second).GetRank(ada.context(t), &leaderboardv1.GetRankRequest{BoardId: "daily", Season: answer.GetOutcomes()[0].GetSeason()})
	if err != nil || rank.GetEntry().GetRank() != 1 || rank.GetEntry().GetColumns()[0] != 7 || rank.GetFreshness().GetAsOfTime() == nil {
		t.Errorf("after the kill: %v, %v", rank, err)
	}
}

func (p *player) boards(t *testing.T, at *program) leaderboardv1.LeaderboardServiceClient {
	t.Helper()
	conn, err := grpcclient.Dial("http://"+at.grpc, grpcclient.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return leaderboardv1.NewLeaderboardServiceClient(conn)
}

func TestReadinessAndMetricsAreServed(t *testing.T) {
	p := start(t, anyPorts("")...)
	signIn(t, p.grpc)
	for path, want := range map[string]string{
		"/healthz": "ok", "/readyz": "ok", "/readyz/identity": "ok", "/readyz/profile": "ok", "/readyz/leaderboard": "ok",
		"/.well-known/jwks.json": `"kty":"EC"`, "/metrics": "azure_cosmosdb_client_operation_request_charge",
	} {
		response, err := http.Get("http://" + p.admin + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		_ = response.Body.Close()
		if err != nil || response.StatusCode != http.StatusOK || !strings.Contains(string(body), want) {
			t.Errorf("%s = %d %.300s, want %q in it (%v)", path, response.StatusCode, body, want, err)
		}
	}
}

// runHere runs the command in this process until it fails or, after a while, is told to stop.
func runHere(t *testing.T, args ...string) error {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	return run(ctx, args, io.Discard, io.Discard)
}

func TestATakenPortIsNamed(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	addr := taken.Addr().String()
	for _, flag := range []string{"-grpc", "-admin", "-cosmos"} {
		err := runHere(t, append(anyPorts(""), flag, addr)...) // the last of equal flags counts
		if err == nil || !strings.Contains(err.Error(), addr+" is taken") || !strings.Contains(err.Error(), flag) {
			t.Errorf("%s %s: %v", flag, addr, err)
		}
	}
}

func TestDataOfAnotherVersionAreRefusedWithAWayOut(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	if err := os.MkdirAll(data, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(data, "version"), []byte("supergame-data 0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	err := runHere(t, anyPorts(data)...)
	if err == nil || !strings.Contains(err.Error(), "-reset") {
		t.Errorf("without -reset: %v", err)
	}
	p := start(t, append(anyPorts(data), "-reset")...)
	signIn(t, p.grpc)
}

func TestDataInUseAreNamed(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	start(t, anyPorts(data)...)
	err := runHere(t, anyPorts(data)...)
	if err == nil || !strings.Contains(err.Error(), "another process") || !strings.Contains(err.Error(), "-data") {
		t.Errorf("a second run on the same data: %v", err)
	}
}

func TestDataInUseAreNotReset(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	first := start(t, anyPorts(data)...)
	before := signIn(t, first.grpc)
	before.rename(t, "Ada")
	err := runHere(t, append(anyPorts(data), "-reset")...)
	if err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("-reset under a run: %v", err)
	}
	first.kill()
	second := start(t, anyPorts(data)...)
	if after := signIn(t, second.grpc); after.id != before.id || after.name(t) != "Ada" {
		t.Error("the refused -reset deleted what was acknowledged")
	}
}

func TestTheQueryOfTheWelcomeFindsTheStore(t *testing.T) {
	for _, c := range []struct{ endpoint, data, want string }{
		{"https://localhost:8081/", ".data", `ctl query "SELECT`},
		{"https://localhost:9000/", ".data", `ctl query -cosmos https://localhost:9000 "SELECT`},
		{"https://localhost:8081/", "my data", `ctl query -data 'my data' "SELECT`},
	} {
		if got := queryLine(c.endpoint, c.data); !strings.Contains(got, c.want) {
			t.Errorf("at %s with data in %q: %q, want %q in it", c.endpoint, c.data, got, c.want)
		}
	}
	if got := queryLine("https://localhost:8081/", ""); got != "" {
		t.Errorf("in memory: %q, which cannot reach it", got)
	}
}

func TestStrayArgumentsAreRefused(t *testing.T) {
	var notes bytes.Buffer
	if _, _, err := parse([]string{"-data", "", "reset"}, &notes); err == nil {
		t.Error("an argument that is no flag was ignored")
	}
}
