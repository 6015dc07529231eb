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

// TestWalletCosts pins what each RPC costs, with saves of 1 MB in the same partition: they add nothing, as every query goes by an
// index. Apply is a query (3.4 for one line), the look at live (1), the replaced head (9.9), the created entry (5.75, 0.4 of it for the index
// of its number), and 9.9 for each balance that it replaces or 4.95 for one that it creates. A ledger without that index would be a
// linked list: a point read, one after the other, for each entry of a page; 50 RU and 50 round trips where the index takes one query.
func TestWalletCosts(t *testing.T) {
	w, wire, e := startOnWire(t, inOneSecond())
	w.join(t, ada)
	saves := cosmos.NewKind[walletSave](walletStore(t, e).Container("players"), "save", 1)
	for i := range 4 {
		save := &walletSave{PlayerID: ada, Data: bytes.Repeat([]byte{byte(i)}, 700_000)} // 1 MB in base64
		save.ID = fmt.Sprint("s|", i)
		if err := saves.Create(t.Context(), cosmos.PK(ada), cosmos.Operation{}, save); err != nil {
			t.Fatal(err)
		}
	}
	server, operator, player := w.Dial(t, w.authority.GameServer("eu")), w.Dial(t, w.authority.Operator(someOps)), w.Dial(t, w.authority.Player(ada))
	again := walletApply(walletGrant("gold-2", walletGold(10)))
	tests := []struct {
		what     string
		as       *grpc.ClientConn
		call     call
		refused  bool
		charge   float64
		requests int
	}{
		{"Apply of 1 line, the first ever", server, walletApply(walletGrant("gold-1", walletGold(10))), false, 21.90, 2},
		{"Apply of 1 line", server, again, false, 30.31, 2},
		{"Apply of 1 line, repeated", server, again, false, 3.41, 1},
		{"Apply of 40 lines, all new", server, walletApply(walletGrant("new-40", walletItems(40, 10)...)), false, 255.68, 2},
		{"Apply of 2 lines", server, walletApply(walletGrant("items-2", walletItems(2, 10)...)), false, 40.36, 2},
		{"Apply of 10 lines", server, walletApply(walletGrant("items-10", walletItems(10, 10)...)), false, 120.95, 2},
		{"Apply of 40 lines", server, walletApply(walletGrant("items-40", walletItems(40, 10)...)), false, 423.79, 2},
		{"Spend of 1 line", player, walletSpend("spend-1", walletGold(-1)), false, 30.31, 2},
		{"Spend of 1 line, refused", player, walletSpend("spend-2", walletGold(-1000)), true, 8.72, 4},
		{"GetWallet of 41 balances", player, walletGet("", 0, ""), false, 11.79, 1},
		{"GetWallet, page of 1", player, walletGet("", 1, ""), false, 3.21, 1},
		{"ListLedger of 7 entries", player, walletLedger("", 0, ""), false, 4.40, 1},
		{"ListLedger, page of 1", player, walletLedger("", 1, ""), false, 3.11, 1},
		{"VerifyLedger of 7 entries, 41 balances", operator, walletVerify(ada), false, 20.19, 4},
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
