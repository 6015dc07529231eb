package identity

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"supergame/services/platform/config"
)

// keys are the secrets of the configuration, ready for use.
type keys struct {
	sealing [][]byte // the current one first
	refresh [][]byte // the current one first
	erasure []byte   // names erasure rows after players; a key of its own, because the rows outlive every rotation of the others
	// Derived (HKDF, RFC 5869), so that no key serves two purposes:
	family []byte // names sessions after requests
	pages  []byte // authenticates resume tokens
	links  []byte // authenticates tokens that resolve a link
}

func (c Config) keys() (keys, error) {
	var k keys
	var err error
	if k.sealing, err = decodeKeys("IDENTITY_SEALING_KEY", c.SealingKey, c.SealingKeyBefore); err != nil {
		return keys{}, err
	}
	if k.refresh, err = decodeKeys("IDENTITY_REFRESH_KEY", c.RefreshKey, c.RefreshKeyBefore); err != nil {
		return keys{}, err
	}
	if k.erasure, err = decodeKey("IDENTITY_ERASURE_KEY", c.ErasureKey); err != nil {
		return keys{}, err
	}
	for _, derived := range []struct {
		into *[]byte
		info string
	}{
		{&k.family, "supergame identity: family names"},
		{&k.pages, "supergame identity: resume tokens"},
		{&k.links, "supergame identity: link tokens"},
	} {
		if *derived.into, err = hkdf.Key(sha256.New, k.refresh[0], nil, derived.info, 32); err != nil {
			return keys{}, fmt.Errorf("identity: deriving a key: %w", err)
		}
	}
	return k, nil
}

func decodeKeys(variable string, now, before config.Secret) ([][]byte, error) {
	key, err := decodeKey(variable, now)
	if err != nil {
		return nil, err
	}
	if before.IsZero() {
		return [][]byte{key}, nil
	}
	old, err := decodeKey(variable+"_BEFORE", before)
	if err != nil {
		return nil, err
	}
	return [][]byte{key, old}, nil
}
