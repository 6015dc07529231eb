package main

import (
	"strings"
	"testing"
)

// TestNothingIsSuggestedThatCannotWork: without a data folder nobody else has the keys of operators and of the store.
func TestNothingIsSuggestedThatCannotWork(t *testing.T) {
	if lines := dataLines("127.0.0.1:50051", ""); lines != "" {
		t.Errorf("without data: %q", lines)
	}
	for data, want := range map[string]string{".data": `ctl query "SELECT`, "else": `ctl query -data else "SELECT`} {
		if lines := dataLines("127.0.0.1:50051", data); !strings.Contains(lines, want) || strings.Contains(lines, "-grpc") {
			t.Errorf("with %s: %s", data, lines)
		}
	}
	if lines := dataLines("127.0.0.1:1", ".data"); !strings.Contains(lines, "-role operator -grpc 127.0.0.1:1)") {
		t.Errorf("on another port: %s", lines)
	}
}
