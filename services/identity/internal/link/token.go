package link

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"
	"strings"
	"time"

	"supergame/services/platform/fault"
)

// TokenLife is how long a person may take to decide.
const TokenLife = 10 * time.Minute

// Decision is what a token is for: who may have the credential, who has it, and the credential as it was then.
type Decision struct {
	Caller     string
	Owner      string
	IdentityID string
	Version    string
	ExpireTime time.Time // whole seconds
}

// Tokens writes and reads tokens, as `caller.owner.identity.version.expire.mac`. Nothing about them is stored: the key makes them
// unforgeable, and the version in them makes them good once.
type Tokens struct {
	Key []byte // of the HMAC-SHA256, 32 bytes
}

// Format writes a token.
func (t Tokens) Format(d Decision) string {
	body := strings.Join([]string{
		d.Caller, d.Owner, d.IdentityID, base64.RawURLEncoding.EncodeToString([]byte(d.Version)), strconv.FormatInt(d.ExpireTime.Unix(), 10),
	}, ".")
	return body + "." + t.mac(body)
}

// Parse reads a token that Format wrote for the caller. Anything else is InvalidArgument.
func (t Tokens) Parse(caller, token string) (Decision, error) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !hmac.Equal([]byte(token[i+1:]), []byte(t.mac(token[:i]))) {
		return Decision{}, badToken()
	}
	parts := strings.Split(token[:i], ".")
	if len(parts) != 5 || parts[0] != caller {
		return Decision{}, badToken()
	}
	version, err := base64.RawURLEncoding.DecodeString(parts[3])
	if err != nil {
		return Decision{}, badToken()
	}
	expire, err := strconv.ParseInt(parts[4], 10, 64)
	if err != nil {
		return Decision{}, badToken()
	}
	return Decision{Caller: parts[0], Owner: parts[1], IdentityID: parts[2], Version: string(version), ExpireTime: time.Unix(expire, 0)}, nil
}

func badToken() error {
	return fault.Invalid("resolve_token", "is not one that LinkIdentity gave the caller")
}

func (t Tokens) mac(body string) string {
	h := hmac.New(sha256.New, t.Key)
	h.Write([]byte(body))
	return base64.RawURLEncoding.EncodeToString(h.Sum(nil))
}
