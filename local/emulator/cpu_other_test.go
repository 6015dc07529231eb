//go:build !unix

package emulator_test

import "time"

// processCPU is not measured here; the metric is then left out.
func processCPU() time.Duration { return 0 }
