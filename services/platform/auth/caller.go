package auth

import (
	"context"
	"time"

	optionsv1 "supergame/proto/gen/supergame/options/v1"
)

// Role is what a caller is, as it stands in the `role` claim.
type Role string

// The roles. The zero Role is nobody's.
const (
	RolePlayer     Role = "player"
	RoleGameServer Role = "game-server"
	RoleOperator   Role = "operator"
	RoleService    Role = "service"
)

// Proto returns the role as the protos name it; ROLE_UNSPECIFIED for one that they do not know.
func (r Role) Proto() optionsv1.Role {
	switch r {
	case RolePlayer:
		return optionsv1.Role_ROLE_PLAYER
	case RoleGameServer:
		return optionsv1.Role_ROLE_GAME_SERVER
	case RoleOperator:
		return optionsv1.Role_ROLE_OPERATOR
	case RoleService:
		return optionsv1.Role_ROLE_SERVICE
	default:
		return optionsv1.Role_ROLE_UNSPECIFIED
	}
}

// Valid reports whether r is one of the four roles.
func (r Role) Valid() bool { return r.Proto() != optionsv1.Role_ROLE_UNSPECIFIED }

// Caller is who makes the call, as his verified token says. The zero Caller is somebody who has not signed in, as on public
// methods.
type Caller struct {
	Subject    string    // player id (ULID), or the name of a game server, operator or service
	Role       Role      // exactly one
	Session    string    // the `sid` claim: the refresh family; empty for programs
	TokenID    string    // the `jti` claim
	ExpireTime time.Time // when the token ends
}

// SignedIn reports whether the call came with a token.
func (c Caller) SignedIn() bool { return c.Role != "" }

// PlayerID returns the subject of a player, and "" for everybody else.
func (c Caller) PlayerID() string {
	if c.Role != RolePlayer {
		return ""
	}
	return c.Subject
}

// CallerKey is the key of a context's *Caller, for a context type that answers it itself.
type CallerKey struct{}

// WithCaller returns a context whose calls are made by c. grpcserver does this; tests of handlers may.
func WithCaller(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, CallerKey{}, c)
}

// CallerFrom returns who makes the call; the zero Caller when nobody has signed in.
func CallerFrom(ctx context.Context) Caller {
	if c, ok := ctx.Value(CallerKey{}).(*Caller); ok && c != nil {
		return *c
	}
	return Caller{}
}
