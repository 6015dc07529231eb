//go:build race

package emulator_test

// incrementRounds is one with the race detector: it finds in the first round what it finds, and takes twenty times as long.
const incrementRounds = 1
