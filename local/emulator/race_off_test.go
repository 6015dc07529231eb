//go:build !race

package emulator_test

const incrementRounds = 10
