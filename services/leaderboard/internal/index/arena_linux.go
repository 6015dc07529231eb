package index

import "syscall"

const madvHugepage = 14 // MADV_HUGEPAGE; package syscall does not name it

// reserve asks the system for memory, in huge pages if it may. It panics when there is none, as the Go heap does.
func reserve(n int) []byte {
	b, err := syscall.Mmap(-1, 0, n, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		panic("index: out of memory: " + err.Error())
	}
	_ = syscall.Madvise(b, madvHugepage) // where it does not, small pages do
	return b
}

func release(b []byte) { _ = syscall.Munmap(b) }
