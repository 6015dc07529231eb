package main

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const narrow = `{"id":"narrow","teams":[{"name":"side","players":1,"count":2}],"rules":[{"name":"skill","kind":"rating_spread","limit":1}],"timeout":"60s"}`

// simulate runs the command and returns what it prints.
func simulate(t *testing.T, args ...string) string {
	t.Helper()
	var out strings.Builder
	if err := run(args, &out, io.Discard); err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return out.String()
}

// The same seed gives the same table, another one another, and the recording of a run the same again.
func TestSame(t *testing.T) {
	file := filepath.Join(t.TempDir(), "tickets.jsonl")
	first := simulate(t, "-n", "500", "-seed", "4", "-record", file)
	if again := simulate(t, "-n", "500", "-seed", "4"); again != first {
		t.Errorf("%s\n%s", first, again)
	}
	if again := simulate(t, "-tickets", file); again != first {
		t.Errorf("recorded:\n%s\n%s", first, again)
	}
	if other := simulate(t, "-n", "500", "-seed", "5"); other == first {
		t.Error("the seed does not matter")
	}
}

// Two definitions stand beside one another.
func TestAgainst(t *testing.T) {
	file := filepath.Join(t.TempDir(), "narrow.json")
	if err := os.WriteFile(file, []byte(narrow), 0o600); err != nil {
		t.Fatal(err)
	}
	out := simulate(t, "-n", "500", "-against", file)
	if !strings.Contains(out, "before: duel") || !strings.Contains(out, "after: narrow") || !strings.Contains(out, "difference") {
		t.Error(out)
	}
}

func TestRefusals(t *testing.T) {
	dir := t.TempDir()
	bad, lines := filepath.Join(dir, "bad.json"), filepath.Join(dir, "bad.jsonl")
	for file, text := range map[string]string{bad: strings.Replace(narrow, `"limit":1`, `"limit":-1`, 1), lines: "{}"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		says string
		args []string
	}{
		{"skill", []string{"-queue", bad}},
		{"nowhere", []string{"-queue", filepath.Join(dir, "nowhere")}},
		{"line 1", []string{"-tickets", lines}},
		{"nowhere", []string{"-tickets", filepath.Join(dir, "nowhere")}},
		{"-rate", []string{"-rate", "0"}},
		{"-rate", []string{"-rate", "NaN"}},
		{"-n", []string{"-n", "-1"}},
		{"-parties", []string{"-parties", "1,x"}},
		{"argument", []string{"stray"}},
		{"flag", []string{"-color"}},
	} {
		err := run(test.args, io.Discard, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%q: %v", test.args, err)
		}
	}
}
