package cosmostest

import (
	"encoding/json"
	"errors"
	"io/fs"
	"math"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
)

// PriceFile is where a service keeps what its RPCs cost: beside its code, read by services/README.md and by infra/.
const PriceFile = "prices.json"

// Price is what one call costs by the model of request units.
type Price struct {
	Call     string  `json:"call"`     // "GetProfile, public part": the RPC, and which case of it
	Charge   float64 `json:"ru"`       // request units, rounded to a hundredth
	Requests int     `json:"requests"` // to the store
}

// prices of the package under test: as the file has them, or, under UPDATE=1, as the tests of this process found them.
var prices struct {
	sync.Mutex
	loaded bool
	list   []Price
}

// Record compares what a test measured with the file [PriceFile] of the package under test, or writes it there:
//
//	UPDATE=1 go test ./services/... -run Cost
//
// The first record of a process starts the file anew, so what is no longer measured leaves it.
func Record(t testing.TB, call string, charge float64, requests int) {
	t.Helper()
	prices.Lock()
	defer prices.Unlock()
	measured := Price{Call: call, Charge: math.Round(charge*100) / 100, Requests: requests}
	if os.Getenv("UPDATE") != "" {
		prices.list = append(prices.list, measured)
		write(t, prices.list)
		return
	}
	if !prices.loaded {
		prices.list, prices.loaded = Prices(t, PriceFile), true
	}
	i := slices.IndexFunc(prices.list, func(p Price) bool { return p.Call == call })
	if i < 0 {
		t.Errorf("%s has no row for %q; measure anew: UPDATE=1 go test ./services/... -run Cost", PriceFile, call)
		return
	}
	if known := prices.list[i]; math.Abs(known.Charge-measured.Charge) > 0.02 || known.Requests != requests {
		t.Errorf("%q costs %.2f RU in %d requests, %s says %.2f in %d", call, measured.Charge, requests, PriceFile, known.Charge, known.Requests)
	}
}

// Prices reads a price file; a file that is not there is empty.
func Prices(t testing.TB, file string) []Price {
	t.Helper()
	text, err := os.ReadFile(file) //nolint:gosec // a file of the repository
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	var list []Price
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return list
}

// write stores the list, a line for each price, sorted by call.
func write(t testing.TB, list []Price) {
	t.Helper()
	sorted := slices.Clone(list)
	slices.SortFunc(sorted, func(a, b Price) int { return strings.Compare(a.Call, b.Call) })
	lines := make([]string, len(sorted))
	for i, p := range sorted {
		line, err := json.Marshal(p)
		if err != nil {
			t.Fatal(err)
		}
		lines[i] = "  " + string(line)
	}
	text := "[\n" + strings.Join(lines, ",\n") + "\n]\n"
	if err := os.WriteFile(PriceFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
