package snapshot

// SetChunkBytes makes chunks small until the returned function is called.
func SetChunkBytes(n int) (restore func()) {
	before := chunkBytes
	chunkBytes = n
	return func() { chunkBytes = before }
}

// DecodeForTest reads a whole chunk and writes it again.
func DecodeForTest(chunk []byte, segments int) ([]byte, error) {
	p, err := decode(chunk)
	if err != nil {
		return nil, err
	}
	again := part{names: p.names, late: p.late, keyBytes: p.keyBytes}
	ordinals := make([]uint32, segments)
	for {
		e, ok, err := p.next(ordinals)
		if err != nil {
			return nil, err
		}
		if !ok {
			return again.encode(), nil
		}
		again.add(e, segments)
	}
}
