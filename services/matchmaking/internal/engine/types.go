package engine

import (
	"time"

	"supergame/services/matchmaking/internal/rating"
)

// Ticket asks for a match for one player or a party that stays together.
type Ticket struct {
	ID        string
	Since     time.Time // the waiting clock; a ticket that comes back from a match that failed keeps it
	Players   []Player
	FreshOnly bool // never fills a gap of a running match
}

// Player is one member of a ticket.
type Player struct {
	ID         string
	Rating     rating.Rating
	Roles      []string             // what he plays, best liked first
	Latency    map[string]int       // ms by region; a region that is missing is out of reach
	Attributes map[string]Attribute // by name
	Avoid      []string             // player ids
}

// Attribute is a value of a player: Texts for the rules equal (exactly one) and intersect, Number for difference.
type Attribute struct {
	Texts  []string
	Number float64
}

// Backfill is a running match with open places.
type Backfill struct {
	ID      string
	Since   time.Time
	Region  string // where it runs; ignored when the queue has no latency rule
	Rosters []Roster
	Leavers []string // player ids that never come back into this match
}

// Roster is one side of a running match: who plays and how many places are open. A backfill has one for each side, in the order of
// queue.Definition.Sides.
type Roster struct {
	Players []Player
	Roles   []string // the role of each player, in the same order; empty for a queue without roles
	Open    int
}

// Match is a proposal: its tickets have left the engine. Whoever cannot make it come true adds them again.
type Match struct {
	Tickets  []string // ticket ids, the anchor first
	Backfill string   // the id of the backfill that it fills; "" for a new match
	Region   string   // "" when the queue has no latency rule
	Teams    []Team   // in the order of the sides; of a backfill only who joins
	Common   []Common // what was agreed upon by each rule of kind intersect
	Quality  Quality
	Spread   float64 // the largest difference of two tickets' ratings
	Latency  int     // the highest latency of a player to the region, in ms
	FormedAt time.Time
}

// Team is one side of a match.
type Team struct {
	Name  string
	Seats []Seat
}

// Seat is one player's place.
type Seat struct {
	Ticket, Player string
	Role           string // "" in a queue without roles and for who plays anything
}

// Common is what all tickets of a match share by one rule.
type Common struct {
	Rule   string
	Values []string
}

// Quality says how good a match is expected to be; each part and the weighted total are between 0 and 1.
type Quality struct {
	Total, Closeness, Latency, Waiting float64
}

// Misfit is a ticket that no match of a definition can hold, and the rule that is to blame; "size" is the size of its party, "rating" a
// rating that is no number. [Engine.Redefine] also lists running matches in this way, by their ids, that the queue can no longer fill.
type Misfit struct {
	Ticket, Rule string
	Err          error
}
