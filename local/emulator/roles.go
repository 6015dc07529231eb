package emulator

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Role is one of the two built-in data-plane roles.
type Role string

// The built-in roles: what Azure names "Cosmos DB Built-in Data Reader" and "... Data Contributor".
const (
	DataReader      Role = "reader"
	DataContributor Role = "contributor"
)

// RoleAssignment lets an identity act on a scope. As in Azure none of them lets it create, change or delete databases, containers
// or throughput: that is 403/5300 for every identity.
type RoleAssignment struct {
	Principal string `json:"principal"` // object id: the oid claim of the token
	Role      Role   `json:"role"`
	Scope     string `json:"scope"` // "/" for the account, "/dbs/{name}" or "/dbs/{name}/colls/{name}"
}

// Assign adds role assignments. An identity that has none may read and write every item: the token needs no set-up for tests that
// are not about roles. After its first assignment it may do what its assignments say, anything else is 403/5301.
func (e *Emulator) Assign(assignments ...RoleAssignment) error {
	return e.roles.assign(assignments)
}

// Unassign removes every assignment of a principal; deny is true to leave it without any right.
func (e *Emulator) Unassign(principal string, deny bool) { e.roles.unassign(principal, deny) }

type roleTable struct {
	mu          sync.RWMutex
	byPrincipal map[string][]RoleAssignment
}

func (t *roleTable) assign(list []RoleAssignment) error {
	for _, a := range list {
		if r := a.check(); r != nil {
			return r
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byPrincipal == nil {
		t.byPrincipal = map[string][]RoleAssignment{}
	}
	for _, a := range list {
		t.byPrincipal[a.Principal] = append(t.byPrincipal[a.Principal], a)
	}
	return nil
}

func (a RoleAssignment) check() *refusal {
	if a.Principal == "" {
		return badRequest("role assignment: principal is empty")
	}
	if a.Role != DataReader && a.Role != DataContributor {
		return badRequest("role assignment: role %q is neither %q nor %q", a.Role, DataReader, DataContributor)
	}
	parts := strings.Split(strings.Trim(a.Scope, "/"), "/")
	switch {
	case a.Scope == "/":
	case len(parts) == 2 && parts[0] == "dbs":
	case len(parts) == 4 && parts[0] == "dbs" && parts[2] == "colls":
	default:
		return badRequest("role assignment: scope %q is none of /, /dbs/{name}, /dbs/{name}/colls/{name}", a.Scope)
	}
	return nil
}

func (t *roleTable) unassign(principal string, deny bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byPrincipal == nil {
		t.byPrincipal = map[string][]RoleAssignment{}
	}
	delete(t.byPrincipal, principal)
	if deny {
		t.byPrincipal[principal] = []RoleAssignment{}
	}
}

func (t *roleTable) list() []RoleAssignment {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := []RoleAssignment{}
	for _, list := range t.byPrincipal {
		out = append(out, list...)
	}
	slices.SortFunc(out, func(a, b RoleAssignment) int {
		return strings.Compare(a.Principal+a.Scope, b.Principal+b.Scope)
	})
	return out
}

// allow decides about a request of an identity.
func (t *roleTable) allow(principal string, c *call) *refusal {
	if isControlPlane(c) {
		return refuse(http.StatusForbidden, "The given request [%s /%s] cannot be authorized by AAD token in data plane. "+
			"Learn more: https://aka.ms/cosmos-native-rbac.", c.method, c.route.kind).sub(5300).costs(0)
	}
	t.mu.RLock()
	list, limited := t.byPrincipal[principal]
	t.mu.RUnlock()
	if !limited || c.op == OpAccount && len(list) > 0 {
		return nil
	}
	for _, a := range list {
		if a.covers(c) {
			return nil
		}
	}
	return refuse(http.StatusForbidden, "Request blocked by Auth: Request is blocked because principal [%s] does not have required "+
		"RBAC permissions to perform action [%s] on resource [/%s]. Learn more: https://aka.ms/cosmos-native-rbac.",
		principal, action(c.op), c.route.link).sub(5301).costs(0)
}

// isControlPlane is true for what no data-plane role can do: writes of databases and containers, and throughput.
func isControlPlane(c *call) bool {
	switch c.route.kind {
	case "offers":
		return true
	case "dbs", "colls":
		return c.method != http.MethodGet && !isQuery(c.header)
	}
	return false
}

// covers says whether the assignment lets the request pass: a scope reads its own metadata and those below, not above.
func (a RoleAssignment) covers(c *call) bool {
	if isWrite(c.op) && a.Role != DataContributor {
		return false
	}
	scope := strings.Trim(a.Scope, "/")
	target := "dbs/" + c.route.database
	switch {
	case scope == "":
		return true
	case c.route.database == "":
		return false
	case c.route.container != "":
		target += "/colls/" + c.route.container
	}
	return target == scope || strings.HasPrefix(target, scope+"/")
}

func action(op Op) string {
	const base = "Microsoft.DocumentDB/databaseAccounts/"
	const items = base + "sqlDatabases/containers/items/"
	switch op {
	case OpRead:
		return items + "read"
	case OpCreate, OpReplace, OpUpsert, OpDelete:
		return items + string(op)
	case OpPatch:
		return items + "replace"
	case OpBatch:
		return items + "*"
	case OpQuery:
		return base + "sqlDatabases/containers/executeQuery"
	case OpFeed:
		return base + "sqlDatabases/containers/readChangeFeed"
	}
	return base + "readMetadata"
}

// tokenClaims are the parts of a token that matter here. Its signature is the account key, as emulators have it: there is no
// directory to ask.
type tokenClaims struct {
	ObjectID string `json:"oid"`
	Expires  int64  `json:"exp"`
	NotYet   int64  `json:"nbf"`
}

// checkToken verifies a token and gives the object id of its identity. Expiry is by the system's clock, which the client's
// credential goes by, and not by the emulator's.
func (e *Emulator) checkToken(token string) (principal string, r *refusal) {
	head, rest, _ := strings.Cut(token, ".")
	payload, signature, three := strings.Cut(rest, ".")
	want := base64.RawURLEncoding.EncodeToString([]byte(e.key.encoded))
	if !three || subtle.ConstantTimeCompare([]byte(want), []byte(signature)) != 1 {
		return "", unauthorized("The token is not a JWT that is signed by the emulator's key.")
	}
	var header struct {
		Type string `json:"typ"`
		Alg  string `json:"alg"`
	}
	var claims tokenClaims
	if !decodeSegment(head, &header) || !decodeSegment(payload, &claims) || !strings.EqualFold(header.Type, "JWT") {
		return "", unauthorized("The token is malformed.")
	}
	now := time.Now().Unix()
	if claims.Expires <= now {
		return "", unauthorized("The token has expired.")
	}
	if claims.NotYet > now+int64((5*time.Minute).Seconds()) {
		return "", unauthorized("The token is not valid yet.")
	}
	if claims.ObjectID == "" {
		return "", unauthorized("The token has no oid claim.")
	}
	return claims.ObjectID, nil
}

func decodeSegment(segment string, into any) bool {
	raw, err := base64.RawURLEncoding.DecodeString(segment)
	return err == nil && json.Unmarshal(raw, into) == nil
}
