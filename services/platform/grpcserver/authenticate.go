package grpcserver

import (
	"context"
	"strings"

	"supergame/services/platform/auth"
	"supergame/services/platform/fault"
)

// admit decides whether a call may go on: the token, the method's rule, the rate. It notes the caller, whom the context then knows.
//
// Whatever is not the call of a known caller counts against its address, before the costly part of verifying a token.
func (c *chain) admit(ctx context.Context, call *call) error {
	m := call.method
	switch {
	case m.rule == nil:
		return either(c.limits.stranger(ctx), errNoRule)
	case m.unlimited:
		return nil
	case m.rule.GetPublic():
		return c.limits.stranger(ctx)
	}
	token, err := bearer(call.headers.authorization)
	if err != nil {
		return either(c.limits.stranger(ctx), err)
	}
	if call.caller, err = c.verify(ctx, token); err != nil {
		return err
	}
	if err := m.allows(call.caller); err != nil {
		return either(c.limits.caller(call.caller), err)
	}
	return c.limits.caller(call.caller)
}

// limitMore counts one more message of a stream.
func (c *chain) limitMore(ctx context.Context, call *call) error {
	switch {
	case call.caller != nil:
		return c.limits.caller(call.caller)
	case call.method.unlimited:
		return nil
	}
	return c.limits.stranger(ctx)
}

func (c *chain) verify(ctx context.Context, token string) (*auth.Caller, error) {
	caller, refusal := c.verifier.Remembered(token)
	if caller != nil {
		return caller, nil
	}
	if err := either(c.limits.stranger(ctx), refusal); err != nil {
		return nil, err
	}
	return c.verifier.Verify(ctx, token)
}

// either returns the first error that there is.
func either(first, second error) error {
	if first != nil {
		return first
	}
	return second
}

// bearer returns the token of the `authorization` metadata (RFC 6750, section 2.1).
func bearer(values []string) (string, error) {
	if len(values) != 1 {
		return "", fault.New(fault.Unauthenticated, auth.ReasonTokenMissing, "sign in and send `authorization: Bearer <access token>` once")
	}
	scheme, token, _ := strings.Cut(values[0], " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "bearer") || token == "" {
		return "", fault.New(fault.Unauthenticated, auth.ReasonTokenMalformed, "the authorization is not `Bearer <access token>`")
	}
	return token, nil
}
