//go:build !linux

package index

// reserve takes the memory of the Go heap.
func reserve(n int) []byte { return make([]byte, n) }

func release([]byte) {}
