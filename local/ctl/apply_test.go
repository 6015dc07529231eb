package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDefinitionsAreApplied(t *testing.T) {
	w, data := startWorld(t)
	file := filepath.Join(t.TempDir(), "board.json")
	apply := func(text string) (string, error) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _, err := ctl(t, "apply", "-grpc", w.GRPC, "-data", data, file)
		return out, err
	}
	const columns = `"operator": "OPERATOR_BEST", "columns": [{"name": "points", "order": "ORDER_DESCENDING"}]`
	for _, step := range []struct{ text, out, err string }{
		{`{"leaderboard": {"boardId": "b", ` + columns + `}}`, "board b: created\n", ""},
		{`{"leaderboard": {"boardId": "b", ` + columns + `}}`, "board b: unchanged\n", ""},
		{`{"leaderboard": {"boardId": "b", "displayName": "B", ` + columns + `}}`, "board b: updated\n", ""},
		{`{"leaderboard": {"boardId": "b", "displayName": "B", "ties": "TIES_SHARED", ` + columns + `}}`, "", "fixed when a board is made"},
		{`{"leaderboard": {"boardId": "b", "operator": "OPERATOR_BEST"}}`, "", "leaderboard.columns"},
		{`{"leaderboard": {"bord": 1}}`, "", "not a definition of a board"},
		{`{"queue": {}}`, "", `"queue"`},
		{`[`, "", "not a definition"},
	} {
		out, err := apply(step.text)
		if out != step.out || (err == nil) != (step.err == "") || err != nil && !strings.Contains(err.Error(), step.err) {
			t.Errorf("%s: %q, %v", step.text, out, err)
		}
	}
	if _, _, err := ctl(t, "apply"); err == nil {
		t.Error("apply without a file succeeds")
	}
	if _, _, err := ctl(t, "apply", "-data", data, filepath.Join(data, "nowhere.json")); err == nil {
		t.Error("apply of a file that is not there succeeds")
	}
}
