package cosmos_test

import (
	"net/http"
	"testing"
	"time"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
)

// TestTheClockIsComparedWithTheService looks at the difference behind a clock that is moved, and behind one that is not.
func TestTheClockIsComparedWithTheService(t *testing.T) {
	clock := emulator.NewClock()
	client, _ := cosmostest.StartEmulator(t, "a clock that can be moved", specs(t), emulatortest.WithClock(clock))
	notes := notesOf(client)
	fill(t, notes, []string{"ann"}, 1)
	if d := client.ClockDifference(); d != 0 {
		t.Errorf("the difference is %v, want none", d)
	}
	clock.Advance(time.Minute)
	if _, err := notes.Read(t.Context(), cosmos.PK("ann"), "n00"); err != nil {
		t.Fatal(err)
	}
	if d := client.ClockDifference(); d != 0 {
		t.Errorf("after one answer of another clock the difference is %v, want that of those before", d)
	}
	for range 20 {
		if _, err := notes.Read(t.Context(), cosmos.PK("ann"), "n00"); err != nil {
			t.Fatal(err)
		}
	}
	if d := client.ClockDifference(); d > -58*time.Second || d < -61*time.Second {
		t.Errorf("the difference is %v, want a minute behind", d)
	}
}

// TestWhatASecondExplainsIsNoDifference knows that a Date is cut to whole seconds and taken at some time while the answer is awaited.
func TestWhatASecondExplainsIsNoDifference(t *testing.T) {
	date := time.Date(2026, 3, 1, 12, 0, 10, 0, time.UTC)
	at := date.Add
	for _, test := range []struct{ sent, answered, want time.Duration }{
		{0, 0, 0}, {900 * time.Millisecond, 950 * time.Millisecond, 0}, {-2 * time.Second, 3 * time.Second, 0},
		{-3 * time.Second, -2 * time.Second, -2 * time.Second}, {4 * time.Second, 5 * time.Second, 3 * time.Second},
	} {
		header := http.Header{"Date": {date.Format(http.TimeFormat)}}
		if got := cosmos.DifferenceOf(header, at(test.sent), at(test.answered)); got != test.want {
			t.Errorf("sent %v and answered %v after the second began: %v, want %v", test.sent, test.answered, got, test.want)
		}
	}
	if got := cosmos.DifferenceOf(http.Header{"Date": {"today"}}, at(0), at(0)); got != 0 {
		t.Errorf("a Date that is none gives %v", got)
	}
}
