package sql

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// SUPPORTED.md names every function that is registered as supported or refused, and no other.
func TestSupportedListsEveryFunction(t *testing.T) {
	text, err := os.ReadFile("SUPPORTED.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "## Functions")
	table, _, _ = strings.Cut(table, "## Limits")
	listed := map[string]bool{}
	for _, name := range regexp.MustCompile(`\b[A-Z][A-Z0-9_]+\b`).FindAllString(table, -1) {
		listed[name] = true
	}
	for name := range functions {
		if !listed[name] {
			t.Errorf("%s is supported but not listed", name)
		}
	}
	for name := range refused {
		if !listed[name] {
			t.Errorf("%s is refused but not listed", name)
		}
	}
	for name := range listed {
		if _, known := functions[name]; !known && refused[name] == "" {
			t.Errorf("%s is listed but not known", name)
		}
	}
}
