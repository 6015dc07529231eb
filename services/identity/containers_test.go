package identity_test

import (
	"encoding/json"
	"os"
	"slices"
	"testing"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
)

// TestAnErasureNamesItsContainers: the list that services/playerdata_test.go goes by is what ErasePlayer says.
func TestAnErasureNamesItsContainers(t *testing.T) {
	t.Parallel()
	conn := newWorld(t).replica().program("profile")
	response, err := identityv1.NewPlayerDataServiceClient(conn).ErasePlayer(t.Context(), &identityv1.ErasePlayerRequest{PlayerId: "01ARZ3NDEKTSV4RRFFQ69G5FAV"})
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
	_, err = identityv1.NewPlayerDataServiceClient(conn).PlayerChanged(t.Context(), &identityv1.PlayerChangedRequest{PlayerId: "01ARZ3NDEKTSV4RRFFQ69G5FAV", Version: 1, Country: "DE"})
	if err != nil {
		t.Errorf("PlayerChanged: %v", err)
	}
}
