package signing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"errors"
	"fmt"
)

// Sealer keeps private keys secret in the store: AES-256-GCM with a random 96-bit nonce in front, bound to the key's id.
type Sealer struct {
	boxes []cipher.AEAD
}

// NewSealer takes the sealing keys, 32 bytes each: the first seals, all open.
func NewSealer(keys ...[]byte) (*Sealer, error) {
	s := &Sealer{}
	for _, key := range keys {
		if len(key) != 32 {
			return nil, fmt.Errorf("a sealing key has %d bytes, not 32", len(key))
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		box, err := cipher.NewGCM(block)
		if err != nil {
			return nil, err
		}
		s.boxes = append(s.boxes, box)
	}
	if len(s.boxes) == 0 {
		return nil, errors.New("there is no sealing key")
	}
	return s, nil
}

// Seal encrypts a private key for its id.
func (s *Sealer) Seal(kid string, private []byte) []byte {
	box := s.boxes[0]
	nonce := make([]byte, box.NonceSize(), box.NonceSize()+len(private)+box.Overhead())
	_, _ = rand.Read(nonce) // never fails, see its documentation
	return box.Seal(nonce, nonce, private, []byte(kid))
}

// Open decrypts what Seal made for the same id with one of the keys.
func (s *Sealer) Open(kid string, sealed []byte) ([]byte, error) {
	for _, box := range s.boxes {
		if len(sealed) < box.NonceSize() {
			return nil, errors.New("the sealed key is cut")
		}
		nonce, text := sealed[:box.NonceSize()], sealed[box.NonceSize():]
		if private, err := box.Open(nil, nonce, text, []byte(kid)); err == nil {
			return private, nil
		}
	}
	return nil, errors.New("no sealing key fits")
}
