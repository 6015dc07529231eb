package cosmosstore

import (
	"testing"

	"supergame/services/platform/cosmos"
	"supergame/services/profile/internal/profile"
)

// BenchmarkGet puts the noun's read beside the same read of package cosmos, which it is built on.
func BenchmarkGet(b *testing.B) {
	s, ctx := newStore(b)
	mustCreate(ctx, b, s, ada)
	profiles := &profile.Profiles{Store: s}
	caller := profile.Caller{Subject: ada, Player: true}
	b.Run("cosmos", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := s.profiles.Read(ctx, cosmos.PK(ada), idProfile); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("profile", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := profiles.Get(ctx, caller, ada, profile.Public); err != nil {
				b.Fatal(err)
			}
		}
	})
}
