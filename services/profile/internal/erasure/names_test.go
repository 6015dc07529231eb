package erasure

import (
	"encoding/base64"
	"strings"
	"testing"

	"supergame/services/platform/fault"
)

var testNames = Names{Key: []byte("a key"), Receipts: []byte("another")}

// TestNamesNeverChange: records and receipts are kept for ever.
func TestNamesNeverChange(t *testing.T) {
	id := testNames.ID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	if want := "aa9ca5e72d284005387f50e2c48b2ab8519ef93ead975f341e0d4b8257e06a29"; id != want {
		t.Errorf("the name of a deletion is %s, was %s", id, want)
	}
	if got, want := testNames.Receipt(id), "9v5T1SAq0aE-TFvyAe15rmFhOWNhNWU3MmQyODQwMDUzODdmNTBlMmM0OGIyYWI4NTE5ZWY5M2VhZDk3NWYzNDFlMGQ0YjgyNTdlMDZhMjk"; got != want {
		t.Errorf("a receipt is %s, was %s", got, want)
	}
}

// TestReceipts: only those that were given out are taken, by who has the key.
func TestReceipts(t *testing.T) {
	id := testNames.ID("01ARZ3NDEKTSV4RRFFQ69G5FAV")
	receipt := testNames.Receipt(id)
	if got, err := testNames.OfReceipt(receipt); err != nil || got != id {
		t.Errorf("%q, %v", got, err)
	}
	for what, bad := range map[string]string{
		"none": "", "no base64": "?", "too short": "AAAA", "only a seal": base64.RawURLEncoding.EncodeToString(make([]byte, sealBytes)), "padded": receipt + "=",
		"cut": receipt[:len(receipt)-4], "longer": receipt + "AAAA", "another seal": "AAAA" + receipt[4:], "two": receipt + receipt,
		"in another alphabet": strings.NewReplacer("-", "+", "_", "/").Replace(receipt) + "\n",
	} {
		if got, err := testNames.OfReceipt(bad); !fault.Is(err, fault.InvalidArgument) || fault.As(err).Fields[0].Path != "receipt" {
			t.Errorf("%s: %q, %v", what, got, err)
		}
	}
	for i := range receipt { // every character counts
		other := byte('A')
		if receipt[i] == other {
			other = 'B'
		}
		if got, err := testNames.OfReceipt(receipt[:i] + string(other) + receipt[i+1:]); err == nil {
			t.Errorf("with another character at %d: %q", i, got)
		}
	}
	if _, err := (Names{Key: testNames.Key, Receipts: []byte("a third")}).OfReceipt(receipt); err == nil {
		t.Error("it is taken by another key")
	}
}

// FuzzReceipt: what is taken is what was given out.
func FuzzReceipt(f *testing.F) {
	f.Add(testNames.Receipt("0a"))
	f.Add("")
	f.Add("AAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, receipt string) {
		id, err := testNames.OfReceipt(receipt)
		if err == nil && testNames.Receipt(id) != receipt {
			t.Errorf("%q is taken for %q", receipt, id)
		}
		if err != nil && !fault.Is(err, fault.InvalidArgument) {
			t.Error(err)
		}
	})
}
