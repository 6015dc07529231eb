package loop

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"supergame/services/platform/fault"
)

// freeLease is always held.
type freeLease struct{}

func (freeLease) Run(ctx context.Context, job func(context.Context) error) error {
	if err := job(ctx); err != nil {
		return err
	}
	return ctx.Err()
}

// script is a feed of one range that a test writes: each change is its number, tokens are numbers of pages. That the follower keeps to it is
// tested on the real feed too, in the service's own tests; here are the failures that no store can be made to show.
type script struct {
	pages   [][]string
	refused string // token that is refused
	failing int    // polls that fail
	saved   []string
	polled  []string
}

var errRefused = errors.New("not this token")

func (s *script) Begin(context.Context) ([]Position, error) { return []Position{{Max: "FF"}}, nil }

func (s *script) Refused(err error) bool { return errors.Is(err, errRefused) }

func (s *script) Poll(_ context.Context, at Position) ([]Change, Position, error) {
	s.polled = append(s.polled, at.Token)
	if s.failing > 0 {
		s.failing--
		return nil, at, fault.New(fault.Unavailable, "DOWN", "down")
	}
	if at.Token != "" && at.Token == s.refused {
		return nil, at, errRefused
	}
	n, _ := strconv.Atoi(at.Token)
	if n >= len(s.pages) {
		return nil, at, nil
	}
	var changes []Change
	for _, body := range s.pages[n] {
		changes = append(changes, Change{Type: "note", Body: []byte(body), Time: time.Now().Add(-2 * time.Minute)})
	}
	at.Token = strconv.Itoa(n + 1)
	return changes, at, nil
}

func (s *script) Load(context.Context) ([]Position, error) {
	if len(s.saved) == 0 {
		return nil, nil
	}
	return []Position{{Max: "FF", Token: s.saved[len(s.saved)-1]}}, nil
}

func (s *script) Start(context.Context, []Position) error { return nil }

func (s *script) Save(_ context.Context, one Position) error {
	s.saved = append(s.saved, one.Token)
	return nil
}

// follow runs a follower for a while, and returns what its handler was shown.
func follow(t *testing.T, s *script, during time.Duration, handle func(body string) error) (shown []string, lags []time.Duration) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), during)
	defer cancel()
	f := &Follower{
		Lease: freeLease{}, Feed: s, Positions: s, Interval: time.Second, Log: slog.New(slog.DiscardHandler), Now: time.Now,
		Handlers: map[string]Handler{"note": func(_ context.Context, c Change) error {
			shown = append(shown, string(c.Body))
			return handle(string(c.Body))
		}},
		Lag: func(_ context.Context, _ Position, behind time.Duration) { lags = append(lags, behind) },
	}
	if err := f.Run(ctx); err != nil {
		t.Error(err)
	}
	return shown, lags
}

func TestFollowerRepeatsWhatPassesAndLeavesOutWhatDoesNot(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{pages: [][]string{{"1", "2", "3"}, {"4"}}, failing: 2}
		tries := 0
		shown, lags := follow(t, s, time.Minute, func(body string) error {
			switch body {
			case "1":
				return fault.New(fault.DataLoss, "BAD", "cannot be read")
			case "2":
				if tries++; tries < 4 {
					return fault.New(fault.Unavailable, "DOWN", "down")
				}
			}
			if body == "4" && !slices.Equal(s.saved, []string{"1"}) {
				t.Errorf("before page 2 the saved positions are %v", s.saved)
			}
			return nil
		})
		if want := []string{"1", "2", "2", "2", "2", "3", "4"}; !slices.Equal(shown, want) {
			t.Errorf("%v, want %v", shown, want)
		}
		if !slices.Equal(s.saved, []string{"1", "2"}) {
			t.Errorf("saved %v", s.saved)
		}
		if lags[0] < 2*time.Minute || lags[len(lags)-1] != 0 {
			t.Errorf("lags %v", lags)
		}
		if n := len(s.polled); n > 70 {
			t.Errorf("%d polls in a minute", n)
		}
	})
}

func TestFollowerGivesUpWhatNobodyUnderstands(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{pages: [][]string{{"1", "2"}}}
		shown, _ := follow(t, s, 2*time.Minute, func(body string) error {
			if body == "1" {
				return errors.New("no fault")
			}
			return nil
		})
		if len(shown) != maxTries+1 || shown[maxTries] != "2" {
			t.Errorf("%v", shown)
		}
	})
}

func TestFollowerSavesNothingThatIsNotDealtWith(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{pages: [][]string{{"1", "2"}}}
		follow(t, s, 10*time.Second, func(body string) error {
			if body == "2" {
				return fault.New(fault.Aborted, "BUSY", "busy")
			}
			return nil
		})
		if len(s.saved) != 0 {
			t.Errorf("saved %v", s.saved)
		}
	})
}

func TestFollowerBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &script{pages: [][]string{{"1"}, {"2"}}, saved: []string{"7"}, refused: "7"}
		shown, _ := follow(t, s, 10*time.Second, func(string) error { return nil })
		if !slices.Equal(shown, []string{"1", "2"}) || s.polled[0] != "7" || s.polled[1] != "" {
			t.Errorf("%v, polled %v", shown, s.polled)
		}
	})
}
