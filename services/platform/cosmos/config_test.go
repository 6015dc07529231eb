package cosmos

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"supergame/services/platform/config"
)

func TestConfigIsChecked(t *testing.T) {
	tests := []struct{ name, environ, variable string }{
		{"no endpoint", "COSMOS_DATABASE=x", "COSMOS_ENDPOINT"},
		{"not an address", "COSMOS_ENDPOINT=localhost:8081", "COSMOS_ENDPOINT"},
		{"token over http", "COSMOS_ENDPOINT=http://localhost:8081", "COSMOS_ENDPOINT"},
		{"entra", "COSMOS_ENDPOINT=https://a.documents.azure.com", ""},
		{"key over http", "COSMOS_ENDPOINT=http://localhost:8081 COSMOS_KEY=c2VjcmV0", ""},
	}
	for _, tt := range tests {
		cfg, err := config.Load[Config](strings.Fields(tt.environ))
		var problem *config.Error
		if errors.As(err, &problem); tt.variable == "" && err != nil || tt.variable != "" && (problem == nil || problem.Variable != tt.variable) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if tt.variable == "" && cfg.Database == "" {
			t.Errorf("%s: no default database", tt.name)
		}
	}
}

func TestOpenRefusesWhatCannotWork(t *testing.T) {
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("nothing"), 0o600); err != nil {
		t.Fatal(err)
	}
	good := Config{Endpoint: "https://localhost:8081", Key: config.NewSecret("c2VjcmV0"), Database: "d"}
	for name, change := range map[string]func(*Config){
		"COSMOS_KEY":      func(c *Config) { c.Key = config.NewSecret("not-base64-*hunter2*") },
		"COSMOS_CA_FILE":  func(c *Config) { c.CAFile = notPEM },
		"cannot be read":  func(c *Config) { c.CAFile = notPEM + ".missing" },
		"COSMOS_DATABASE": func(c *Config) { c.Database = "" },
	} {
		cfg := good
		change(&cfg)
		c, err := Open(t.Context(), cfg, Options{})
		if err == nil {
			c.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, err := Open(t.Context(), good, Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Close()
}
