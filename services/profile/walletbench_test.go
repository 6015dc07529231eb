package profile_test

import (
	"fmt"
	"testing"

	"supergame/services/platform/cosmos"
)

// BenchmarkApply puts changes of a wallet beside BenchmarkUpdateProfile.
func BenchmarkApply(b *testing.B) {
	for _, lines := range []int{1, 10, 40} {
		b.Run(fmt.Sprint("lines=", lines), func(b *testing.B) {
			w := start(b)
			w.join(b, ada)
			server := w.wallets(b, w.authority.GameServer("eu"))
			meter := &cosmos.Meter{}
			ctx := cosmos.WithMeter(session(b), meter)
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if _, err := server.Apply(ctx, walletGrant(fmt.Sprint("r", i), walletItems(lines, 1)...)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(meter.Charge()/float64(b.N), "RU/op")
		})
	}
}
