package cosmos_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
	"supergame/services/platform/config"
	"supergame/services/platform/cosmos"
	"supergame/services/platform/cosmos/cosmostest"
	"supergame/services/platform/fault"
)

// TestOverTheWire writes over real connections, HTTP/2 with TLS and plain HTTP, that are cut behind the commit.
func TestOverTheWire(t *testing.T) {
	t.Parallel()
	client, e := cosmostest.StartEmulator(t, "connections cut on order", specs(t))
	secure, err := e.ListenTLS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	plain, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	authority, err := e.CACertificate()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, authority, 0o600); err != nil {
		t.Fatal(err)
	}
	good := cosmos.Config{Key: config.NewSecret(e.Key()), Database: client.Database()}
	subtests := map[string]func(*testing.T){}
	for _, endpoint := range []string{"https://" + secure.String(), "http://" + plain.String()} {
		cfg := good
		cfg.Endpoint = endpoint
		if strings.HasPrefix(endpoint, "https") {
			cfg.CAFile = file
		}
		c, err := cosmos.Open(t.Context(), cfg, cosmos.Options{})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		notes := notesOf(c)
		for write, run := range writes {
			subtests[cfg.Endpoint[:5]+" "+write] = func(t *testing.T) {
				owner := freshID("owner")
				if write != "create" && write != "update or create" {
					doc := note(owner, "note", "")
					doc.Count = 1
					mustCreate(t, notes, doc)
				}
				e.Inject(emulator.Fault{Op: emulator.OpWrite, PartitionKey: owner, Count: 1, DropAfter: true})
				if runs, err := run(t.Context(), notes, owner); err != nil || runs != 1 {
					t.Errorf("decided %d times, %v", runs, err)
				}
				if write == "delete" {
					return
				}
				if doc := mustRead(t, notes, owner, "note"); doc.Count != 2 {
					t.Errorf("count is %d", doc.Count)
				}
			}
		}
	}
	together(t, subtests)
	untrusting := good
	untrusting.Endpoint = "https://" + secure.String()
	c, err := cosmos.Open(t.Context(), untrusting, cosmos.Options{Patience: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := notesOf(c).Read(t.Context(), cosmos.PK("ann"), "n1"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("without the authority: %v", err)
	}
}

// identity signs in as the emulator's directory does: the token's signature is the account key.
type identity struct{ oid, key string }

func (i identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	encode := base64.RawURLEncoding.EncodeToString
	expires := time.Now().Add(time.Hour)
	token := encode([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." +
		encode(fmt.Appendf(nil, `{"oid":%q,"exp":%d}`, i.oid, expires.Unix())) + "." + encode([]byte(i.key))
	return azcore.AccessToken{Token: token, ExpiresOn: expires}, nil
}

// TestAnIdentityWithARoleOnItsContainer can do all a service needs, and what it may not is said clearly.
func TestAnIdentityWithARoleOnItsContainer(t *testing.T) {
	t.Parallel()
	admin, e := cosmostest.StartEmulator(t, "role assignments on order", specs(t))
	e.Unassign("service", true)
	c, err := cosmos.Open(t.Context(), cosmos.Config{
		Endpoint: "https://identity-" + admin.Database() + ".localhost/", Database: admin.Database(), Create: true,
	}, cosmos.Options{Transport: e, Credential: identity{oid: "service", key: e.Key()}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	own := specs(t)[:1]
	if err := c.Check(t.Context(), own); !fault.Is(err, fault.Unavailable) || !strings.Contains(err.Error(), "role") {
		t.Errorf("before the role assignment has arrived: %v", err)
	}
	err = e.Assign(emulator.RoleAssignment{
		Principal: "service", Role: emulator.DataContributor, Scope: "/dbs/" + admin.Database() + "/colls/notes",
	})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "the check after it", func() bool { return c.Check(t.Context(), own) == nil })
	notes, runs := notesOf(c), 0
	mustCreate(t, notes, note("ann", "n1", ""))
	if _, err := notes.Update(t.Context(), cosmos.PK("ann"), "n1", cosmos.Operation{}, increment(&runs)); err != nil {
		t.Error(err)
	}
	refs := []cosmos.Ref{{Key: cosmos.PK("ann"), ID: "n1"}, {Key: cosmos.PK("bob"), ID: "n1"}}
	if docs, err := notes.ReadMany(t.Context(), refs); err != nil || len(docs) != 1 {
		t.Errorf("%d documents, %v", len(docs), err)
	}
	if held, err := cosmos.NewLease(c.Container("leases"), "job", "a").Try(t.Context()); held || !fault.Is(err, fault.Unavailable) {
		t.Errorf("a container of somebody else: %v, %v", held, err)
	}
	if err := c.Ensure(t.Context(), own); err == nil {
		t.Error("an identity created a container")
	}
}

// TestSplitsGoUnnoticed: what reads several ranges goes on after they were split.
func TestSplitsGoUnnoticed(t *testing.T) {
	client, e := cosmostest.StartEmulator(t, "partition splits on order", specs(t), emulatortest.WithPartitions(2))
	notes := notesOf(client)
	var owners []string
	var refs []cosmos.Ref
	for i := range 20 {
		owners = append(owners, fmt.Sprint("owner-", i))
		refs = append(refs, cosmos.Ref{Key: cosmos.PK(owners[i]), ID: "n00"})
	}
	fill(t, notes, owners, 2)
	ctx, _ := withSession(t, "")
	for round := range 3 {
		if docs, err := notes.ReadMany(ctx, refs); err != nil || len(docs) != 20 {
			t.Errorf("round %d: read many: %d documents, %v", round, len(docs), err)
		}
		seen, options := 0, cosmos.PageOptions{Size: 7}
		for pages := 0; pages == 0 || options.Continuation != ""; pages++ {
			page, err := notes.QueryPage(ctx, cosmos.Key{}, cosmos.SQL("SELECT * FROM c"), options)
			if err != nil {
				t.Fatal(err)
			}
			seen += len(page.Items)
			options.Continuation = page.Continuation
			if pages == 1 { // in the middle of the query
				if _, err := e.Split(t.Context(), client.Database(), "notes", ""); err != nil {
					t.Fatal(err)
				}
			}
		}
		if seen != 40 {
			t.Errorf("round %d: query: %d documents", round, seen)
		}
		runs := 0
		for _, ref := range refs {
			if _, err := notes.Update(ctx, ref.Key, ref.ID, cosmos.Operation{}, increment(&runs)); err != nil {
				t.Errorf("round %d: update: %v", round, err)
			}
		}
	}
}
