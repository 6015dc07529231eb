// Package services_test holds the rules of who may import whom.
package services_test

import (
	"fmt"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

const module = "supergame"

// Third-party code that does I/O or knows the wire, by what it is for.
const (
	grpcPath     = "google.golang.org/grpc"
	protobufPath = "google.golang.org/protobuf"
	genprotoPath = "google.golang.org/genproto"
	azurePath    = "github.com/Azure"
	azcosmosPath = "github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"
)

// outside is all of it: what decides knows neither the wire nor a store.
var outside = []string{
	grpcPath, protobufPath, genprotoPath, azurePath, "github.com/cockroachdb", "github.com/coreos", "github.com/prometheus",
	"go.opentelemetry.io", "golang.org/x/net",
}

// rule says what one kind of room may import. Paths end at a slash boundary; of the module's own packages only those in own are
// allowed, of third parties all but those in never.
type rule struct {
	own   []string // relative to the module; {svc} is the service, {nouns} its rooms of rules
	never []string
}

// special are the rooms of a service that are not nouns.
var special = []string{"rpc", "cosmosstore", "loop", "clients"}

// rules by room. A noun is every other room under internal/.
var rules = map[string]rule{
	"fault":    {never: []string{""}},
	"platform": {own: []string{"services/platform", "proto/gen/supergame/options"}},
	"platform that talks to identity": {
		own: []string{"services/platform", "proto/gen/supergame/options", "proto/gen/supergame/identity/v1"},
	},
	"rules that services share": {
		own:   []string{"services/platform/fault", "services/platform/pagetoken"},
		never: outside,
	},
	"noun": {
		own: []string{
			"services/platform/fault", "services/platform/pagetoken", "services/platform/text", "services/platform/playerdata", "{nouns}",
		},
		never: outside,
	},
	"rpc": {
		own:   []string{"services/platform/fault", "services/platform/auth", "services/platform/playerdata", "proto/gen", "{nouns}"},
		never: []string{grpcPath + "/codes", grpcPath + "/status", azurePath},
	},
	"cosmosstore": {
		own:   []string{"services/platform/fault", "services/platform/cosmos", "services/platform/playerdata", "{nouns}"},
		never: []string{grpcPath, protobufPath, genprotoPath, azurePath},
	},
	"loop": {
		own:   []string{"services/platform/fault", "{nouns}"},
		never: []string{grpcPath, protobufPath, genprotoPath, azurePath},
	},
	"clients": {
		own:   []string{"services/platform/fault", "services/platform/grpcclient", "proto/gen", "{nouns}"},
		never: []string{grpcPath + "/codes", grpcPath + "/status", azurePath},
	},
	"front door": {own: []string{"services/platform", "services/{svc}", "proto/gen"}},
	"tests of a service": {
		own: []string{"services/platform", "services/{svc}", "proto/gen", "local/emulator"},
	},
	"tests of the platform": {own: []string{"services/platform", "proto/gen", "local/emulator"}},
	"emulator":              {own: []string{"local/emulator"}},
	"elsewhere":             {own: []string{""}},
}

// badNames say nothing about what is inside.
var badNames = []string{"util", "utils", "common", "helper", "helpers", "model", "models", "misc", "shared"}

// roomOf returns the kind of room that a file stands in, and its service if it has one.
func roomOf(file string) (room, service string) {
	dir := strings.Split(path.Dir(file), "/")
	test := strings.HasSuffix(file, "_test.go") || forTests(path.Dir(file))
	under := func(prefix string) bool { return strings.HasPrefix(file, prefix) }
	switch {
	case under("local/emulator/"):
		return "emulator", ""
	case !under("services/") || len(dir) < 2:
		return "elsewhere", ""
	case dir[1] == "platform" && test:
		return "tests of the platform", ""
	case under("services/platform/fault/"):
		return "fault", ""
	case under("services/platform/pagetoken/"), under("services/platform/text/"), under("services/platform/playerdata/"):
		return "rules that services share", ""
	case under("services/platform/auth/"), under("services/platform/grpcclient/"):
		return "platform that talks to identity", ""
	case dir[1] == "platform":
		return "platform", ""
	case test:
		return "tests of a service", dir[1]
	case len(dir) < 4 || dir[2] != "internal":
		return "front door", dir[1]
	case slices.Contains(special, dir[3]):
		return dir[3], dir[1]
	}
	return "noun", dir[1]
}

// forTests reports whether a folder holds what only tests use: cosmos/cosmostest, but not contest or latest.
func forTests(folder string) bool {
	return path.Base(folder) == path.Base(path.Dir(folder))+"test"
}

// violations reads every Go file of a tree and returns what breaks a rule, one sentence each.
func violations(tree fs.FS) ([]string, error) {
	var found []string
	err := fs.WalkDir(tree, ".", func(file string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && file != "." && (strings.HasPrefix(entry.Name(), ".") || entry.Name() == "testdata"):
			return fs.SkipDir
		case entry.IsDir() || path.Ext(file) != ".go":
			return nil
		}
		text, err := fs.ReadFile(tree, file)
		if err != nil {
			return err
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), file, text, parser.ImportsOnly)
		if err != nil {
			return err
		}
		if name := strings.TrimSuffix(parsed.Name.Name, "_test"); slices.Contains(badNames, name) {
			found = append(found, fmt.Sprintf("%s: package %s says nothing about what is inside", file, name))
		}
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				return err
			}
			if why := refuse(file, imported); why != "" {
				found = append(found, fmt.Sprintf("%s imports %s: %s", file, imported, why))
			}
		}
		return nil
	})
	return found, err
}

