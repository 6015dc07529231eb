package profile

import (
	"context"
	"testing"

	"supergame/services/platform/fault"
)

// TestRefusalsReadNothing calls without a store: whoever may not have an answer gets his refusal before anything is read, so
// it is the same whether the player exists or not.
func TestRefusalsReadNothing(t *testing.T) {
	const other = "01BX5ZZKBKACTAV9WEVGEMMVRZ"
	server := Caller{Subject: "eu-1"}
	profiles := &Profiles{}
	full := func(c Caller) error {
		_, err := profiles.Get(context.Background(), c, other, Full)
		return err
	}
	update := func(c Caller, id string) error {
		u := Update{Player: Player{Profile: Profile{PlayerID: id}}, Mask: []string{"nonsense"}}
		_, err := profiles.Update(context.Background(), c, u)
		return err
	}
	tests := []struct {
		what   string
		err    error
		kind   fault.Kind
		reason string
	}{
		{"full view of another player", full(someone), fault.PermissionDenied, "PRIVATE_PROFILE"},
		{"full view for a game server", full(server), fault.PermissionDenied, "PRIVATE_PROFILE"},
		{"full view for a service named like the player", full(Caller{Subject: other}), fault.PermissionDenied, "PRIVATE_PROFILE"},
		{"update of another player", update(someone, other), fault.PermissionDenied, "NOT_YOUR_PROFILE"},
		{"update by a caller named like the player", update(Caller{Subject: other}, other), fault.PermissionDenied, "NOT_YOUR_PROFILE"},
		{"update of nobody by an operator", update(operator, ""), fault.InvalidArgument, "INVALID_FIELD"},
		{"update of oneself by a bad mask", update(someone, ""), fault.InvalidArgument, "INVALID_FIELD"},
	}
	for _, test := range tests {
		if !fault.Is(test.err, test.kind) || fault.ReasonOf(test.err) != test.reason {
			t.Errorf("%s: %v, want %v %s", test.what, test.err, test.kind, test.reason)
		}
	}
}
