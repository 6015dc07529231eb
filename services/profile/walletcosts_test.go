package profile_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"testing"

	"google.golang.org/grpc"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

func walletGold(amount int64) *profilev1.Line {
	return &profilev1.Line{Asset: &profilev1.Asset{Id: &profilev1.Asset_Currency{Currency: "gold"}}, Amount: amount}
}

func walletItem(id string, amount int64) *profilev1.Line {
	return &profilev1.Line{Asset: &profilev1.Asset{Id: &profilev1.Asset_Item{Item: id}}, Amount: amount}
}

// walletItems are n lines, each of another item.
func walletItems(n int, amount int64) []*profilev1.Line {
	lines := make([]*profilev1.Line, n)
	for i := range lines {
		lines[i] = walletItem(fmt.Sprintf("item-%02d", i), amount)
	}
	return lines
}

func walletGrant(requestID string, lines ...*profilev1.Line) *profilev1.ApplyRequest {
	return &profilev1.ApplyRequest{PlayerId: ada, RequestId: requestID, Kind: profilev1.LedgerKind_LEDGER_KIND_GRANT, Lines: lines}
}

func walletApply(r *profilev1.ApplyRequest) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewWalletServiceClient(c).Apply(ctx, r)
		return err
	}
}

func walletSpend(requestID string, lines ...*profilev1.Line) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewWalletServiceClient(c).Spend(ctx, &profilev1.SpendRequest{RequestId: requestID, Lines: lines})
		return err
	}
}

func walletGet(id string, size int32, token string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewWalletServiceClient(c).GetWallet(ctx, &profilev1.GetWalletRequest{PlayerId: id, PageSize: size, PageToken: token})
		return err
	}
}

func walletLedger(id string, size int32, token string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := profilev1.NewWalletServiceClient(c).ListLedger(ctx, &profilev1.ListLedgerRequest{PlayerId: id, PageSize: size, PageToken: token})
		return err
	}
}

func walletVerify(id string) call {
	return func(ctx context.Context, c *grpc.ClientConn) error {
		_, err := walletVerified(ctx, c, id)
		return err
	}
}

