package identity_test

import (
	"testing"

	identityv1 "supergame/proto/gen/supergame/identity/v1"
	"supergame/services/identity/internal/cosmosstore"
	"supergame/services/identity/internal/player"
)

// What a refresh costs on top of its one read and one write, side by side; CPU of client, server and emulator together.
func BenchmarkRefresh(b *testing.B) {
	w := newWorld(b)
	r := w.replica()
	session := r.signIn(secret())
	store := cosmosstore.NewPlayers(w.client)
	b.Run("read and write alone", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			err := store.Update(b.Context(), session.GetPlayerId(), func(p *player.Player) bool {
				p.Families[0].RotateTime = p.Families[0].RotateTime.Add(1)
				return true
			})
			if err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("over gRPC", func(b *testing.B) {
		b.ReportAllocs()
		token := session.GetSession().GetRefreshToken()
		for b.Loop() {
			next, err := r.RefreshSession(b.Context(), &identityv1.RefreshSessionRequest{RefreshToken: token})
			if err != nil {
				b.Fatal(err)
			}
			token = next.GetSession().GetRefreshToken()
		}
	})
}

// A sign-in of a known device: one read, and one read and write.
func BenchmarkSignIn(b *testing.B) {
	r := newWorld(b).replica()
	me := secret()
	r.signIn(me)
	b.ReportAllocs()
	for b.Loop() {
		r.signIn(me)
	}
}
