package leaderboard_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	leaderboardv1 "supergame/proto/gen/supergame/leaderboard/v1"
)

// TestAnErasureNamesItsContainers: the list that services/playerdata_test.go goes by is what ErasePlayer says.
func TestAnErasureNamesItsContainers(t *testing.T) {
	t.Parallel()
	w := start(t, setup{})
	client := leaderboardv1.NewPlayerDataServiceClient(w.Dial(t, w.authority.Service("profile")))
	response, err := client.ErasePlayer(t.Context(), &leaderboardv1.ErasePlayerRequest{PlayerId: "01ARZ3NDEKTSV4RRFFQ69G5FAV"})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("testdata/playerdata.json")
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	if err := json.Unmarshal(text, &want); err != nil || !slices.Equal(response.GetContainers(), want) {
		t.Errorf("ErasePlayer names %v, testdata/playerdata.json %v, %v", response.GetContainers(), want, err)
	}
}