// walletVerified checks a ledger to its end.
func walletVerified(ctx context.Context, c *grpc.ClientConn, id string) (*profilev1.VerifyResult, error) {
	stream, err := profilev1.NewWalletServiceClient(c).VerifyLedger(ctx, &profilev1.VerifyLedgerRequest{PlayerId: id})
	var result *profilev1.VerifyResult
	for err == nil {
		var r *profilev1.VerifyLedgerResponse
		if r, err = stream.Recv(); r.GetResult() != nil {
			result = r.GetResult()
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return result, err
}

// walletSave is a large document beside the wallet, as a save game is one.
type walletSave struct {
	cosmos.Header
	PlayerID string `json:"playerId"`
	Data     []byte `json:"data"`
}

// walletMany are forty lines for each of eight changes, of as many assets: more than one document of balances holds.
func walletMany() [][]*profilev1.Line {
	changes := make([][]*profilev1.Line, 8)
	for i := range changes {
		changes[i] = walletItems(40, 1)
		for j, line := range changes[i] {
			line.Asset = walletItem(fmt.Sprintf("%02d-%02d", i, j), 1).GetAsset()
		}
	}
	return changes
}

// walletOfThousand gives bob a thousand items and some gold.
func walletOfThousand(t *testing.T, server *grpc.ClientConn) {
	t.Helper()
	all := append(thousandItems(1000), walletGold(10))
	for i := 0; len(all) > 0; i++ {
		n := min(40, len(all))
		if err := thousandApply(1000+i, all[:n]...)(session(t), server); err != nil {
			t.Fatal(err)
		}
		all = all[n:]
	}
}

// thousandItems are n of the items of walletOfThousand, as far from each other as they can be; the names are like those of walletItems.
func thousandItems(n int) []*profilev1.Line {
	lines := make([]*profilev1.Line, n)
	for i := range lines {
		lines[i] = walletItem(fmt.Sprintf("item-%02d", i*(1000/n)+1000/n/2), 1)
	}
	return lines
}

func thousandApply(request int, lines ...*profilev1.Line) call {
	r := walletGrant(fmt.Sprint("thousand-", request), lines...)
	r.PlayerId = bob
	return walletApply(r)
}

// TestWalletCosts pins what each RPC costs. Saves of 1 MB in the same partition add nothing, as everything is read by its id or by an
// index. Apply is a read of the head (1), the look at live (1), the created entry (5.75, 0.4 of it for the index of its number),
// and the replaced head (9.9), in two requests; the last two grow with the lines and the assets, slowly. A large wallet adds a request, and for each
// bucket that is touched a read (1.3) and a replace (13 to 14). A ledger without the index would be a linked list: a point read, one after the
// other, for each entry of a page; 50 RU and 50 round trips where the index takes one query.
func TestWalletCosts(t *testing.T) {
	w, wire, e := startOnWire(t, inOneSecond())
	w.join(t, ada, bob)
	// Beside the large wallet: of a query the emulator counts every document as the average one of the partition.
	saves := cosmos.NewKind[walletSave](walletStore(t, e).Container("players"), "save", 1)
	for i := range 4 {
		save := &walletSave{PlayerID: bob, Data: bytes.Repeat([]byte{byte(i)}, 700_000)} // 1 MB in base64
		save.ID = fmt.Sprint("s|", i)
		if err := saves.Create(t.Context(), cosmos.PK(bob), cosmos.Operation{}, save); err != nil {
			t.Fatal(err)
		}
	}
	server, operator, player := w.Dial(t, w.authority.GameServer("eu")), w.Dial(t, w.authority.Operator(someOps)), w.Dial(t, w.authority.Player(ada))
	walletOfThousand(t, server)
	again := walletApply(walletGrant("gold-2", walletGold(10)))
	tests := []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		refused  bool
		charge   float64
		requests int
	}{
		{"Apply of 1 line, the first ever", server, walletApply(walletGrant("gold-1", walletGold(10))), false, 13.90, 2},
		{"Apply of 1 line", server, again, false, 18.05, 2},
		{"Apply of 1 line, repeated", server, again, false, 2.00, 2},
		{"Apply of 40 lines, all new", server, walletApply(walletGrant("new-40", walletItems(40, 10)...)), false, 21.54, 2},
		{"Apply of 2 lines", server, walletApply(walletGrant("items-2", walletItems(2, 10)...)), false, 20.21, 2},
		{"Apply of 10 lines", server, walletApply(walletGrant("items-10", walletItems(10, 10)...)), false, 20.44, 2},
		{"Apply of 40 lines", server, walletApply(walletGrant("items-40", walletItems(40, 10)...)), false, 21.75, 2},
		{"Spend of 1 line", player, walletSpend("spend-1", walletGold(-1)), false, 20.39, 2},
		{"Spend of 1 line, refused", player, walletSpend("spend-2", walletGold(-1000)), true, 4.06, 3},
		{"GetWallet of 41 balances", player, walletGet("", 0, ""), false, 1.03, 1},
		{"GetWallet, page of 1", player, walletGet("", 1, ""), false, 1.03, 1},
		{"ListLedger of 7 entries", player, walletLedger("", 0, ""), false, 3.27, 1},
		{"ListLedger, page of 1", player, walletLedger("", 1, ""), false, 2.95, 1},
		{"VerifyLedger of 7 entries, 41 balances", operator, walletVerify(ada), false, 7.33, 3},
		{"Apply of 1 line, a currency, 1000 items", server, thousandApply(1, walletGold(1)), false, 18.64, 2},
		{"Apply of 1 line, 1000 items", server, thousandApply(2, thousandItems(1)...), false, 33.22, 3},
		{"Apply of 1 line, 1000 items, repeated", server, thousandApply(2, thousandItems(1)...), false, 3.17, 3},
		{"Apply of 2 lines, 1000 items", server, thousandApply(3, thousandItems(2)...), false, 47.82, 3},
		{"Apply of 10 lines, 1000 items", server, thousandApply(4, thousandItems(10)...), false, 135.50, 3},
		{"Apply of 40 lines, 1000 items", server, thousandApply(5, thousandItems(40)...), false, 136.81, 3},
		{"Apply of 40 lines side by side, 1000 items", server, thousandApply(6, walletItems(40, 1)...), false, 63.93, 3},
		{"GetWallet, 100 of 1000 items", operator, walletGet(bob, 0, ""), false, 3.35, 2},
		{"GetWallet, 500 of 1000 items", operator, walletGet(bob, 500, ""), false, 9.17, 2},
	}
	for _, test := range tests {
		wire.take()
		meter := &cosmos.Meter{}
		if err := test.call(cosmos.WithMeter(session(t), meter), test.as); (err != nil) != test.refused {
			t.Errorf("%s: %v", test.what, err)
			continue
		}
		sent := len(wire.take())
		if diff := meter.Charge() - test.charge; diff < -0.02 || diff > 0.02 || sent != test.requests {
			t.Errorf("%s: %.2f RU in %d requests, want %.2f in %d", test.what, meter.Charge(), sent, test.charge, test.requests)
		}
		cosmostest.Record(t, test.what, meter.Charge(), sent)
	}
}
