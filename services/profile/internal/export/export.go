// Package export gives a player, or an operator, everything that the services store about him: one service after the other, each as of its own time, and
// to be resumed wherever it was cut.
package export

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Source is a service that keeps something of players.
type Source interface {
	// Name is the name of the service.
	Name() string
	// Export hands the documents of a player to send, and the summary in the end. With the resume token of an earlier part it continues behind that one.
	Export(ctx context.Context, playerID, resumeToken string, send func(Part) error) error
}

// Part is one piece of what a source has.
type Part struct {
	Container, ID string
	Content       map[string]any
	Summary       *Summary // of the last part, which has no document
	ResumeToken   string   // of the source
}

// Summary ends what one service has.
type Summary struct {
	Service   string           `json:"s"`
	AsOf      time.Time        `json:"t"`
	Documents map[string]int64 `json:"n,omitempty"` // by container
}

// Piece is one piece of an export: a document of a service, the summary of a service, or in the end all summaries.
type Piece struct {
	Service     string
	Document    *Part
	Summary     *Summary
	All         []Summary
	ResumeToken string
}

// Players are those who are stored.
type Players interface {
	// Exists reports whether there is a player who was not deleted.
	Exists(ctx context.Context, playerID string) (bool, error)
}

// Caller is who asks.
type Caller struct {
	Subject string
	Player  bool // Subject is a player; otherwise an operator
}

// Exports exports players.
type Exports struct {
	Sources []Source // this service first
	Players Players
	Tokens  pagetoken.Codec

	mu   sync.Mutex
	open map[string]bool
}

// position is where an export stands, as its resume token carries it. Services are known by name: the configuration may change in between.
type position struct {
	Service string    `json:"s,omitempty"` // the one that is being sent; "" = the first
	Inner   string    `json:"i,omitempty"` // its own token
	Done    []Summary `json:"d,omitempty"`
}

// Export sends everything of a player; an empty id is the caller's own.
func (e *Exports) Export(ctx context.Context, caller Caller, playerID, token string, send func(Piece) error) error {
	if playerID == "" && caller.Player {
		playerID = caller.Subject
	}
	switch {
	case playerID == "":
		return fault.Invalid("player_id", "is empty; only a player may leave his own id out")
	case caller.Player && caller.Subject != playerID:
		return fault.New(fault.PermissionDenied, "NOT_YOUR_PROFILE", "a player exports himself only")
	}
	list := e.Tokens.For("ProfileService.ExportPlayer", playerID)
	at, err := resume(list, token)
	if err != nil {
		return err
	}
	if exists, err := e.Players.Exists(ctx, playerID); err != nil || !exists {
		return orNotFound(err, playerID)
	}
	if !e.enter(playerID) {
		return fault.New(fault.ResourceExhausted, "EXPORT_OPEN", "another export of this player is open").After(retryAfter)
	}
	defer e.leave(playerID)
	for _, source := range e.Sources {
		if at.has(source.Name()) {
			continue
		}
		if at.Service != source.Name() {
			at.Service, at.Inner = source.Name(), ""
		}
		if err := exportFrom(ctx, source, playerID, list, &at, send); err != nil {
			return err
		}
	}
	return send(Piece{All: at.Done, ResumeToken: at.token(list)})
}

// retryAfter is when it makes sense to look whether the other export has ended.
const retryAfter = 10 * time.Second

// exportFrom sends what is left of one service, and its summary.
func exportFrom(ctx context.Context, source Source, playerID string, list pagetoken.List, at *position, send func(Piece) error) error {
	ended := false
	err := source.Export(ctx, playerID, at.Inner, func(part Part) error {
		at.Inner = part.ResumeToken
		if part.Summary == nil {
			return send(Piece{Service: source.Name(), Document: &part, ResumeToken: at.token(list)})
		}
		ended = true
		summary := *part.Summary
		summary.Service = source.Name()
		at.Done, at.Service, at.Inner = append(at.Done, summary), "", ""
		return send(Piece{Service: source.Name(), Summary: &summary, ResumeToken: at.token(list)})
	})
	if err == nil && !ended {
		return fault.New(fault.Unavailable, "EXPORT_CUT", "the service %s ended before its summary", source.Name())
	}
	return err
}

func (e *Exports) enter(playerID string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.open == nil {
		e.open = map[string]bool{}
	}
	if e.open[playerID] {
		return false
	}
	e.open[playerID] = true
	return true
}

func (e *Exports) leave(playerID string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.open, playerID)
}

func (p *position) has(service string) bool {
	for _, done := range p.Done {
		if done.Service == service {
			return true
		}
	}
	return false
}

func (p *position) token(list pagetoken.List) string {
	text, err := json.Marshal(p)
	if err != nil { // texts, numbers and times of our own always encode
		panic(err)
	}
	return list.Token(string(text))
}

func resume(list pagetoken.List, token string) (position, error) {
	var at position
	if token == "" {
		return at, nil
	}
	text, err := list.Position(token)
	if err == nil {
		err = json.Unmarshal([]byte(text), &at)
	}
	if err != nil {
		return position{}, fault.Invalid("resume_token", "is not one of an export of this player").Because(err)
	}
	return at, nil
}

func orNotFound(err error, playerID string) error {
	if err != nil {
		return err
	}
	return fault.New(fault.NotFound, "PLAYER_NOT_FOUND", "there is no player %s", playerID).With("player_id", playerID)
}
