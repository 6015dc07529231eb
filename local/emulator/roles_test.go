package emulator_test

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

// identity is a credential as the SDK's own emulator tests make it: a JWT whose signature is the account key.
type identity struct {
	oid, key string
	expires  time.Duration
}

func (i identity) GetToken(context.Context, policy.TokenRequestOptions) (azcore.AccessToken, error) {
	encode := base64.RawURLEncoding.EncodeToString
	now := time.Now()
	token := encode([]byte(`{"typ":"JWT","alg":"RS256"}`)) + "." +
		encode(fmt.Appendf(nil, `{"oid":%q,"nbf":%d,"exp":%d}`, i.oid, now.Unix(), now.Add(i.expires).Unix())) + "." + encode([]byte(i.key))
	return azcore.AccessToken{Token: token, ExpiresOn: now.Add(time.Hour)}, nil
}

func asIdentity(t *testing.T, e *emulatortest.Emulator, i identity) *azcosmos.Client {
	t.Helper()
	if i.key == "" {
		i.key = e.Key()
	}
	if i.expires == 0 {
		i.expires = time.Hour
	}
	client, err := azcosmos.NewClient(e.Endpoint(), i, &azcosmos.ClientOptions{
		ClientOptions: azcore.ClientOptions{Transport: e, Retry: policy.RetryOptions{MaxRetries: -1}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestRoles(t *testing.T) {
	e := emulatortest.Start(t)
	ctx := context.Background()
	admin := newClient(t, e)
	newContainer(t, admin, azcosmos.ContainerProperties{ID: "mine"}, nil)
	newContainer(t, admin, azcosmos.ContainerProperties{ID: "theirs"}, nil)
	err := e.Assign(
		emulator.RoleAssignment{Principal: "one", Role: emulator.DataContributor, Scope: "/dbs/db/colls/mine"},
		emulator.RoleAssignment{Principal: "reader", Role: emulator.DataReader, Scope: "/dbs/db"},
		emulator.RoleAssignment{Principal: "all", Role: emulator.DataContributor, Scope: "/"},
	)
	if err != nil {
		t.Fatal(err)
	}
	e.Unassign("nobody", true)
	for _, tc := range []struct {
		oid                                       string
		write, read, query, other, database, make string
	}{
		{"one", "", "", "", "5301", "5301", "5300"},
		{"reader", "5301", "", "", "", "", "5300"},
		{"all", "", "", "", "", "", "5300"},
		{"unassigned", "", "", "", "", "", "5300"},
	} {
		client := asIdentity(t, e, identity{oid: tc.oid})
		mine, err := client.NewContainer("db", "mine")
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := client.NewContainer("db", "theirs")
		if err != nil {
			t.Fatal(err)
		}
		db, err := client.NewDatabase("db")
		if err != nil {
			t.Fatal(err)
		}
		check := func(what, want string, err error) {
			t.Helper()
			switch {
			case want == "" && err != nil && status(err) != http.StatusNotFound, want != "" && substatus(err) != want:
				t.Errorf("%s, %s: %q of %v, want %q", tc.oid, what, substatus(err), err, want)
			case want != "" && status(err) != http.StatusForbidden:
				t.Errorf("%s, %s: %d", tc.oid, what, status(err))
			}
		}
		check("write", tc.write, upsert(mine, "p", "1"))
		check("read", tc.read, read(mine, "p", "1"))
		_, err = mine.NewQueryItemsPager("SELECT * FROM c", pk("p"), nil).NextPage(ctx)
		check("query", tc.query, err)
		_, err = mine.Read(ctx, nil)
		check("container", tc.query, err)
		_, err = mine.ReadFeedRanges(ctx, nil)
		check("ranges", tc.query, err)
		check("read of another container", tc.other, read(theirs, "p", "1"))
		_, err = db.Read(ctx, nil)
		check("database", tc.database, err)
		_, err = client.CreateDatabase(ctx, azcosmos.DatabaseProperties{ID: "new"}, nil)
		check("create a database", tc.make, err)
		_, err = mine.ReadThroughput(ctx, nil)
		check("throughput", "5300", err)
	}
	nobody, err := asIdentity(t, e, identity{oid: "nobody"}).NewContainer("db", "mine")
	if err != nil {
		t.Fatal(err)
	}
	if got := status(read(nobody, "p", "1")); got != http.StatusForbidden {
		t.Errorf("an identity without rights: %d", got)
	}
}

func TestWrongCredentials(t *testing.T) {
	e, _ := startContainer(t)
	for name, i := range map[string]identity{
		"another key": {oid: "x", key: "bm90IHRoZSBrZXk="}, "expired": {oid: "x", expires: -time.Minute}, "no oid": {},
	} {
		c, err := asIdentity(t, e, i).NewContainer("db", "c")
		if err != nil {
			t.Fatal(err)
		}
		if got := status(read(c, "p", "1")); got != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", name, got)
		}
	}
	c, err := newClientWith(t, e.Endpoint(), "bm90IHRoZSBrZXk=", e).NewContainer("db", "c")
	if err != nil {
		t.Fatal(err)
	}
	if got := status(read(c, "p", "1")); got != http.StatusUnauthorized {
		t.Errorf("another account key: %d, want 401", got)
	}
	for _, header := range []string{"", "nonsense", "type=master&ver=1.0&sig=", "type=aad&ver=1.0&sig=a.b.c", "type=resource&ver=1.0&sig=x", "%zz"} {
		req, err := http.NewRequest(http.MethodGet, e.Endpoint()+"dbs/db", nil)
		if err != nil {
			t.Fatal(err)
		}
		if header != "" {
			req.Header.Set("Authorization", header)
		}
		resp, err := e.Do(req)
		if err != nil || resp.StatusCode != http.StatusUnauthorized {
			t.Errorf("authorization %q: %v, %v", header, resp, err)
		}
		_ = resp.Body.Close()
	}
	if _, err := emulator.New(emulator.Options{Key: "not base64!"}); err == nil {
		t.Error("a key that is not base64 is accepted")
	}
	if _, err := emulator.New(emulator.Options{Consistency: "Sometimes"}); err == nil {
		t.Error("a consistency level that does not exist is accepted")
	}
}
