package profile_test

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/profile"
)

// stored returns what the store has, by "container/id of partition/id", as JSON, whether the service knows of it or not.
func stored(t *testing.T, client *cosmos.Client, specs []cosmos.ContainerSpec) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, spec := range specs {
		options := cosmos.PageOptions{Size: 100}
		for {
			page, err := cosmos.SelectPage[map[string]any](session(t), client.Container(spec.ID), cosmos.Key{}, cosmos.SQL("SELECT * FROM c"), options)
			if err != nil {
				t.Fatal(err)
			}
			for _, doc := range page.Items {
				text, err := json.Marshal(doc)
				if err != nil {
					t.Fatal(err)
				}
				partition, _ := doc["playerId"].(string)
				id, _ := doc["id"].(string)
				found[spec.ID+"/"+partition+"/"+id] = string(text)
			}
			if options.Continuation = page.Continuation; page.Continuation == "" {
				break
			}
		}
	}
	return found
}

// TestEverythingStoredIsExportedAndErased makes a player with something of everything, and compares what the store really has of him with what is exported,
// and, after the erasure, with nothing. Each container of testdata/playerdata.json, by which services/playerdata_test.go goes, has something.
func TestEverythingStoredIsExportedAndErased(t *testing.T) {
	specs, err := profile.Containers()
	if err != nil {
		t.Fatal(err)
	}
	m := startModerated(t)
	client := cosmostest.Open(t, m.emulator, "supergame", specs)
	d := &deleting{world: m.world, emulator: m.emulator, peers: newPeers()}
	m.join(t, ada, bob)
	for what, write := range d.lateWrites(t, ada) {
		if err := write(session(t), false); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	if err := m.rename(t, ada, "Hate2"); err != nil {
		t.Fatal(err)
	}
	var want []string
	for key, text := range stored(t, client, specs) {
		// The halves of friends are in the partitions of those who have them, and are their data.
		if container, _, _ := strings.Cut(key, "/"); strings.Contains(text, ada) && !strings.HasPrefix(key, "players/"+bob) {
			want = append(want, container+key[strings.LastIndex(key, "/"):])
		}
	}
	var got []string
	containers := map[string]bool{}
	data := m.playerData(t, m.authority.Service("profile"))
	for _, part := range receive(t, data, &profilev1.ExportPlayerRequest{PlayerId: ada}) {
		if doc := part.GetDocument(); doc != nil {
			got = append(got, doc.GetContainer()+"/"+doc.GetId())
			containers[doc.GetContainer()] = true
		}
	}
	slices.Sort(want)
	if slices.Sort(got); !slices.Equal(got, want) || len(got) < 12 {
		t.Errorf("exported is\n%q, stored is\n%q", got, want)
	}
	text, err := os.ReadFile("testdata/playerdata.json")
	if err != nil {
		t.Fatal(err)
	}
	var listed []string
	if err := json.Unmarshal(text, &listed); err != nil || !slices.Equal(slices.Sorted(slices.Values(listed)), slices.Sorted(maps.Keys(containers))) {
		t.Errorf("exported is of %v, testdata/playerdata.json has %v: %v", slices.Sorted(maps.Keys(containers)), listed, err)
	}
	for range 2 {
		if err := erase(ada)(session(t), m.Dial(t, m.authority.Service("profile"))); err != nil {
			t.Fatal(err)
		}
	}
	for key, text := range stored(t, client, specs) {
		if strings.Contains(text, ada) && !strings.HasPrefix(key, "players/"+bob) {
			t.Errorf("after the erasure there is %s: %s", key, text)
		}
	}
}
