package emulator

import (
	"sync"

	"supergame/local/emulator/internal/engine"
	"supergame/local/emulator/internal/policy"
)

// policyCache keeps the parsed indexing policy of each container, until its properties change.
type policyCache struct{ byRID sync.Map } // container RID -> *cachedPolicy

type cachedPolicy struct {
	info   *engine.ContainerInfo
	policy *policy.Policy
}

// of gives the policy of a container. What the engine holds was checked when it came in, so that an error of the parser (data of
// another version) only means: the default policy.
func (c *policyCache) of(info *engine.ContainerInfo) *policy.Policy {
	if found, ok := c.byRID.Load(info.RID); ok && found.(*cachedPolicy).info == info {
		return found.(*cachedPolicy).policy
	}
	p, err := policy.Parse(info.Given)
	if err != nil {
		p, _ = policy.Parse([]byte(`{}`))
	}
	c.byRID.Store(info.RID, &cachedPolicy{info, p})
	return p
}

func (c *policyCache) forget(rid string) { c.byRID.Delete(rid) }

// countTerms is the engine's TermCounter.
func (c *policyCache) countTerms(info *engine.ContainerInfo, before, after []byte) (removed, inserted int) {
	return c.of(info).Changes(before, after)
}
