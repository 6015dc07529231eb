package player

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"

	"supergame/services/platform/fault"
)

// RefreshToken is the content of a refresh token. Nothing secret about it is stored: the server's key makes it unforgeable.
type RefreshToken struct {
	PlayerID string
	Family   string
	N        int64
}

// Tokens writes and reads refresh tokens, as `player.family.n.mac`.
type Tokens struct {
	// Keys of the HMAC-SHA256, 32 bytes each: the first writes, all read.
	Keys [][]byte
}

// Format writes a token.
func (t Tokens) Format(token RefreshToken) string {
	body := token.PlayerID + "." + token.Family + "." + strconv.FormatInt(token.N, 10)
	return body + "." + mac(t.Keys[0], body)
}

// Parse reads a token that Format wrote. Anything else is Unauthenticated (REFRESH_REFUSED).
func (t Tokens) Parse(s string) (RefreshToken, error) {
	i := strings.LastIndexByte(s, '.')
	if i < 0 {
		return RefreshToken{}, RefreshRefused("malformed")
	}
	body := s[:i]
	if !t.authentic(body, s[i+1:]) {
		return RefreshToken{}, RefreshRefused("not one of ours")
	}
	parts := strings.Split(body, ".")
	if len(parts) != 3 {
		return RefreshToken{}, RefreshRefused("malformed")
	}
	n, err := strconv.ParseInt(parts[2], 10, 64)
	if err != nil || n < 1 {
		return RefreshToken{}, RefreshRefused("malformed")
	}
	return RefreshToken{PlayerID: parts[0], Family: parts[1], N: n}, nil
}

func (t Tokens) authentic(body, given string) bool {
	for _, key := range t.Keys {
		if hmac.Equal([]byte(given), []byte(mac(key, body))) {
			return true
		}
	}
	return false
}

func mac(key []byte, body string) string {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}

// RefreshRefused is the answer to a refresh token that cannot be used.
func RefreshRefused(why string) error {
	return fault.New(fault.Unauthenticated, "REFRESH_REFUSED", "the refresh token cannot be used (%s): sign in again", why)
}
