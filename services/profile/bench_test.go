package profile_test

import (
	"testing"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
)

// The benchmarks are of the whole way: client, loopback, the server's chain, the service, the SDK, and the emulator in the same
// process. They report request units beside time.

func BenchmarkGetProfile(b *testing.B) {
	w := start(b)
	w.join(b, ada)
	me := w.profiles(b, w.authority.Player(ada))
	meter := &cosmos.Meter{}
	ctx := cosmos.WithMeter(session(b), meter)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(meter.Charge()/float64(b.N), "RU/op")
}

func BenchmarkUpdateProfile(b *testing.B) {
	w := start(b)
	w.join(b, ada)
	me := w.profiles(b, w.authority.Player(ada))
	meter := &cosmos.Meter{}
	ctx := cosmos.WithMeter(session(b), meter)
	avatars := [...]string{"fox", "owl"}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := me.UpdateProfile(ctx, update(&profilev1.Profile{Avatar: avatars[i%2]}, "avatar")); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(meter.Charge()/float64(b.N), "RU/op")
}
