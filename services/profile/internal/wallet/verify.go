package wallet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// ProblemType is a sort of thing that does not add up.
type ProblemType int

// The types of problems, as the proto has them.
const (
	_            ProblemType = iota
	Gap                      // an entry is missing, or there are two of the same number
	BrokenChain              // an entry does not name the hash of the one before it
	WrongHash                // what an entry says is not what its hash was made of
	WrongSum                 // the balance behind a line is not the sum up to there
	WrongBalance             // a balance is not what the ledger says
	WrongHead                // the head does not name the last entry
)

// Problem is one of them.
type Problem struct {
	Type        ProblemType
	Seq         int64 // 0 = about no entry
	Asset       Asset // zero = about none
	Description string
}

// maxProblems is how many are told; the rest is counted.
const maxProblems = 100

// Result is what a check of a ledger found.
type Result struct {
	Entries      int64
	Balances     int64
	Last         Head // of the last entry; the hash is computed from what it says
	Problems     []Problem
	ProblemCount int64
}

const verifyPage = 500

// Verify reads a whole ledger and checks that it adds up, also while the wallet is in use: first it reads head and balances, each with the number of
// the entry that made it so, then the ledger from its first entry to its end, and compares a balance when it comes to that entry.
// Progress is called after each page.
func (w *Wallets) Verify(ctx context.Context, playerID string, progress func(entries, total int64) error) (Result, error) {
	a := audit{playerID: playerID, sums: map[Asset]tally{}, balances: map[Asset]Balance{}}
	var err error
	if a.head, err = w.Store.Head(ctx, playerID); err != nil {
		return Result{}, err
	}
	if err := w.readBalances(ctx, &a); err != nil {
		return Result{}, err
	}
	if err := w.readEntries(ctx, &a, progress); err != nil {
		return Result{}, err
	}
	// Once more: every entry that was read has gone through the head.
	now, err := w.Store.Head(ctx, playerID)
	if err != nil {
		return Result{}, err
	}
	a.finish(now)
	return a.result, nil
}

func (w *Wallets) readEntries(ctx context.Context, a *audit, progress func(entries, total int64) error) error {
	a.result.Last.Hash = noHash
	seen := map[string]bool{} // of the last number
	for from := int64(-MaxAmount); ; from = a.result.Last.Seq {
		// From the last number on, not behind it: a second entry of that number must not be passed over.
		page, err := w.Store.Entries(ctx, a.playerID, from, Upward, verifyPage)
		if err != nil {
			return err
		}
		before := a.result.Entries
		for i := range page {
			e := &page[i]
			if e.Seq != a.result.Last.Seq {
				clear(seen)
			}
			if !seen[e.key()] {
				a.add(e)
			}
			seen[e.key()] = true
		}
		if a.result.Entries > before {
			if err := progress(a.result.Entries, max(a.head.Seq, a.result.Entries)); err != nil {
				return err
			}
		}
		if len(page) < verifyPage || a.result.Entries == before {
			return nil
		}
	}
}

// key tells entries of one number apart.
func (e *Entry) key() string { return e.Caller.Name() + "\x00" + e.RequestID }

func (w *Wallets) readBalances(ctx context.Context, a *audit) error {
	for after := (Asset{}); ; {
		page, err := w.Store.Balances(ctx, a.playerID, after, verifyPage)
		if err != nil {
			return err
		}
		for _, b := range page {
			a.balances[b.Asset] = b
		}
		if len(page) < verifyPage {
			return nil
		}
		after = page[len(page)-1].Asset
	}
}

// audit is a check at work.
type audit struct {
	playerID string
	head     Head
	balances map[Asset]Balance // as they were when the check began, or later
	sums     map[Asset]tally
	result   Result
}

// tally is the sum of an asset's lines.
type tally struct {
	sum    int64
	atHead int64 // of the last line of an entry up to the head as it was read
	met    bool  // the entry that made the balance was met
}

