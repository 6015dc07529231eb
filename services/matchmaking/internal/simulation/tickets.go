// Package simulation runs tickets through the engine in simulated time: what a queue's definition, or a change of it, does to waits,
// spreads and latencies is seen before players see it. A run depends on its tickets and its definition alone, never on the clock or on
// chance: the same input gives the same table.
package simulation

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"supergame/services/matchmaking/internal/engine"
	"supergame/services/matchmaking/internal/queue"
	"supergame/services/matchmaking/internal/rating"
)

// epoch is when simulated time begins.
var epoch = time.Unix(1_000_000_000, 0).UTC()

// Arrival is a ticket of a simulation: At counts from its start.
type Arrival struct {
	Ticket    engine.Ticket
	At        time.Duration
	GivesUpAt time.Duration // when its players cancel; 0 = they wait as long as the queue lets them
}

// recorded is an arrival as a line of JSON.
type recorded struct {
	ID        string         `json:"id"`
	At        queue.Duration `json:"at"`
	GivesUpAt queue.Duration `json:"gives_up_at,omitempty"`
	FreshOnly bool           `json:"fresh_only,omitempty"`
	Players   []player       `json:"players"`
}

type player struct {
	ID      string              `json:"id"`
	Mu      float64             `json:"mu"`
	Sigma   float64             `json:"sigma"`
	Roles   []string            `json:"roles,omitempty"`
	Latency map[string]int      `json:"latency,omitempty"`
	Texts   map[string][]string `json:"texts,omitempty"`
	Numbers map[string]float64  `json:"numbers,omitempty"`
	Avoid   []string            `json:"avoid,omitempty"`
}

// longest is the largest line of a recording.
const longest = 1 << 20

// Read reads a recording: one ticket a line, in any order of time. Ids are unique. An error names the line.
func Read(from io.Reader) ([]Arrival, error) {
	var list []Arrival
	seen := map[string]bool{}
	lines := bufio.NewScanner(from)
	lines.Buffer(nil, longest)
	for n := 1; lines.Scan(); n++ {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}
		decoder := json.NewDecoder(bytes.NewReader(line))
		decoder.DisallowUnknownFields()
		var r recorded
		if err := decoder.Decode(&r); err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if decoder.More() {
			return nil, fmt.Errorf("line %d: something stands behind the ticket", n)
		}
		switch {
		case r.ID == "" || seen[r.ID]:
			return nil, fmt.Errorf("line %d: the id %q is empty or not the only one", n, r.ID)
		case r.At < 0 || time.Duration(r.At) > 1000*time.Hour:
			return nil, fmt.Errorf("line %d: at must be between 0 and 1000h", n)
		case r.GivesUpAt != 0 && r.GivesUpAt < r.At:
			return nil, fmt.Errorf("line %d: it gives up before it comes", n)
		}
		seen[r.ID] = true
		list = append(list, r.arrival())
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("reading tickets: %w", err)
	}
	order(list)
	return list, nil
}

// order sorts arrivals by time.
func order(list []Arrival) {
	slices.SortStableFunc(list, func(a, b Arrival) int { return cmp.Compare(a.At, b.At) })
}

func (r *recorded) arrival() Arrival {
	a := Arrival{
		At: time.Duration(r.At), GivesUpAt: time.Duration(r.GivesUpAt),
		Ticket: engine.Ticket{ID: r.ID, Since: epoch.Add(time.Duration(r.At)), FreshOnly: r.FreshOnly},
	}
	for _, p := range r.Players {
		attributes := map[string]engine.Attribute{}
		for name, texts := range p.Texts {
			attributes[name] = engine.Attribute{Texts: texts}
		}
		for name, number := range p.Numbers {
			attributes[name] = engine.Attribute{Texts: attributes[name].Texts, Number: number}
		}
		a.Ticket.Players = append(a.Ticket.Players, engine.Player{
			ID: p.ID, Rating: rating.Rating{Mu: p.Mu, Sigma: p.Sigma}, Roles: p.Roles, Latency: p.Latency, Attributes: attributes, Avoid: p.Avoid,
		})
	}
	return a
}

// Write writes arrivals as Read reads them.
func Write(to io.Writer, list []Arrival) error {
	out := bufio.NewWriter(to)
	encoder := json.NewEncoder(out)
	for _, a := range list {
		r := recorded{ID: a.Ticket.ID, At: queue.Duration(a.At), GivesUpAt: queue.Duration(a.GivesUpAt), FreshOnly: a.Ticket.FreshOnly}
		for _, p := range a.Ticket.Players {
			line := player{ID: p.ID, Mu: p.Rating.Mu, Sigma: p.Rating.Sigma, Roles: p.Roles, Latency: p.Latency, Avoid: p.Avoid}
			for name, attribute := range p.Attributes {
				if attribute.Texts != nil {
					line.Texts = put(line.Texts, name, attribute.Texts)
				}
				if attribute.Number != 0 {
					line.Numbers = put(line.Numbers, name, attribute.Number)
				}
			}
			r.Players = append(r.Players, line)
		}
		if err := encoder.Encode(r); err != nil {
			return fmt.Errorf("writing ticket %s: %w", r.ID, err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("writing tickets: %w", err)
	}
	return nil
}

// put sets a key of a map that may not be there yet.
func put[V any](m map[string]V, key string, value V) map[string]V {
	if m == nil {
		m = map[string]V{}
	}
	m[key] = value
	return m
}
