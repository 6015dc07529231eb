package credential

import (
	"context"
	"testing"

	"supergame/services/platform/fault"
)

func TestSubjectID(t *testing.T) {
	// printf 'https://issuer.example\0alice' | sha256sum
	got := Subject{Provider: "entra", Issuer: "https://issuer.example", Name: "alice"}.ID()
	if want := "d0c1e6aaa26b1226a7b0a1a3e4c6800ddbed666f783b7b7ea091754bb1502198"; got != want {
		t.Errorf("ID = %s, want %s", got, want)
	}
	renamed := Subject{Provider: "other", Issuer: "https://issuer.example", Name: "alice"}.ID()
	if renamed != got {
		t.Error("the provider's name in the configuration changes the identity")
	}
	a := Subject{Issuer: "https://a", Name: "bc"}.ID()
	if b := (Subject{Issuer: "https://ab", Name: "c"}).ID(); a == b {
		t.Error("two subjects share an identity")
	}
}

type verifier struct{ issuer string }

func (v verifier) Verify(_ context.Context, token, _ string) (Subject, error) {
	return Subject{Provider: "entra", Issuer: v.issuer, Name: token}, nil
}

func TestProviders(t *testing.T) {
	guests := &Providers{Device: true, OIDC: map[string]Verifier{"entra": verifier{"https://entra.example"}}}
	closed := &Providers{}

	device, err := guests.VerifyDevice("0123456789abcdef")
	if err != nil {
		t.Fatal(err)
	}
	posing, err := guests.VerifyOIDC(t.Context(), "entra", "0123456789abcdef", "")
	if err != nil {
		t.Fatal(err)
	}
	if device.ID() == posing.ID() {
		t.Error("an ID token can pose as a device")
	}
	for name, call := range map[string]func() (Subject, error){
		"device switched off": func() (Subject, error) { return closed.VerifyDevice("0123456789abcdef") },
		"unknown provider":    func() (Subject, error) { return guests.VerifyOIDC(t.Context(), "steam", "token", "") },
	} {
		if _, err := call(); !fault.Is(err, fault.FailedPrecondition) || fault.ReasonOf(err) != "PROVIDER_DISABLED" {
			t.Errorf("%s: %v, want PROVIDER_DISABLED", name, err)
		}
	}
}
