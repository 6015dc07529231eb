package profile

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"strings"

	"supergame/services/platform/config"
)

// keyBytes is the length of every key.
const keyBytes = 32

// keys are what PROFILE_ERASURE_KEY gives.
type keys struct {
	erasure []byte // names records of erased players
	// Derived (HKDF, RFC 5869), so that no key serves two purposes:
	handles  []byte // names former owners of handles
	receipts []byte // seals receipts of deletions
}

func (c Config) keys() (keys, error) {
	var k keys
	var err error
	text := strings.NewReplacer("-", "+", "_", "/").Replace(strings.TrimRight(c.ErasureKey.Reveal(), "="))
	if k.erasure, err = base64.RawStdEncoding.DecodeString(text); err != nil {
		return keys{}, config.Invalid("PROFILE_ERASURE_KEY", "is not base64")
	}
	if len(k.erasure) != keyBytes {
		return keys{}, config.Invalid("PROFILE_ERASURE_KEY", "has %d bytes, not %d", len(k.erasure), keyBytes)
	}
	if k.receipts, err = hkdf.Key(sha256.New, k.erasure, nil, "supergame profile: receipts of deletions", keyBytes); err != nil {
		return keys{}, fmt.Errorf("profile: deriving a key: %w", err)
	}
	if k.handles, err = hkdf.Key(sha256.New, k.erasure, nil, "supergame profile: former owners of handles", keyBytes); err != nil {
		return keys{}, fmt.Errorf("profile: deriving a key: %w", err)
	}
	return k, nil
}
