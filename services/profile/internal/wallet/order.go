package wallet

import (
	"fmt"
	"time"

	"supergame/services/platform/fault"
)

// Order is a change that somebody asks for.
type Order struct {
	PlayerID  string
	Caller    Caller
	RequestID string
	Kind      Kind
	Lines     []Line // Balance is not looked at
	Reason    string
	Reference string
}

// check refuses what is wrong whatever the balances are.
func (o *Order) check() error {
	if len(o.Lines) == 0 || len(o.Lines) > MaxLines {
		return fault.Invalid("lines", "are %d, not 1 to %d", len(o.Lines), MaxLines)
	}
	first := make(map[Asset]int, len(o.Lines))
	credits, debits := 0, 0
	for i, line := range o.Lines {
		field := fmt.Sprintf("lines[%d].amount", i)
		switch {
		case line.Amount == 0:
			return fault.Invalid(field, "is 0")
		case line.Amount > MaxAmount, line.Amount < -MaxAmount:
			return fault.Invalid(field, "is not within 2^53 - 1")
		case line.Amount > 0:
			credits++
		default:
			debits++
		}
		if j, twice := first[line.Asset]; twice {
			return fault.Invalid(fmt.Sprintf("lines[%d].asset", i), "%s is in lines[%d] already", line.Asset, j)
		}
		first[line.Asset] = i
	}
	return o.checkKind(credits, debits)
}

// checkKind compares the lines with what the kind says that they are.
func (o *Order) checkKind(credits, debits int) error {
	wrong := ""
	switch o.Kind {
	case Grant, Reward:
		if debits > 0 {
			wrong = "credits only"
		}
	case Spend:
		if credits > 0 {
			wrong = "debits only"
		}
	case Transfer:
		if credits == 0 || debits == 0 {
			wrong = "a debit and a credit at least"
		}
	case Purchase:
		if credits == 0 {
			wrong = "a credit at least"
		}
	case Correction:
		if o.Caller.Role != roleOperator {
			return fault.New(fault.PermissionDenied, "OPERATORS_ONLY", "a correction is for operators")
		}
	default:
		return fault.Invalid("kind", "is none that the wallet knows")
	}
	if wrong != "" {
		return fault.Invalid("lines", "a %s has %s", o.Kind, wrong)
	}
	return nil
}

// post makes the entry that the order adds to a ledger, or says which balances do not allow it. An asset that balances does not
// name has 0.
func (o *Order) post(head Head, balances map[Asset]int64, now time.Time) (Entry, error) {
	var short, over []misfit
	lines := make([]Line, len(o.Lines))
	for i, line := range o.Lines {
		has := balances[line.Asset]
		// Neither sum overflows: both are within 2^53 of 0.
		line.Balance = has + line.Amount
		switch {
		case line.Balance < 0:
			short = append(short, misfit{line.Asset, has, -line.Amount})
		case line.Balance > MaxAmount:
			over = append(over, misfit{line.Asset, has, line.Amount})
		}
		lines[i] = line
	}
	switch {
	case short != nil:
		return Entry{}, refuse("INSUFFICIENT_FUNDS", "there is not enough", short)
	case over != nil:
		return Entry{}, refuse("BALANCE_LIMIT", "more than 2^53 - 1 cannot be kept", over)
	}
	entry := Entry{
		PlayerID: o.PlayerID, Seq: head.Seq + 1, PreviousHash: head.hash(), RequestID: o.RequestID, RequestHash: o.hash(),
		Kind: o.Kind, Caller: o.Caller, Reason: o.Reason, Reference: o.Reference, Time: now, Lines: lines,
	}
	entry.Hash = entry.computeHash()
	return entry, nil
}
