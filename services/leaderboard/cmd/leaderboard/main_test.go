package main

import (
	"strings"
	"testing"
)

func TestRunNamesWhatIsMissing(t *testing.T) {
	for _, name := range []string{"IDENTITY_ENDPOINT", "PROFILE_ENDPOINT", "LEADERBOARD_TIE_KEY"} {
		t.Setenv(name, "")
	}
	t.Setenv("LEADERBOARD_HEARTBEAT", "often")
	err := run()
	for _, name := range []string{"IDENTITY_ENDPOINT is not set", "PROFILE_ENDPOINT is not set", "LEADERBOARD_TIE_KEY", "LEADERBOARD_HEARTBEAT"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s in it", err, name)
		}
	}
}
