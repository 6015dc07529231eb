package main

import (
	"strings"
	"testing"
)

func TestRunNamesWhatIsMissing(t *testing.T) {
	t.Setenv("IDENTITY_ENDPOINT", "")
	t.Setenv("PROFILE_ERASE_LIMIT", "many")
	err := run()
	if err == nil || !strings.Contains(err.Error(), "IDENTITY_ENDPOINT is not set") || !strings.Contains(err.Error(), "PROFILE_ERASE_LIMIT") ||
		!strings.Contains(err.Error(), "PROFILE_ERASURE_KEY is not set") {
		t.Errorf("got %v", err)
	}
}
