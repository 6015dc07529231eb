package emulator

import (
	"iter"
	"net/http"
	"strings"
	"time"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/patch"
	"supergame/local/emulator/internal/sql"
)

// preparedPatch is a patch whose condition is parsed.
type preparedPatch struct {
	*patch.Patch
	condition *sql.Query
	now       time.Time
}

// preparePatch reads the body of a patch and its condition.
func (c *call) preparePatch(body []byte, container *engine.Container) (*preparedPatch, error) {
	parsed, err := patch.Parse(body, container.Info().Properties.Key.Paths)
	if err != nil {
		return nil, badRequest("%v", err)
	}
	p := &preparedPatch{Patch: parsed, now: c.e.clock.Now()}
	if parsed.Condition == "" {
		return p, nil
	}
	text := strings.TrimSpace(parsed.Condition)
	if len(text) < 4 || !strings.EqualFold(text[:4], "from") {
		return nil, badRequest("The condition of a patch has to begin with FROM.")
	}
	if p.condition, err = sql.Prepare("SELECT VALUE true " + text); err != nil {
		return nil, err
	}
	if len(p.condition.Parameters()) > 0 || p.condition.Features() != 0 {
		return nil, badRequest("The condition of a patch is FROM and WHERE, without parameters.")
	}
	return p, nil
}

// apply is the engine's Op.Patch: 412 when the condition does not hold, 400 when an operation does not fit the item.
func (p *preparedPatch) apply(current []byte) ([]byte, error) {
	if p.condition != nil {
		holds := false
		_, err := p.condition.Run(sql.Input{Documents: only(current), Now: p.now}, func([]byte) bool {
			holds = true
			return true
		})
		if err != nil {
			return nil, &engine.Error{Status: http.StatusBadRequest, Message: err.Error()}
		}
		if !holds {
			return nil, &engine.Error{Status: http.StatusPreconditionFailed, Message: preconditionFailed().message}
		}
	}
	patched, err := p.Apply(current)
	if err != nil {
		return nil, &engine.Error{Status: http.StatusBadRequest, Message: err.Error()}
	}
	return patched, nil
}

// only is a scan of one document.
func only(doc []byte) iter.Seq2[sql.Document, error] {
	return func(yield func(sql.Document, error) bool) { yield(sql.Document{Key: []byte{0}, JSON: doc}, nil) }
}
