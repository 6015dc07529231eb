package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"supergame/services/platform/config"
)

const hidden = "hunter2-hunter2"

type holder struct {
	Public  config.Secret
	private config.Secret
}

// Every way of printing that a program may come across, of the secret and of structs that hold it.
func TestSecretIsNeverPrinted(t *testing.T) {
	secret := config.NewSecret(hidden)
	held := holder{Public: secret, private: secret}
	var out bytes.Buffer
	for _, value := range []any{secret, &secret, held, &held, []config.Secret{secret}, map[string]config.Secret{"k": secret}} {
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d", "%T"} {
			fmt.Fprintf(&out, verb+"\n", value)
		}
		text := slog.New(slog.NewTextHandler(&out, nil))
		text.Info("text", "value", value)
		slog.New(slog.NewJSONHandler(&out, nil)).Info("json", "value", value)
		encoded, err := json.Marshal(value)
		if err != nil {
			t.Errorf("json of %T: %v", value, err)
		}
		out.Write(encoded)
	}
	encoded, err := xml.Marshal(held)
	if err != nil {
		t.Errorf("xml: %v", err)
	}
	out.Write(encoded)
	out.WriteString(fmt.Errorf("wrapped: %v", held.private).Error())

	if strings.Contains(out.String(), hidden) || strings.Contains(out.String(), fmt.Sprintf("%x", hidden)) {
		t.Errorf("the secret was printed:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "[redacted]") {
		t.Error("nothing says that a value was left out")
	}
}

func TestSecret(t *testing.T) {
	var zero config.Secret
	if !zero.IsZero() || zero.Reveal() != "" || zero.String() != "" {
		t.Errorf("zero secret: %q", zero.Reveal())
	}
	s := config.NewSecret(hidden)
	if s.IsZero() || s.Reveal() != hidden || !s.Equal(hidden) || s.Equal("else") || zero.Equal(hidden) {
		t.Error("the secret does not hold its value")
	}
	if !config.NewSecret("").IsZero() {
		t.Error("an empty secret is not zero")
	}
}
