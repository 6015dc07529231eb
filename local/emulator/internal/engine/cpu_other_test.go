//go:build !unix

package engine

import "time"

// processCPU is not measured here; the metric is then zero.
func processCPU() time.Duration { return 0 }
