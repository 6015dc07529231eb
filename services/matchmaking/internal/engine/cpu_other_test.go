//go:build !unix

package engine

import "time"

// began is when the tests began.
var began = time.Now()

// cpuTime is the clock, where the time of the processors is not to be had in the same way.
func cpuTime() time.Duration { return time.Since(began) }
