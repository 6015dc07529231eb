package rpc

import (
	"context"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/wallet"
)

// Wallets serves supergame.profile.v1.WalletService.
type Wallets struct {
	profilev1.UnimplementedWalletServiceServer
	wallets *wallet.Wallets
}

// NewWallets returns the server of a noun.
func NewWallets(wallets *wallet.Wallets) *Wallets { return &Wallets{wallets: wallets} }

// Apply changes a wallet.
func (s *Wallets) Apply(ctx context.Context, r *profilev1.ApplyRequest) (*profilev1.ApplyResponse, error) {
	entry, replayed, err := s.wallets.Apply(ctx, wallet.Order{
		PlayerID: r.GetPlayerId(), Caller: walletCaller(ctx), RequestID: r.GetRequestId(), Kind: ledgerKinds[r.GetKind()],
		Lines: decodeLines(r.GetLines()), Reason: r.GetReason(), Reference: r.GetReference(),
	})
	if err != nil {
		return nil, err
	}
	return &profilev1.ApplyResponse{Entry: encodeEntry(entry), Replayed: replayed}, nil
}

// Spend debits the caller's own wallet.
func (s *Wallets) Spend(ctx context.Context, r *profilev1.SpendRequest) (*profilev1.SpendResponse, error) {
	caller := walletCaller(ctx)
	entry, replayed, err := s.wallets.Apply(ctx, wallet.Order{
		PlayerID: caller.Subject, Caller: caller, RequestID: r.GetRequestId(), Kind: wallet.Spend,
		Lines: decodeLines(r.GetLines()), Reference: r.GetReference(),
	})
	if err != nil {
		return nil, err
	}
	return &profilev1.SpendResponse{Entry: encodeEntry(entry), Replayed: replayed}, nil
}

// GetWallet returns balances.
func (s *Wallets) GetWallet(ctx context.Context, r *profilev1.GetWalletRequest) (*profilev1.GetWalletResponse, error) {
	page := wallet.Page{Size: int(r.GetPageSize()), Token: r.GetPageToken()}
	found, next, err := s.wallets.Balances(ctx, walletCaller(ctx), r.GetPlayerId(), page)
	if err != nil {
		return nil, err
	}
	response := &profilev1.GetWalletResponse{Balances: make([]*profilev1.Balance, len(found)), NextPageToken: next}
	for i, b := range found {
		response.Balances[i] = &profilev1.Balance{Asset: encodeAsset(b.Asset), Amount: b.Amount, UpdateTime: timestamppb.New(b.Time)}
	}
	return response, nil
}

// ListLedger returns entries.
func (s *Wallets) ListLedger(ctx context.Context, r *profilev1.ListLedgerRequest) (*profilev1.ListLedgerResponse, error) {
	page := wallet.Page{Size: int(r.GetPageSize()), Token: r.GetPageToken()}
	found, next, err := s.wallets.Ledger(ctx, walletCaller(ctx), r.GetPlayerId(), page)
	if err != nil {
		return nil, err
	}
	response := &profilev1.ListLedgerResponse{Entries: make([]*profilev1.LedgerEntry, len(found)), NextPageToken: next}
	for i, e := range found {
		response.Entries[i] = encodeEntry(e)
	}
	return response, nil
}

// VerifyLedger checks a ledger.
func (s *Wallets) VerifyLedger(r *profilev1.VerifyLedgerRequest, stream grpc.ServerStreamingServer[profilev1.VerifyLedgerResponse]) error {
	result, err := s.wallets.Verify(stream.Context(), r.GetPlayerId(), func(entries, total int64) error {
		progress := &profilev1.VerifyProgress{Entries: entries, Total: total}
		return stream.Send(&profilev1.VerifyLedgerResponse{Part: &profilev1.VerifyLedgerResponse_Progress{Progress: progress}})
	})
	if err != nil {
		return err
	}
	return stream.Send(&profilev1.VerifyLedgerResponse{Part: &profilev1.VerifyLedgerResponse_Result{Result: encodeResult(result)}})
}

func walletCaller(ctx context.Context) wallet.Caller {
	c := auth.CallerFrom(ctx)
	return wallet.Caller{Role: string(c.Role), Subject: c.Subject}
}
