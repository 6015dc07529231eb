package emulator_test

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"strings"
	"testing"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator"
	"supergame/local/emulator/emulatortest"
)

// listenTLS serves an emulator over HTTPS and gives a client that trusts its certificate and nothing else.
func listenTLS(t testing.TB, e *emulatortest.Emulator, http2 bool) *http.Client {
	t.Helper()
	if _, err := e.ListenTLS("localhost:0"); err != nil {
		t.Fatal(err)
	}
	ca, err := e.CACertificate()
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(ca) {
		t.Fatal("the certificate authority is not PEM")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: http2, MaxIdleConnsPerHost: 64}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

func TestOverTheWire(t *testing.T) {
	for _, proto := range []string{"HTTP/1.1", "HTTP/2.0"} {
		t.Run(proto, func(t *testing.T) {
			e := emulatortest.Start(t)
			httpClient := listenTLS(t, e, proto == "HTTP/2.0")
			c := newContainer(t, newClientWith(t, e.Endpoint(), e.Key(), httpClient), azcosmos.ContainerProperties{}, nil)
			ctx := context.Background()
			made, err := c.CreateItem(ctx, pk("p"), item("1", "p"), nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := made.RawResponse.Proto; got != proto {
				t.Errorf("spoken: %s", got)
			}
			if pages := ids(t, c, "SELECT * FROM c", pk("p"), nil); fmt.Sprint(pages) != "[[1]]" {
				t.Errorf("query: %v", pages)
			}
			if _, err := c.DeleteItem(ctx, pk("p"), "1", nil); err != nil {
				t.Error(err)
			}
			f := &follower{c: c, seen: map[string]float64{}}
			f.drain(t)

			e.Inject(emulator.Fault{Op: emulator.OpCreate, DropBefore: true, Count: 1})
			_, err = c.CreateItem(ctx, pk("p"), item("2", "p"), nil)
			if err == nil || status(err) != 0 {
				t.Errorf("drop before: %v", err)
			}
			wantStatus(t, read(c, "p", "2"), http.StatusNotFound)
			e.Inject(emulator.Fault{Op: emulator.OpCreate, DropAfter: true, Count: 1})
			_, err = c.CreateItem(ctx, pk("p"), item("2", "p"), nil)
			if err == nil || status(err) != 0 {
				t.Errorf("drop after: %v", err)
			}
			if err := read(c, "p", "2"); err != nil {
				t.Errorf("drop after: the write is lost: %v", err)
			}
		})
	}
}

// TestDropClosesTheConnection looks at the connection itself: the request after a drop needs a new one.
func TestDropClosesTheConnection(t *testing.T) {
	e := emulatortest.Start(t)
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if want := "http://" + addr.String() + "/"; e.Endpoint() != want {
		t.Errorf("endpoint %s, want %s", e.Endpoint(), want)
	}
	client := &http.Client{Transport: &http.Transport{}}
	c := newContainer(t, newClientWith(t, e.Endpoint(), e.Key(), client), azcosmos.ContainerProperties{}, nil)
	var reused []bool
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{GotConn: func(i httptrace.GotConnInfo) { reused = append(reused, i.Reused) }})
	e.Inject(emulator.Fault{Op: emulator.OpUpsert, Skip: 1, Count: 1, DropAfter: true})
	for i := range 3 {
		_, err := c.UpsertItem(ctx, pk("p"), item("1", "p", "n", i), nil)
		if (err != nil) != (i == 1) {
			t.Errorf("request %d: %v", i, err)
		}
	}
	if fmt.Sprint(reused) != "[true true false]" {
		t.Errorf("connections reused: %v", reused)
	}
}

func TestComputeGateway(t *testing.T) {
	e := emulatortest.Start(t)
	httpClient := listenTLS(t, e, true)
	addr, err := e.ListenCompute("localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	ordinary := newContainer(t, newClientWith(t, e.Endpoint(), e.Key(), httpClient), azcosmos.ContainerProperties{}, nil)
	compute, err := newClientWith(t, "https://"+addr.String()+"/", e.Key(), httpClient).NewContainer("db", "c")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"a/b", "trailing ", "hash#", "tab\t"} {
		if _, err := ordinary.CreateItem(context.Background(), pk("p"), item(id, "p"), nil); err != nil {
			t.Fatal(err)
		}
		want := http.StatusUnauthorized
		if strings.Contains(id, "\t") {
			want = http.StatusBadRequest
		}
		if got := status(read(ordinary, "p", id)); got != want {
			t.Errorf("%q at the gateway: %d, want %d", id, got, want)
		}
		if err := read(compute, "p", id); err != nil {
			t.Errorf("%q at the compute gateway: %v", id, err)
		}
	}
}

func TestAccountAdvertisesWhereItWasReached(t *testing.T) {
	for base, want := range map[string]string{
		"https://localhost:8081/": "https://127.0.0.1:8081/", "http://localhost/": "http://127.0.0.1/",
		"https://cosmos:8081/": "https://cosmos:8081/", "https://[::1]:8081/": "https://[::1]:8081/",
	} {
		e := emulatortest.Start(t)
		cred, err := azcosmos.NewKeyCredential(e.Key())
		if err != nil {
			t.Fatal(err)
		}
		seen := &recorder{e: e}
		client, err := azcosmos.NewClientWithKey(base, cred, &azcosmos.ClientOptions{ClientOptions: clientOptions(seen)})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := client.CreateDatabase(context.Background(), azcosmos.DatabaseProperties{ID: "db"}, nil); err != nil {
			t.Fatal(err)
		}
		location := seen.account["writableLocations"].([]any)[0].(map[string]any)
		if location["databaseAccountEndpoint"] != want {
			t.Errorf("%s: advertised %v, want %s", base, location, want)
		}
	}
}
