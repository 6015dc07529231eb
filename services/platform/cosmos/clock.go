package cosmos

import (
	"net/http"
	"sync"
	"time"
)

// clockAnswers is how many answers the clock is judged by.
const clockAnswers = 20

// clock compares this machine's clock with the service's.
type clock struct {
	mu   sync.Mutex
	list []time.Duration // of the last answers
	next int
}

// saw takes in the Date of an answer to a request that was sent and answered at these times. A Date names a whole second, and the service took it
// some time between the two: what both could explain is no difference.
func (c *clock) saw(header http.Header, sent, answered time.Time) {
	date, err := http.ParseTime(header.Get("Date"))
	if err != nil {
		return
	}
	var ahead time.Duration
	switch {
	case date.After(answered):
		ahead = answered.Sub(date)
	case sent.After(date.Add(time.Second)):
		ahead = sent.Sub(date.Add(time.Second))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) < clockAnswers {
		c.list = append(c.list, ahead)
		return
	}
	c.list[c.next] = ahead
	c.next = (c.next + 1) % clockAnswers
}

// difference is the smallest of the last answers: a slow answer makes a difference look larger than it is, never smaller.
func (c *clock) difference() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.list) == 0 {
		return 0
	}
	least := c.list[0]
	for _, ahead := range c.list[1:] {
		if ahead.Abs() < least.Abs() {
			least = ahead
		}
	}
	return least
}

// ClockDifference is how far this machine's clock is ahead of the service's (negative = behind), at least, by the Date of the last 20 answers; 0
// before the first.
func (c *Client) ClockDifference() time.Duration { return c.clock.difference() }
