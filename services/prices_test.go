package services_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"supergame/services/platform/cosmos/cosmostest"
)

// TestThePriceTableIsWhatWasMeasured holds README.md to the price files that each service's cost test writes. UPDATE=1 writes it.
func TestThePriceTableIsWhatWasMeasured(t *testing.T) {
	const begin, end = "<!-- prices: written by go test -->\n", "<!-- end of prices -->\n"
	text, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begin)
	_, after, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("README.md does not have the lines %q and %q", begin, end)
	}
	want := before + begin + priceTables(t) + end + after
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile("README.md", []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Error("the table of prices in services/README.md is not what prices.json says: run make prices")
	}
}

func priceTables(t *testing.T) string {
	t.Helper()
	files, err := filepath.Glob("*/" + cosmostest.PriceFile)
	if err != nil || len(files) == 0 {
		t.Fatalf("no price files: %v", err)
	}
	var b strings.Builder
	for _, file := range files {
		fmt.Fprintf(&b, "\n### %s\n\n| call | RU | requests to the store |\n|---|---:|---:|\n", filepath.Dir(file))
		for _, p := range cosmostest.Prices(t, file) {
			fmt.Fprintf(&b, "| %s | %.2f | %d |\n", p.Call, p.Charge, p.Requests)
		}
	}
	b.WriteString("\n")
	return b.String()
}
