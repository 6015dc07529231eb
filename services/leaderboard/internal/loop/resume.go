package loop

// Resume lets the follower begin at positions that were kept, where the view holds what is before them. It is called before [Follower.Run].
func (f *Follower) Resume(list []Position) { f.start(list) }

// Waiting is how many entries wait for the definition of their board. They are not in the view, though the feed was read past them.
func (s *Entries) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.count
}