func (a *audit) find(p Problem) {
	if a.result.ProblemCount++; len(a.result.Problems) < maxProblems {
		a.result.Problems = append(a.result.Problems, p)
	}
}

// add checks the next entry.
func (a *audit) add(e *Entry) {
	last := &a.result.Last
	say := func(t ProblemType, format string, args ...any) {
		a.find(Problem{Type: t, Seq: e.Seq, Description: fmt.Sprintf(format, args...)})
	}
	if e.Seq != last.Seq+1 {
		say(Gap, "entry %d follows entry %d", e.Seq, last.Seq)
	}
	if e.PreviousHash != last.Hash {
		say(BrokenChain, "names %q as the hash before it, which is %s", e.PreviousHash, last.Hash)
	}
	hash := e.computeHash()
	if e.Hash != hash {
		say(WrongHash, "has the hash %q, computed is %s", e.Hash, hash)
	}
	if request := e.order().hash(); e.RequestHash != request {
		say(WrongHash, "has the request hash %q, computed is %s", e.RequestHash, request)
	}
	if e.PlayerID != a.playerID {
		say(WrongHash, "is of player %q", e.PlayerID)
	}
	for _, line := range e.Lines {
		a.addLine(e.Seq, line)
	}
	a.result.Entries++
	last.Seq, last.Hash = e.Seq, hash
}

func (a *audit) addLine(seq int64, line Line) {
	t := a.sums[line.Asset]
	say := func(p ProblemType, format string, args ...any) {
		a.find(Problem{Type: p, Seq: seq, Asset: line.Asset, Description: fmt.Sprintf(format, args...)})
	}
	inside := line.Balance >= 0 && line.Balance <= MaxAmount && line.Amount >= -MaxAmount && line.Amount <= MaxAmount
	if !inside || t.sum+line.Amount != line.Balance {
		say(WrongSum, "%d and %d give not %d", t.sum, line.Amount, line.Balance)
	}
	t.sum += line.Amount // of tampered amounts the sum may wrap, and is wrong then too
	if seq <= a.head.Seq {
		t.atHead = seq
	}
	if b, ok := a.balances[line.Asset]; ok && b.Seq == seq {
		t.met = true
		if b.Amount != t.sum {
			say(WrongBalance, "the balance is %d, the ledger says %d", b.Amount, t.sum)
		}
	}
	a.sums[line.Asset] = t
}

// finish checks what only the whole ledger tells. The head is as of now.
func (a *audit) finish(now Head) {
	last := a.result.Last
	a.result.Balances = int64(len(a.balances))
	if now.Seq < last.Seq || a.head.Seq > last.Seq || now.Seq == last.Seq && now.hash() != last.Hash {
		a.find(Problem{Type: WrongHead, Seq: now.Seq, Description: fmt.Sprintf(
			"the head names entry %d with the hash %q, the last one is %d with %s", now.Seq, now.Hash, last.Seq, last.Hash)})
	}
	for _, b := range a.balances {
		if _, ok := a.sums[b.Asset]; !ok {
			a.sums[b.Asset] = tally{}
		}
	}
	for _, asset := range slices.SortedFunc(maps.Keys(a.sums), compareAssets) {
		a.finishAsset(asset)
	}
}

func compareAssets(a, b Asset) int { return strings.Compare(a.String(), b.String()) }

func (a *audit) finishAsset(asset Asset) {
	t := a.sums[asset]
	b, ok := a.balances[asset]
	say := func(seq int64, format string, args ...any) {
		a.find(Problem{Type: WrongBalance, Seq: seq, Asset: asset, Description: fmt.Sprintf(format, args...)})
	}
	switch {
	case !ok && t.atHead > 0:
		say(t.atHead, "there is no balance, the ledger says %d", t.sum)
	case ok && !t.met:
		say(b.Seq, "the balance is %d since entry %d, which does not name it", b.Amount, b.Seq)
	case ok && t.atHead > b.Seq:
		say(t.atHead, "the balance is of entry %d, the last one that changed it is %d", b.Seq, t.atHead)
	}
}
