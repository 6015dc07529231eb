package auth

import (
	"context"
	"crypto/sha256"
	"log/slog"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"supergame/services/platform/config"
	"supergame/services/platform/internal/lru"
)

// Config says whose tokens are accepted, and for whom they must be.
type Config struct {
	Issuer   string `env:"TOKEN_ISSUER" envDefault:"https://identity.supergame" help:"the iss claim of access tokens, the same for every service"`
	Audience string `env:"TOKEN_AUDIENCE" envDefault:"supergame" help:"the aud claim of access tokens, the same for every service"`
}

// Validate refuses a configuration under which anybody's tokens would be accepted.
func (c Config) Validate() error {
	switch {
	case c.Issuer == "":
		return config.Invalid("TOKEN_ISSUER", "is empty")
	case c.Audience == "":
		return config.Invalid("TOKEN_AUDIENCE", "is empty")
	}
	return nil
}

// Options are what a program hands to [NewVerifier] besides configuration. The zero value is fit for production.
type Options struct {
	Logger *slog.Logger     // nil = slog.Default()
	Now    func() time.Time // nil = time.Now

	CacheSize       int           // verified tokens to remember; 0 = 16,384
	RevocationsPoll time.Duration // 0 = 2 s
	RevocationsAge  time.Duration // older than this = not ready; 0 = 60 s
	KeysPoll        time.Duration // 0 = 5 min
	KeysPause       time.Duration // between two fetches because of unknown keys; 0 = 5 s
}

func (o *Options) setDefaults() {
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.CacheSize == 0 {
		o.CacheSize = 16 << 10
	}
	setDefault(&o.RevocationsPoll, 2*time.Second)
	setDefault(&o.RevocationsAge, time.Minute)
	setDefault(&o.KeysPoll, 5*time.Minute)
	setDefault(&o.KeysPause, 5*time.Second)
}

func setDefault(d *time.Duration, value time.Duration) {
	if *d == 0 {
		*d = value
	}
}

// Source is where a verifier learns keys and revocations from: [FromIdentity], or identity's own stores inside identity.
type Source interface {
	KeySource
	RevocationSource
}

// Verifier verifies access tokens. It is safe for concurrent use. Run polls its source; until the first poll has succeeded
// it is not ready.
type Verifier struct {
	opts     Options
	parser   *jwt.Parser
	keys     keyring
	revoked  revocations
	verified *lru.Cache[tokenHash, remembered]
}

// remembered is what a token was found to say. It counts until the caller's ExpireTime, and while its key is valid.
type remembered struct {
	caller *Caller
	kid    string
}

// tokenHash stands for a token in the cache, so that the cache holds nothing that could be sent.
type tokenHash [sha256.Size]byte

// hashOf copies the token to the stack first: converting it would allocate on every call.
func hashOf(token string) tokenHash {
	var stack [1 << 10]byte
	if len(token) > len(stack) {
		return sha256.Sum256([]byte(token))
	}
	return sha256.Sum256(stack[:copy(stack[:], token)])
}

// The limits of what is looked at at all, and of how far the clocks of two servers may be apart.
const (
	maxTokenBytes = 8 << 10
	clockSkew     = 5 * time.Second
)

// NewVerifier returns a verifier. It does no I/O.
func NewVerifier(cfg Config, source Source, opts Options) *Verifier {
	opts.setDefaults()
	return &Verifier{
		opts: opts,
		parser: jwt.NewParser(jwt.WithIssuer(cfg.Issuer), jwt.WithAudience(cfg.Audience), jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(), jwt.WithLeeway(clockSkew), jwt.WithTimeFunc(opts.Now), jwt.WithStrictDecoding()),
		keys:     keyring{source: source, now: opts.Now, pause: opts.KeysPause},
		revoked:  revocations{source: source, now: opts.Now},
		verified: lru.New[tokenHash, remembered](opts.CacheSize),
	}
}

// Verify returns the caller of a token in compact form, or a fault: Unauthenticated with one of the Reason constants, PermissionDenied
// for a suspended player, Unavailable when no keys are known yet. A token with an unknown key makes it ask for the keys
// again, at most every Options.KeysPause.
//
// A token that was verified before costs a lookup; revocations are checked each time.
func (v *Verifier) Verify(ctx context.Context, token string) (*Caller, error) {
	caller, err := v.Remembered(token)
	if caller != nil || err != nil {
		return caller, err
	}
	caller, kid, err := v.parse(ctx, token)
	if err != nil {
		return nil, err
	}
	v.verified.Put(hashOf(token), remembered{caller: caller, kid: kid})
	if err := v.revoked.check(caller); err != nil {
		return nil, err
	}
	return caller, nil
}

// Remembered is the cheap half of [Verifier.Verify]: it returns the caller, or the fault of a revocation, of a token that was
// verified before and has not expired, and nil twice for any other.
func (v *Verifier) Remembered(token string) (*Caller, error) {
	entry, found := v.verified.Get(hashOf(token))
	if !found || !v.opts.Now().Before(entry.caller.ExpireTime) || !v.keys.valid(entry.kid) {
		return nil, nil
	}
	if err := v.revoked.check(entry.caller); err != nil {
		return nil, err
	}
	return entry.caller, nil
}

// Erased reports whether this player id was erased, so that it is refused as an argument too.
func (v *Verifier) Erased(playerID string) bool { return v.revoked.isErased(playerID) }

// AnyErased reports whether [Verifier.Erased] could be true of any id; it spares looking for them.
func (v *Verifier) AnyErased() bool { return v.revoked.anyErased.Load() }
