package rpc

import (
	"google.golang.org/protobuf/types/known/timestamppb"

	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/auth"
	"supergame/services/profile/internal/wallet"
)

// ledgerKinds are the kinds as the rules name them.
var ledgerKinds = map[profilev1.LedgerKind]wallet.Kind{
	profilev1.LedgerKind_LEDGER_KIND_GRANT:      wallet.Grant,
	profilev1.LedgerKind_LEDGER_KIND_SPEND:      wallet.Spend,
	profilev1.LedgerKind_LEDGER_KIND_TRANSFER:   wallet.Transfer,
	profilev1.LedgerKind_LEDGER_KIND_PURCHASE:   wallet.Purchase,
	profilev1.LedgerKind_LEDGER_KIND_REWARD:     wallet.Reward,
	profilev1.LedgerKind_LEDGER_KIND_CORRECTION: wallet.Correction,
}

func encodeKind(kind wallet.Kind) profilev1.LedgerKind {
	for encoded, k := range ledgerKinds {
		if k == kind {
			return encoded
		}
	}
	return profilev1.LedgerKind_LEDGER_KIND_UNSPECIFIED
}

// decodeLines leaves out the balances, which a caller cannot set.
func decodeLines(list []*profilev1.Line) []wallet.Line {
	lines := make([]wallet.Line, len(list))
	for i, line := range list {
		lines[i] = wallet.Line{Asset: decodeAsset(line.GetAsset()), Amount: line.GetAmount()}
	}
	return lines
}

func decodeAsset(a *profilev1.Asset) wallet.Asset {
	if item, ok := a.GetId().(*profilev1.Asset_Item); ok {
		return wallet.Asset{Type: wallet.Item, ID: item.Item}
	}
	return wallet.Asset{Type: wallet.Currency, ID: a.GetCurrency()}
}

func encodeAsset(a wallet.Asset) *profilev1.Asset {
	switch a.Type {
	case wallet.Currency:
		return &profilev1.Asset{Id: &profilev1.Asset_Currency{Currency: a.ID}}
	case wallet.Item:
		return &profilev1.Asset{Id: &profilev1.Asset_Item{Item: a.ID}}
	}
	return nil
}

func encodeEntry(e wallet.Entry) *profilev1.LedgerEntry {
	encoded := &profilev1.LedgerEntry{
		Seq: e.Seq, RequestId: e.RequestID, Kind: encodeKind(e.Kind), Lines: make([]*profilev1.Line, len(e.Lines)), Reason: e.Reason,
		Reference: e.Reference, CreateTime: timestamppb.New(e.Time), CallerRole: auth.Role(e.Caller.Role).Proto(), Caller: e.Caller.Subject,
		RequestHash: e.RequestHash, PreviousHash: e.PreviousHash, Hash: e.Hash,
	}
	for i, line := range e.Lines {
		encoded.Lines[i] = &profilev1.Line{Asset: encodeAsset(line.Asset), Amount: line.Amount, BalanceAfter: line.Balance}
	}
	return encoded
}

// problemTypes are the types of problems as the proto names them.
var problemTypes = map[wallet.ProblemType]profilev1.LedgerProblem_Type{
	wallet.Gap:          profilev1.LedgerProblem_TYPE_GAP,
	wallet.BrokenChain:  profilev1.LedgerProblem_TYPE_BROKEN_CHAIN,
	wallet.WrongHash:    profilev1.LedgerProblem_TYPE_WRONG_HASH,
	wallet.WrongSum:     profilev1.LedgerProblem_TYPE_WRONG_SUM,
	wallet.WrongBalance: profilev1.LedgerProblem_TYPE_WRONG_BALANCE,
	wallet.WrongHead:    profilev1.LedgerProblem_TYPE_WRONG_HEAD,
}

func encodeResult(r wallet.Result) *profilev1.VerifyResult {
	encoded := &profilev1.VerifyResult{
		Ok: r.ProblemCount == 0, Entries: r.Entries, Balances: r.Balances, HeadSeq: r.Last.Seq, HeadHash: r.Last.Hash, ProblemCount: r.ProblemCount,
	}
	for _, p := range r.Problems {
		encoded.Problems = append(encoded.Problems, &profilev1.LedgerProblem{
			Type: problemTypes[p.Type], Seq: p.Seq, Asset: encodeAsset(p.Asset), Description: p.Description,
		})
	}
	return encoded
}
