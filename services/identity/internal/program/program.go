// Package program signs in what is not a player: game servers, operators and services, each with a shared key or with the identity
// that its platform gives to the workload.
package program

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"time"

	"supergame/services/identity/internal/credential"
)

// Program is one of them, as configured.
type Program struct {
	Name string // the subject of its tokens
	Role string // game-server, operator or service
	// KeyHash is the SHA-256 of its key; empty when it has none.
	KeyHash []byte
	// ObjectID is what its workload tokens say it is; empty when it has none.
	ObjectID string
}

// Workloads checks tokens of workload identities.
type Workloads interface {
	// ObjectID gives which workload a token speaks for. Unauthenticated (CREDENTIAL_REFUSED) for a token that is not good, Unavailable
	// when the platform does not answer.
	ObjectID(ctx context.Context, token string) (string, error)
}

// AccessTokens issues access tokens of programs.
type AccessTokens interface {
	// IssueProgram gives a token and when it ends. Unavailable while no signing key is known.
	IssueProgram(name, role string) (token string, expire time.Time, err error)
}

// Programs signs programs in.
type Programs struct {
	list      map[string]Program // by name
	byObject  map[string]string
	workloads Workloads
	access    AccessTokens
}

// New lists the programs. Their names, and their object ids where they have one, differ. Workloads may be nil.
func New(list []Program, workloads Workloads, access AccessTokens) *Programs {
	p := &Programs{list: map[string]Program{}, byObject: map[string]string{}, workloads: workloads, access: access}
	for _, program := range list {
		p.list[program.Name] = program
		if program.ObjectID != "" {
			p.byObject[program.ObjectID] = program.Name
		}
	}
	return p
}

// Granted is an access token of a program.
type Granted struct {
	Program Program
	Token   string
	Expire  time.Time
}

// SignInKey exchanges a key for a token. An unknown name takes as long as a wrong key, and is answered alike.
func (p *Programs) SignInKey(name, key string) (Granted, error) {
	program, known := p.list[name]
	want := program.KeyHash
	if len(want) != sha256.Size {
		known, want = false, make([]byte, sha256.Size)
	}
	given := sha256.Sum256([]byte(key))
	if subtle.ConstantTimeCompare(given[:], want) != 1 || !known {
		return Granted{}, credential.Refused(nil)
	}
	return p.grant(program)
}

// SignInWorkload exchanges a token of a workload identity for one of ours.
func (p *Programs) SignInWorkload(ctx context.Context, token string) (Granted, error) {
	if p.workloads == nil {
		return Granted{}, credential.Disabled("workload", "workload identities are not configured here")
	}
	object, err := p.workloads.ObjectID(ctx, token)
	if err != nil {
		return Granted{}, err
	}
	name, known := p.byObject[object]
	if !known {
		return Granted{}, credential.Refused(nil)
	}
	return p.grant(p.list[name])
}

func (p *Programs) grant(program Program) (Granted, error) {
	token, expire, err := p.access.IssueProgram(program.Name, program.Role)
	return Granted{Program: program, Token: token, Expire: expire}, err
}
