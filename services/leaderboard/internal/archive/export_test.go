package archive

// SetChunkBytes makes chunks small until the returned function is called.
func SetChunkBytes(n int) (restore func()) {
	before := chunkBytes
	chunkBytes = n
	return func() { chunkBytes = before }
}
