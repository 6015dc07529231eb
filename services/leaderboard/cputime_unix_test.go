//go:build unix

package leaderboard_test

import (
	"syscall"
	"time"
)

// cpuTime is the time that all threads of the process have spent, in user mode and in the kernel.
func cpuTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
