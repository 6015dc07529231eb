//go:build !linux

package emulator_test

// residentBytes is not measured here; the metric is then left out.
func residentBytes() int64 { return 0 }