// refuse returns why a file may not import a package, or "".
func refuse(file, imported string) string {
	room, service := roomOf(file)
	r := rules[room]
	if own, inside := strings.CutPrefix(imported, module+"/"); inside {
		if strings.HasPrefix(file, "services/") && forTests(own) && !strings.HasSuffix(file, "_test.go") && !forTests(path.Dir(file)) {
			return "only tests use it"
		}
		if slices.ContainsFunc(r.own, func(allowed string) bool { return allows(allowed, own, service) }) {
			return ""
		}
		return "not for room " + room
	}
	if !strings.Contains(strings.Split(imported, "/")[0], ".") {
		return "" // the standard library
	}
	if within(imported, azcosmosPath) {
		test := strings.HasSuffix(file, "_test.go")
		if strings.HasPrefix(file, "services/platform/cosmos/") || test && strings.HasPrefix(file, "local/emulator/") {
			return ""
		}
		return "only services/platform/cosmos uses the SDK"
	}
	if slices.ContainsFunc(r.never, func(never string) bool { return within(imported, never) }) {
		return "not for room " + room
	}
	return ""
}

// allows matches a package of the module with a pattern of a rule.
func allows(pattern, own, service string) bool {
	if pattern == "{nouns}" {
		rest, inside := strings.CutPrefix(own, "services/"+service+"/internal/")
		return inside && !slices.Contains(special, strings.Split(rest, "/")[0])
	}
	return within(own, strings.ReplaceAll(pattern, "{svc}", service))
}

// within reports whether a path is a folder or stands in it. Everything is within "".
func within(p, folder string) bool {
	return folder == "" || p == folder || strings.HasPrefix(p, folder+"/")
}

func TestWhoMayImportWhom(t *testing.T) {
	found, err := violations(os.DirFS(".."))
	if err != nil {
		t.Fatal(err)
	}
	for _, violation := range found {
		t.Error(violation)
	}
}

