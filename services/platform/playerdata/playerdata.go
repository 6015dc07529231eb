// Package playerdata erases and exports what a service stores about one player: the rules behind each service's PlayerDataService.
// It knows the order in which that must happen, and no container: those are behind [Store].
package playerdata

import (
	"context"
	"encoding/json"
	"time"

	"supergame/services/platform/fault"
	"supergame/services/platform/pagetoken"
)

// Document is one stored document.
type Document struct {
	ID      string
	Content map[string]any // JSON, without the properties that the database adds
}

// Store is one container, as far as one player is concerned.
type Store interface {
	// Name is the container's name.
	Name() string
	// Guard is the document whose presence every write that creates another one depends on; it is deleted before any other. ""
	// where there is none.
	Guard() string
	// IDs returns some of the player's documents, at most limit; none only when there are none.
	IDs(ctx context.Context, playerID string, limit int) ([]string, error)
	// Delete deletes documents, some or all of which may be gone already, and returns how many it deleted.
	Delete(ctx context.Context, playerID string, ids []string) (int, error)
	// Documents returns the player's documents whose ids come after one, in the order of ids, at most limit; "" comes before
	// all. An empty answer is the end.
	Documents(ctx context.Context, playerID, after string, limit int) ([]Document, error)
}

// Service erases and exports.
type Service struct {
	Stores []Store          // all containers that hold data of players, in the order in which they are erased and exported
	Tokens pagetoken.Codec  // for resume tokens
	Now    func() time.Time // for the time of an export
	Limit  int              // how many documents one call of Erase deletes, about; at least one page per container
}

// pageSize is how many documents are handled at once. The documents of a page may be large, hence so few.
const pageSize = 50

// Erasure says what one call of [Service.Erase] did.
type Erasure struct {
	Done    bool             // a look after the last deletion found nothing
	Deleted map[string]int64 // documents by container

	Containers []string // all that were looked through
}

// Erase deletes the player's documents in every container, the guard of each first. It is safe to repeat, also at the same
// time; repeat it until it is done.
func (s *Service) Erase(ctx context.Context, playerID string) (Erasure, error) {
	result := Erasure{Done: true, Deleted: map[string]int64{}}
	for _, store := range s.Stores {
		deleted, done, err := s.eraseFrom(ctx, store, playerID)
		if err != nil {
			return Erasure{}, err
		}
		result.Done = result.Done && done
		result.Containers = append(result.Containers, store.Name())
		if deleted > 0 {
			result.Deleted[store.Name()] = int64(deleted)
		}
	}
	return result, nil
}

func (s *Service) eraseFrom(ctx context.Context, store Store, playerID string) (deleted int, done bool, err error) {
	if guard := store.Guard(); guard != "" {
		if deleted, err = store.Delete(ctx, playerID, []string{guard}); err != nil {
			return 0, false, err
		}
	}
	for {
		ids, err := store.IDs(ctx, playerID, pageSize)
		if err != nil || len(ids) == 0 {
			return deleted, err == nil, err
		}
		if deleted > 0 && deleted >= s.Limit {
			return deleted, false, nil
		}
		n, err := store.Delete(ctx, playerID, ids)
		if err != nil {
			return deleted, false, err
		}
		deleted += n
	}
}

// position is where an export stands, as its resume token carries it.
type position struct {
	Store  int              `json:"s"`           // index of the container
	After  string           `json:"a,omitempty"` // the last id sent of it
	Counts map[string]int64 `json:"n,omitempty"` // documents sent so far, by container
	Start  int64            `json:"t"`           // begin of the export, milliseconds since 1970
}

// Part is one piece of an export: a document, or in the end the summary.
type Part struct {
	Container   string
	Document    *Document
	Summary     *Summary
	ResumeToken string // continues behind this part
}

// Summary ends an export.
type Summary struct {
	AsOf      time.Time        // everything stored at this time is in the export, or a later version of it
	Documents map[string]int64 // sent, by container, over all calls of the export
}

// Export sends the player's documents, ordered by container and id, and then the summary. With the resume token of an earlier part it
// continues behind that one; each id is sent once, whatever is written meanwhile.
func (s *Service) Export(ctx context.Context, playerID, resumeToken string, send func(Part) error) error {
	list := s.Tokens.For("PlayerDataService.ExportPlayer", playerID)
	at, err := s.resume(list, resumeToken)
	if err != nil {
		return err
	}
	for ; at.Store < len(s.Stores); at.Store, at.After = at.Store+1, "" {
		if err := s.exportFrom(ctx, list, &at, playerID, send); err != nil {
			return err
		}
	}
	token, err := at.token(list)
	if err != nil {
		return err
	}
	return send(Part{Summary: &Summary{AsOf: time.UnixMilli(at.Start).UTC(), Documents: at.Counts}, ResumeToken: token})
}

// exportFrom sends what is left of one container.
func (s *Service) exportFrom(ctx context.Context, list pagetoken.List, at *position, playerID string, send func(Part) error) error {
	store := s.Stores[at.Store]
	for {
		documents, err := store.Documents(ctx, playerID, at.After, pageSize)
		if err != nil || len(documents) == 0 {
			return err
		}
		for i := range documents {
			at.After = documents[i].ID
			at.Counts[store.Name()]++
			token, err := at.token(list)
			if err != nil {
				return err
			}
			if err := send(Part{Container: store.Name(), Document: &documents[i], ResumeToken: token}); err != nil {
				return err
			}
		}
	}
}

func (s *Service) resume(list pagetoken.List, token string) (position, error) {
	at := position{Counts: map[string]int64{}, Start: s.Now().UnixMilli()}
	if token == "" {
		return at, nil
	}
	text, err := list.Position(token)
	if err == nil {
		err = json.Unmarshal([]byte(text), &at)
	}
	if err != nil || at.Store < 0 || at.Counts == nil {
		return position{}, fault.Invalid("resume_token", "is not one of an export of this player").Because(err)
	}
	return at, nil
}

func (at *position) token(list pagetoken.List) (string, error) {
	text, err := json.Marshal(at)
	if err != nil {
		return "", fault.New(fault.Internal, "BAD_POSITION", "the position of an export cannot be encoded").Because(err)
	}
	return list.Token(string(text)), nil
}
