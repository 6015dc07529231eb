package profile_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
)

// TestCountersUnderFire lets several devices of one player count up a setting, each by reading it and sending the next value
// with the version it read, while the store refuses and cuts connections at random. A device repeats a request whose answer
// it does not get. In the end the setting is the number of increments that were answered; one whose outcome cannot be told, because eight
// others came between it and its lost answer, may count or not.
func TestCountersUnderFire(t *testing.T) {
	w, _, e := startOnWire(t)
	w.join(t, ada)
	for _, failure := range []emulator.Fault{
		{Status: 429, Substatus: 3200, RetryAfter: time.Millisecond}, {Status: 449}, {Status: 410, Substatus: 1002}, {Status: 503},
		{DropBefore: true}, {DropAfter: true}, {Status: 503, After: true},
	} {
		failure.Op, failure.Probability = emulator.OpWrite, 0.04
		e.Inject(failure)
	}
	const devices, increments = 4, 12
	token := w.authority.Player(ada)
	var fire outcomes
	var wg sync.WaitGroup
	for device := range devices {
		me := w.profiles(t, token)
		wg.Go(func() {
			for i := range increments {
				if err := increment(t, me, fmt.Sprintf("d%d-%d", device, i), &fire); err != nil {
					t.Errorf("device %d: %v", device, err)
				}
			}
		})
	}
	wg.Wait()
	e.ClearFaults()
	r, err := w.profiles(t, token).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada, View: full})
	if err != nil {
		t.Fatal(err)
	}
	got, err := strconv.ParseInt(r.GetProfile().GetPrivate().GetSettings()["count"], 10, 64)
	most := int64(devices * increments)
	if least := most - fire.unknown.Load(); err != nil || got < least || got > most {
		t.Errorf("counted %d, want %d to %d (%v)", got, least, most, err)
	}
	t.Logf("%d lost races, %d unknown outcomes", fire.lost.Load(), fire.unknown.Load())
}

// outcomes counts how requests ended that were not simply carried out.
type outcomes struct{ lost, unknown atomic.Int64 }

// increment adds one, once, however often it has to try.
func increment(t *testing.T, me profilev1.ProfileServiceClient, requestID string, fire *outcomes) error {
	ctx := session(t)
	for try := 0; ; try++ {
		r, err := me.GetProfile(ctx, &profilev1.GetProfileRequest{PlayerId: ada, View: full})
		if err != nil {
			if again(err) {
				continue
			}
			return fmt.Errorf("reading: %w", err)
		}
		p := r.GetProfile()
		count, _ := strconv.Atoi(p.GetPrivate().GetSettings()["count"])
		p.Private.Settings = map[string]string{"count": strconv.Itoa(count + 1)}
		request := update(p, "private.settings")
		request.RequestId = fmt.Sprint(requestID, "-", try)
		err = repeat(ctx, me, request)
		switch fault.ReasonOf(err) {
		case "ETAG_MISMATCH":
			fire.lost.Add(1)
		case "OUTCOME_UNKNOWN":
			fire.unknown.Add(1)
			return nil
		default:
			return err
		}
	}
}

// repeat sends the same request until there is an answer.
func repeat(ctx context.Context, me profilev1.ProfileServiceClient, r *profilev1.UpdateProfileRequest) error {
	for {
		_, err := me.UpdateProfile(ctx, r)
		if err == nil || !again(err) {
			return err
		}
	}
}

// again reports whether a failure says that the same request may be sent again.
func again(err error) bool {
	return fault.Is(err, fault.Unavailable) || fault.Is(err, fault.ResourceExhausted) || fault.Is(err, fault.DeadlineExceeded)
}

// TestOutage: the store does not answer for longer than the service is patient. The caller hears it as UNAVAILABLE, and the same request
// works afterwards.
func TestOutage(t *testing.T) {
	w, _, e := startOnWire(t)
	w.join(t, ada)
	me := w.Dial(t, w.authority.Player(ada))
	request := changeNamed("r1", &profilev1.Profile{Avatar: "fox"}, "avatar")
	// The write is carried out, its answer is lost, and then there is no way to find that out.
	e.Inject(emulator.Fault{Op: emulator.OpReplace, DropAfter: true})
	e.Inject(emulator.Fault{Op: emulator.OpRead, DropBefore: true})
	ctx, cancel := context.WithTimeout(session(t), 400*time.Millisecond)
	defer cancel()
	if err := request(ctx, me); !fault.Is(err, fault.Unavailable) && !fault.Is(err, fault.DeadlineExceeded) {
		t.Errorf("during the outage: %v", err)
	}
	e.ClearFaults()
	if err := request(session(t), me); err != nil {
		t.Errorf("the same request afterwards: %v", err)
	}
	r, err := w.profiles(t, w.authority.Player(ada)).GetProfile(session(t), &profilev1.GetProfileRequest{PlayerId: ada})
	if err != nil || r.GetProfile().GetAvatar() != "fox" {
		t.Errorf("%v, %v", r, err)
	}
}

// TestThrottled: a store that goes on refusing is RESOURCE_EXHAUSTED, with the time to come back.
func TestThrottled(t *testing.T) {
	w, _, e := startOnWire(t)
	w.join(t, ada)
	e.Inject(emulator.Fault{Op: emulator.OpRead, Status: 429, Substatus: 3200, RetryAfter: 2 * time.Millisecond})
	err := get(ada, 0)(session(t), w.Dial(t, w.authority.Player(ada)))
	if f := fault.As(err); f == nil || f.Kind != fault.ResourceExhausted || f.RetryAfter <= 0 {
		t.Errorf("got %v", err)
	}
}
