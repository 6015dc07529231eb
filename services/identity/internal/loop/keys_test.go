package loop

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"supergame/services/identity/internal/signing"
)

// ring stands in for signing.Ring.
type ring struct {
	refresh func() error
	ready   error
}

func (r ring) Refresh(context.Context) error { return r.refresh() }
func (r ring) Ready() error                  { return r.ready }

func TestKeysTriesOnUntilItEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	looks := 0
	keys := &Keys{Every: time.Millisecond, Log: slog.New(slog.NewTextHandler(&log, nil)), Ring: ring{refresh: func() error {
		switch looks++; looks {
		case 1:
			return errors.New("store down")
		case 2: // beside keys that are known
			return &signing.SealError{KID: "k", Cause: errors.New("no sealing key fits")}
		case 3:
			cancel()
		}
		return nil
	}}}
	if err := keys.Run(ctx); err != nil {
		t.Error(err)
	}
	if looks != 3 || !strings.Contains(log.String(), "store down") || !strings.Contains(log.String(), "no sealing key fits") {
		t.Errorf("%d looks, log %q", looks, log.String())
	}
}

func TestKeysEndsWhenAKeyCannotBeUnsealed(t *testing.T) {
	keys := &Keys{Every: time.Hour, Log: slog.New(slog.DiscardHandler), Ring: ring{
		refresh: func() error { return &signing.SealError{KID: "k", Cause: errors.New("no sealing key fits")} },
		ready:   errors.New("no key"),
	}}
	err := keys.Run(t.Context())
	if err == nil || !strings.Contains(err.Error(), "IDENTITY_SEALING_KEY") {
		t.Errorf("err = %v", err)
	}
}
