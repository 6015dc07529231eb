package auth

// Suspended returns nil for a player who is not suspended, and the fault that refuses his tokens for one who is. Identity asks it
// before it gives out a session.
func (v *Verifier) Suspended(playerID string) error {
	v.revoked.mu.RLock()
	defer v.revoked.mu.RUnlock()
	if !v.revoked.has(SuspendPlayer, playerID) {
		return nil
	}
	return v.revoked.suspended(playerID)
}
