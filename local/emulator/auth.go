package emulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"hash"
	"net/http"
	"net/url"
	"strings"
	"sync"
)

// masterKey checks signatures of the account key: HMAC-SHA256 over verb, resource type, link and date.
// https://learn.microsoft.com/rest/api/cosmos-db/access-control-on-cosmosdb-resources
type masterKey struct {
	encoded string
	signers sync.Pool // of *signer: setting up a keyed hash costs more than using it
}

type signer struct {
	mac  hash.Hash
	text []byte
	sum  []byte
	want []byte
}

func newMasterKey(encoded string) (*masterKey, error) {
	key, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil || len(key) == 0 {
		return nil, errors.New("emulator: the account key is not standard base64")
	}
	m := &masterKey{encoded: encoded}
	m.signers.New = func() any { return &signer{mac: hmac.New(sha256.New, key)} }
	return m, nil
}

// verify compares in constant time.
func (m *masterKey) verify(method string, r route, date, signature string) bool {
	s := m.signers.Get().(*signer)
	defer m.signers.Put(s)
	s.text = appendLower(s.text[:0], method)
	s.text = appendLower(append(s.text, '\n'), r.kind)
	s.text = append(append(append(s.text, '\n'), r.link...), '\n')
	s.text = append(appendLower(s.text, date), "\n\n"...)
	s.mac.Reset()
	s.mac.Write(s.text)
	s.sum = s.mac.Sum(s.sum[:0])
	s.want = base64.StdEncoding.AppendEncode(s.want[:0], s.sum)
	return subtle.ConstantTimeCompare(s.want, []byte(signature)) == 1
}

func appendLower(dst []byte, s string) []byte {
	for i := range len(s) {
		c := s[i]
		if 'A' <= c && c <= 'Z' {
			c += 'a' - 'A'
		}
		dst = append(dst, c)
	}
	return dst
}

// credentials are the parts of an Authorization header: type=master|aad&ver=1.0&sig=...
type credentials struct{ kind, signature string }

func parseCredentials(header string) (credentials, bool) {
	plain := header
	if strings.IndexByte(header, '%') >= 0 {
		var err error
		if plain, err = url.QueryUnescape(header); err != nil {
			return credentials{}, false
		}
	}
	var c credentials
	for part := range strings.SplitSeq(plain, "&") {
		name, value, _ := strings.Cut(part, "=")
		switch name {
		case "type":
			c.kind = value
		case "sig":
			c.signature = value
		}
	}
	return c, c.kind != "" && c.signature != ""
}

func unauthorized(why string) *refusal {
	return refuse(http.StatusUnauthorized, "The input authorization token can't serve the request. %s", why).costs(0)
}

// authorize lets the request pass or says why not: 401 for a wrong key or token, 403 for what an identity may not do.
func (c *call) authorize() *refusal {
	header := first(c.header, hAuthorization)
	if header == "" {
		return unauthorized("Required Header authorization is missing. Ensure a valid Authorization token is passed.")
	}
	creds, ok := parseCredentials(header)
	if !ok {
		return unauthorized("The authorization header must have the form type={typetoken}&ver={tokenversion}&sig={hashsignature}.")
	}
	switch creds.kind {
	case "master":
		date := first(c.header, hMSDate)
		if date == "" {
			date = first(c.header, hDate)
		}
		if c.mangled || !c.e.key.verify(c.method, c.route, date, creds.signature) {
			return unauthorized("The wrong key is being used or the expected payload is not built as per the protocol. " +
				"The signed text is: verb, resource type, link as it arrived (\"" + c.route.link + "\") and date, each with a line feed.")
		}
		return nil
	case "aad":
		if c.mangled {
			return notFound()
		}
		principal, r := c.e.checkToken(creds.signature)
		if r != nil {
			return r
		}
		return c.e.roles.allow(principal, c)
	}
	return unauthorized("Authorization type " + creds.kind + " is not served.")
}
