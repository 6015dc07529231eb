package clients

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/leaderboard/internal/reward"
)

// Wallet is the [reward.Wallet]: the wallet of the profile service.
type Wallet struct {
	Client profilev1.WalletServiceClient
}

// itemPrefix marks the assets of a tier that are items; all others are currencies.
const itemPrefix = "item."

// Grant is one call. Its content depends on the grant alone, so a repeat is known as one.
func (w *Wallet) Grant(ctx context.Context, g *reward.Grant) error {
	request := &profilev1.ApplyRequest{
		PlayerId: g.PlayerID, RequestId: g.RequestID(), Kind: profilev1.LedgerKind_LEDGER_KIND_REWARD,
		Reason: fmt.Sprintf("season %d of %s: %s", g.Season, g.BoardID, g.Tier),
	}
	for _, name := range slices.Sorted(maps.Keys(g.Assets)) {
		asset := &profilev1.Asset{Id: &profilev1.Asset_Currency{Currency: name}}
		if item, ok := strings.CutPrefix(name, itemPrefix); ok && item != "" {
			asset = &profilev1.Asset{Id: &profilev1.Asset_Item{Item: item}}
		}
		request.Lines = append(request.Lines, &profilev1.Line{Asset: asset, Amount: g.Assets[name]})
	}
	_, err := w.Client.Apply(ctx, request)
	return err
}

var _ reward.Wallet = (*Wallet)(nil)