// Each rule sees what it is there for, in a tree that is right but for one import.
func TestViolationsAreSeen(t *testing.T) {
	const azcosmos, codes = azcosmosPath, grpcPath + "/codes"
	for _, test := range []struct {
		file, imported string
		wrong          bool
	}{
		{"services/platform/fault/a.go", "errors", false},
		{"services/platform/fault/a.go", "golang.org/x/text/cases", true},
		{"services/platform/fault/a.go", "supergame/services/platform/config", true},
		{"services/platform/playerdata/a.go", "supergame/services/platform/pagetoken", false},
		{"services/platform/playerdata/a.go", "supergame/services/platform/cosmos", true},
		{"services/platform/pagetoken/a.go", protobufPath + "/proto", true},
		{"services/platform/auth/a.go", "supergame/proto/gen/supergame/identity/v1", false},
		{"services/platform/config/a.go", "supergame/proto/gen/supergame/identity/v1", true},
		{"services/platform/grpcserver/a.go", "supergame/proto/gen/supergame/options/v1", false},
		{"services/platform/grpcserver/a.go", "supergame/services/profile", true},
		{"services/platform/grpcserver/a.go", "supergame/local/emulator", true},
		{"services/platform/grpcserver/a_test.go", "supergame/local/emulator", false},
		{"services/platform/grpcserver/a_test.go", "supergame/services/profile", true},
		{"services/platform/cosmos/a.go", azcosmos, false},
		{"services/platform/cosmos/cosmostest/a.go", "supergame/local/emulator/emulatortest", false},
		{"services/profile/internal/cosmosstore/a.go", azcosmos, true},
		{"services/profile/internal/contest/a.go", "supergame/local/emulator", true},
		{"services/profile/internal/contest/a.go", "supergame/services/platform/cosmos", true},
		{"services/profile/profile.go", "supergame/services/platform/cosmos/cosmostest", true},
		{"services/profile/profile_test.go", "supergame/services/platform/cosmos/cosmostest", false},
		{"services/platform/grpcserver/grpcservertest/a.go", "supergame/services/platform/auth/authtest", false},
		{"services/platform/grpcserver/a.go", "supergame/services/platform/auth/authtest", true},
		{"services/newcomer/internal/board/a.go", grpcPath, true},
		{"services/profile/internal/handle/a.go", "github.com/cockroachdb/pebble/v2", true},
		{"services/profile/internal/handle/a.go", "golang.org/x/text/secure/precis", false},
		{"services/profile/internal/cosmosstore/a_test.go", azcosmos, true},
		{"local/run/a.go", azcosmos, true},
		{"local/emulator/a.go", azcosmos, true},
		{"local/emulator/a_test.go", azcosmos, false},
		{"local/emulator/a.go", "supergame/services/platform/fault", true},
		{"local/emulator/a_test.go", "supergame/services/platform/cosmos", true},
		{"local/emulator/internal/sql/a.go", "supergame/local/emulator/internal/epk", false},
		{"services/profile/internal/handle/a.go", "supergame/services/platform/fault", false},
		{"services/profile/internal/handle/a.go", "supergame/services/profile/internal/statistics", false},
		{"services/profile/internal/handle/a.go", grpcPath, true},
		{"services/profile/internal/handle/a.go", protobufPath + "/proto", true},
		{"services/profile/internal/handle/a.go", "supergame/proto/gen/supergame/profile/v1", true},
		{"services/profile/internal/handle/a.go", "supergame/services/profile/internal/cosmosstore", true},
		{"services/profile/internal/handle/a.go", "supergame/services/platform/cosmos", true},
		{"services/profile/internal/handle/a_test.go", "supergame/services/profile/internal/cosmosstore", false},
		{"services/profile/internal/rpc/a.go", grpcPath, false},
		{"services/profile/internal/rpc/a.go", codes, true},
		{"services/profile/internal/rpc/a.go", "supergame/services/platform/cosmos", true},
		{"services/profile/internal/rpc/a.go", "supergame/services/profile/internal/cosmosstore", true},
		{"services/profile/internal/cosmosstore/a.go", "supergame/services/platform/cosmos", false},
		{"services/profile/internal/cosmosstore/a.go", grpcPath, true},
		{"services/profile/internal/loop/a.go", "supergame/services/profile/internal/cosmosstore", true},
		{"services/profile/internal/clients/a.go", "supergame/services/platform/grpcclient", false},
		{"services/profile/internal/clients/a.go", "supergame/services/identity", true},
		{"services/profile/profile.go", "supergame/services/profile/internal/rpc", false},
		{"services/profile/profile.go", "supergame/services/identity", true},
		{"services/profile/profile.go", "supergame/local/emulator", true},
		{"services/profile/profile_test.go", "supergame/local/emulator/emulatortest", false},
		{"services/profile/profile_test.go", "supergame/services/identity", true},
		{"services/profile/cmd/profile/main.go", "supergame/services/platform/grpcserver", false},
		{"local/run/main.go", "supergame/services/profile", false},
	} {
		tree := fstest.MapFS{test.file: {Data: []byte("package a\n\nimport _ " + strconv.Quote(test.imported) + "\n")}}
		found, err := violations(tree)
		if err != nil {
			t.Fatal(err)
		}
		if wrong := len(found) == 1; wrong != test.wrong {
			t.Errorf("%s imports %s: found %q, want a violation: %v", test.file, test.imported, found, test.wrong)
		}
	}
	for name, wrong := range map[string]bool{"util": true, "helpers_test": true, "model": true, "modeler": false} {
		found, err := violations(fstest.MapFS{"services/a/internal/b/a.go": {Data: []byte("package " + name)}})
		if err != nil || (len(found) == 1) != wrong {
			t.Errorf("package %s: %q, %v", name, found, err)
		}
	}
	if _, err := violations(fstest.MapFS{"a.go": {Data: []byte("no go")}}); err == nil {
		t.Error("a file that cannot be read is passed over")
	}
}
