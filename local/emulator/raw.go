package emulator

// Raw hands every key and value that the emulator stores to each, in its own format, for tests that look for what must be nowhere any more. What has expired
// is removed first; what the change feed still refers to is there.
func (e *Emulator) Raw(each func(key, value []byte) error) error { return e.engine.Raw(each) }
