package board

import (
	"cmp"
	"math"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestAKeySortsAsItsScore compares the order of keys with the order that the columns declare, at the edges of int64 and around 2^53.
func TestAKeySortsAsItsScore(t *testing.T) {
	edges := []int64{math.MinInt64, math.MinInt64 + 1, -1 << 53, -1<<53 - 1, -1, 0, 1, 1<<53 - 1, 1 << 53, 1<<53 + 1, math.MaxInt64 - 1, math.MaxInt64}
	value := rapid.OneOf(rapid.SampledFrom(edges), rapid.Int64())
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Column {
			return Column{Descending: rapid.Bool().Draw(t, "descending")}
		}), 1, 5).Draw(t, "columns")
		a := rapid.SliceOfN(value, len(columns), len(columns)).Draw(t, "a")
		b := slices.Clone(a)
		for i := range b {
			if rapid.Bool().Draw(t, "other") {
				b[i] = value.Draw(t, "b")
			}
		}
		base := time.UnixMilli(1_790_000_000_000)
		later := base.Add(time.Duration(rapid.IntRange(0, 2).Draw(t, "later")) * time.Millisecond)
		keyA, keyB := NewKey(columns, a, base, "A", []byte("s")), NewKey(columns, b, later, "A", []byte("s"))
		want := 0
		for i, c := range columns {
			if want == 0 {
				want = cmp.Compare(a[i], b[i])
				if c.Descending {
					want = -want
				}
			}
		}
		if want == 0 {
			want = base.Compare(later)
		}
		if got := cmp.Compare(keyA, keyB); got != want || cmp.Compare(keyA.Hex(), keyB.Hex()) != want {
			t.Fatalf("keys of %v and %v compare %d, want %d", a, b, got, want)
		}
		if got := keyA.Columns(columns); !slices.Equal(got, a) {
			t.Fatalf("columns %v come back as %v", a, got)
		}
		if !keyB.Received().Equal(later) {
			t.Fatalf("receive time %v comes back as %v", later, keyB.Received())
		}
		if back, ok := KeyOfHex(keyA.Hex(), len(columns)); !ok || back != keyA {
			t.Fatalf("%s does not come back", keyA.Hex())
		}
	})
}
