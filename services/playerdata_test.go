package services_test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/reflect/protodesc"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/reflect/protoregistry"
	"google.golang.org/protobuf/types/descriptorpb"

	_ "supergame/proto/gen/supergame/identity/v1"    // registers what is compared
	_ "supergame/proto/gen/supergame/leaderboard/v1" // the same
	profilev1 "supergame/proto/gen/supergame/profile/v1"
)

// uncovered are the containers of which no service erases or exports anything, and why not.
var uncovered = map[string]string{
	"signing-keys":   "keys of the service, nothing of players",
	"profile-leases": "leases and positions in the change feed, nothing of players",

	"leaderboards":       "definitions and seasons, nothing of players",
	"leaderboard-leases": "leases, nothing of players",
}

// TestEveryContainerIsCovered walks every containers.json: a container is erased and exported by its service (a playerdata.Store with its name, see
// the service's ErasePlayer), or is excused above with a reason.
func TestEveryContainerIsCovered(t *testing.T) {
	files, err := filepath.Glob("*/containers.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("no containers.json: %v", err)
	}
	known := map[string]bool{}
	for _, file := range files {
		if doors, _ := filepath.Glob(filepath.Join(filepath.Dir(file), "*.go")); len(doors) == 0 {
			t.Logf("%s has no front door yet: it serves nobody, and stores nothing", filepath.Dir(file))
			continue
		}
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var containers []struct {
			ID string `json:"id"`
		}
		if err := json.Unmarshal(text, &containers); err != nil {
			t.Fatal(err)
		}
		covered := coveredBy(t, filepath.Dir(file))
		for _, c := range containers {
			known[c.ID] = true
			switch _, excused := uncovered[c.ID]; {
			case covered[c.ID] && excused:
				t.Errorf("%s of %s is covered and excused", c.ID, file)
			case !covered[c.ID] && !excused:
				t.Errorf("nobody erases and exports %s of %s", c.ID, file)
			}
		}
	}
	for id := range uncovered {
		if !known[id] {
			t.Errorf("%s is excused, but does not exist", id)
		}
	}
}

// coveredBy reads a service's list of what it covers.
func coveredBy(t *testing.T, service string) map[string]bool {
	t.Helper()
	covered := map[string]bool{}
	text, err := os.ReadFile(filepath.Join(service, "testdata", "playerdata.json"))
	if err != nil {
		t.Fatalf("a service has a list of the containers that its ErasePlayer looks through, which its own tests compare with the answer: %v", err)
	}
	var names []string
	if err := json.Unmarshal(text, &names); err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		covered[name] = true
	}
	return covered
}

// TestEveryPlayerDataServiceIsTheSame compares all of them on the wire: profile calls every one with its own messages.
func TestEveryPlayerDataServiceIsTheSame(t *testing.T) {
	own := profilev1.File_supergame_profile_v1_player_data_proto
	want := shape(t, own, "supergame.profile.v1")
	files, err := filepath.Glob("../proto/gen/supergame/*/v1/player_data.pb.go")
	if err != nil || len(files) < 2 {
		t.Fatalf("%d services have a PlayerDataService: %v", len(files), err)
	}
	compared := 0
	for _, file := range playerDataFiles() {
		compared++
		if got := shape(t, file, string(file.Package())); got != want {
			t.Errorf("%s differs from %s:\n%s\n%s", file.Path(), own.Path(), got, want)
		}
	}
	if compared != len(files) {
		t.Errorf("%d of %d are compared: import the others above", compared, len(files))
	}
}

// playerDataFiles are those of all services that are linked into this test.
func playerDataFiles() []protoreflect.FileDescriptor {
	var files []protoreflect.FileDescriptor
	protoregistry.GlobalFiles.RangeFiles(func(file protoreflect.FileDescriptor) bool {
		if strings.HasSuffix(file.Path(), "/player_data.proto") {
			files = append(files, file)
		}
		return true
	})
	return files
}

// shape is a file without what does not travel: names of packages, comments and options.
func shape(t *testing.T, file protoreflect.FileDescriptor, pkg string) string {
	t.Helper()
	described := protodesc.ToFileDescriptorProto(file)
	bare := &descriptorpb.FileDescriptorProto{MessageType: described.GetMessageType(), Service: described.GetService()}
	bare, _ = proto.Clone(bare).(*descriptorpb.FileDescriptorProto)
	for _, message := range bare.GetMessageType() {
		for _, field := range message.GetField() {
			field.Options, field.JsonName = nil, nil
		}
	}
	for _, service := range bare.GetService() {
		for _, method := range service.GetMethod() {
			if option := method.GetOptions(); option == nil {
				t.Errorf("%s has no rule of access", method.GetName())
			}
			method.Options = nil
		}
	}
	text, err := proto.MarshalOptions{Deterministic: true}.Marshal(bare)
	if err != nil {
		t.Fatal(err)
	}
	back := &descriptorpb.FileDescriptorProto{}
	if err := proto.Unmarshal(text, back); err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(strings.ReplaceAll(fmt.Sprint(back), pkg, "")), " ")
}
