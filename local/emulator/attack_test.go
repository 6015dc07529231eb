package emulator_test

import (
	"bufio"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/data/azcosmos"

	"supergame/local/emulator/emulatortest"
)

const (
	docsPath = "/dbs/db/colls/c/docs"
	collLink = "dbs/db/colls/c"
)

var (
	keyHeader   = []string{"x-ms-documentdb-partitionkey", `["p"]`}
	queryHeader = []string{"x-ms-documentdb-query", "True", "Content-Type", "application/query+json"}
	feedHeader  = []string{"A-IM", "Incremental Feed", "x-ms-documentdb-partitionkeyrangeid", "0"}
	batchHeader = []string{"x-ms-cosmos-is-batch-request", "True", "x-ms-cosmos-batch-atomic", "True"}
)

func headers(lists ...[]string) (all []string) {
	for _, list := range lists {
		all = append(all, list...)
	}
	return all
}

// TestMalformedDocuments writes what is not a document, or only nearly one.
func TestMalformedDocuments(t *testing.T) {
	e, _ := startContainer(t)
	nested := func(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }
	for body, want := range map[string]int{
		`{"id":"a","id":"b","pk":"p"}`:                              400,
		`{"id":"a","pk":"p","o":[{"n":1,"\u006e":2}]}`:              400,
		`{"id":"c","pk":"q","pk":"p"}`:                              400,
		`{"id":"d","pk":"p","pk":"q"}`:                              400,
		`{"id":"n1","pk":"p","n":1e308}`:                            201,
		`{"id":"n2","pk":"p","n":1e309}`:                            400,
		`{"id":"n3","pk":"p","n":[-1e999]}`:                         400,
		`{"id":"n4","pk":"p","n":` + strings.Repeat("9", 400) + `}`: 400,
		`{"id":"n5","pk":"p","n":1e-999}`:                           201,
		`{"id":"n6","pk":"p","n":01}`:                               400,
		`{"id":"deep","pk":"p","a":` + nested(120) + `}`:            201,
		`{"id":"deeper","pk":"p","a":` + nested(200) + `}`:          400,
		`{"id":"open","pk":"p","a":` + strings.Repeat("[", 1<<20):   400,
		`{"id":"鱀😀é","pk":"p"}`:                                     201,
		"{\"id\":\"\xff\",\"pk\":\"p\"}":                            400,
		"{\"id\":\"line\nfeed\",\"pk\":\"p\"}":                      400,
		`{"id":5,"pk":"p"}`:                                         400,
		`{"id":null,"pk":"p"}`:                                      400,
		`{"pk":"p"}`:                                                400,
		`{"id":"` + strings.Repeat("x", 1024) + `","pk":"p"}`:       400,
		`{"id":"x","pk":"p"} x`:                                     400,
		`{"id":"x","pk":"p"}{"id":"y","pk":"p"}`:                    400,
		"\ufeff" + `{"id":"x","pk":"p"}`:                            400,
		`[1]`:                                                       400,
		`"x"`:                                                       400,
		``:                                                          400,
		`{`:                                                         400,
		`{"id":"big","pk":"p","s":"` + strings.Repeat("x", 2<<20) + `"}`:      413,
		`{"id":"bigger","pk":"p","s":"` + strings.Repeat("x", 5<<20) + `"}`:   413,
		`{"id":"fits","pk":"p","s":"` + strings.Repeat("x", 2<<20-100) + `"}`: 201,
	} {
		resp, text := rest(t, e, "POST", docsPath, "docs", collLink, body, keyHeader...)
		if resp.StatusCode != want {
			t.Errorf("%.60q: %d %.200s, want %d", body, resp.StatusCode, text, want)
		}
	}
}

// TestMalformedHeaders sends headers that no SDK does.
func TestMalformedHeaders(t *testing.T) {
	e, _ := startContainer(t, emulatortest.WithPartitions(2))
	rest(t, e, "POST", docsPath, "docs", collLink, `{"id":"1","pk":"p"}`, keyHeader...)
	send := func(want int, method, path, body string, h ...string) {
		t.Helper()
		resp, text := rest(t, e, method, path, "docs", strings.TrimPrefix(strings.TrimSuffix(path, "/docs"), "/"), body, h...)
		if resp.StatusCode != want {
			t.Errorf("%s %s %.100s %.100q: %d %.200s, want %d", method, path, body, h, resp.StatusCode, text, want)
		}
	}
	long := `["` + strings.Repeat("k", 3000) + `"]`
	for _, key := range []string{`["p"`, `p`, `[[]]`, `["p","q"]`, `[1e999]`, "[\"\xff\"]", `[NaN]`, `["p"]x`, `[{"a":1}]`, long} {
		send(400, "GET", docsPath+"/1", "", "x-ms-documentdb-partitionkey", key)
		send(400, "POST", docsPath, `{"id":"2","pk":"p"}`, "x-ms-documentdb-partitionkey", key)
		send(400, "POST", docsPath, `{"query":"SELECT * FROM c"}`, append([]string{"x-ms-documentdb-partitionkey", key}, queryHeader...)...)
	}
	for token, want := range map[string]int{
		"0:-1#999999": 404, "1:-1#999999": 200, "9:-1#1": 404, "0:-1#x": 400, "0": 400, "::": 400, ",,,": 400, "-1:-1#1": 400,
		"0:-1#99999999999999999999": 400, strings.Repeat("0:-1#0,", 5000) + "0:-1#0": 200,
	} {
		session := []string{"x-ms-session-token", token}
		send(want, "GET", docsPath+"/1", "", headers(keyHeader, session)...)
		send(want, "POST", docsPath, `{"query":"SELECT * FROM c"}`, headers(keyHeader, queryHeader, session)...)
	}
	for n, want := range map[string]int{"-1": 200, "1": 200, "2147483648": 200, "0": 400, "-2": 400, "x": 400, "1.5": 400, "99999999999999999999": 400} {
		send(want, "POST", docsPath, `{"query":"SELECT * FROM c"}`, headers(keyHeader, queryHeader, []string{"x-ms-max-item-count", n})...)
		send(want, "GET", docsPath, "", headers(feedHeader, []string{"x-ms-max-item-count", n})...)
	}
	for etag, want := range map[string]int{`"0"`: 200, "*": 304, "x": 400, `""`: 400, "-1": 400, `"99999999999999999999"`: 400} {
		send(want, "GET", docsPath, "", headers(feedHeader, []string{"If-None-Match", etag})...)
	}
	for id, want := range map[string]int{"x": 400, "-1": 400, "00": 400, "65536": 400, "7": 410} {
		send(want, "GET", docsPath, "", "A-IM", "Incremental Feed", "x-ms-documentdb-partitionkeyrangeid", id)
		send(want, "POST", docsPath, `{"query":"SELECT * FROM c"}`, headers(queryHeader, []string{"x-ms-documentdb-partitionkeyrangeid", id})...)
	}
	for body, want := range map[string]int{
		`null`: 400, `{}`: 400, `{"query":null}`: 400, `{"query":""}`: 400, `{"query":5}`: 400, ``: 400, `x`: 400,
		`{"query":"SELECT * FROM c WHERE c.x = @p","parameters":[{"name":"@p"}]}`:                   400,
		`{"query":"SELECT * FROM c WHERE ` + strings.Repeat("(", 100_000) + `"}`:                    400,
		`{"query":"SELECT VALUE ` + strings.Repeat("NOT ", 100_000) + `true FROM c"}`:               400,
		`{"query":"SELECT TOP 99999999999999999999 * FROM c"}`:                                      400,
		`{"query":"SELECT VALUE 1/0 FROM c"}`:                                                       400,
		`{"query":"SELECT VALUE RegexMatch('` + strings.Repeat("a", 100) + `', '(a+)+$b') FROM c"}`: 200,
		`{"query":"SELECT VALUE REPLICATE('x', 100000000) FROM c"}`:                                 200,
	} {
		send(want, "POST", docsPath, body, headers(keyHeader, queryHeader)...)
	}
	send(405, "TRACE", docsPath, "")
	send(405, "PUT", docsPath, "{}", keyHeader...)
}

// TestMalformedBatches has batches that are none, and one whose operations all meet at one id.
func TestMalformedBatches(t *testing.T) {
	e, _ := startContainer(t)
	for _, tc := range []struct {
		body string
		want int
		says string
	}{
		{`null`, 400, ""}, {`{}`, 400, ""}, {`[]`, 400, ""}, {`[null]`, 400, ""}, {`[1]`, 400, ""}, {`[{}]`, 400, ""},
		{strings.Repeat("[", 100_000), 400, ""},
		{`[{"operationType":"Delete","id":5}]`, 400, ""},
		{`[{"operationType":"Patch","id":"1"}]`, 400, ""},
		{`[{"operationType":"Create"}]`, 207, `"statusCode":400`},
		{`[{"operationType":"Create","resourceBody":5}]`, 207, `"statusCode":400`},
		{`[{"operationType":"Create","resourceBody":{"id":"s","pk":"p"}},{"operationType":"Create","resourceBody":{"id":"s","pk":"p"}}]`,
			207, `[{"statusCode":424,"requestCharge":0},{"statusCode":409`},
		{`[{"operationType":"Create","resourceBody":{"id":"s","pk":"p"}},{"operationType":"Delete","id":"s"},` +
			`{"operationType":"Upsert","resourceBody":{"id":"s","pk":"p","v":2}},` +
			`{"operationType":"Patch","id":"s","resourceBody":{"operations":[{"op":"incr","path":"/v","value":1}]}},` +
			`{"operationType":"Read","id":"s"}]`, 200, `{"id":"s","pk":"p","v":3,`},
		{`[{"operationType":"Upsert","resourceBody":{"id":"s","pk":"OTHER"}}]`, 207, `"subStatusCode":1001`},
	} {
		resp, text := rest(t, e, "POST", docsPath, "docs", collLink, tc.body, headers(keyHeader, batchHeader)...)
		if resp.StatusCode != tc.want || !strings.Contains(text, tc.says) {
			t.Errorf("%.100s: %d %.300s, want %d and %s", tc.body, resp.StatusCode, text, tc.want, tc.says)
		}
	}
}

// TestForgedContinuations changes every part of a real token, and gives it to another query, key and container.
func TestForgedContinuations(t *testing.T) {
	e, c := startContainer(t)
	newContainer(t, newClient(t, e), azcosmos.ContainerProperties{ID: "other"}, nil)
	for i := range 10 {
		if err := upsert(c, "p", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
	}
	for _, query := range []string{"SELECT * FROM c", "SELECT * FROM c ORDER BY c.id", "SELECT DISTINCT VALUE c.id FROM c OFFSET 1 LIMIT 8"} {
		page := func(path, body, token string) (*http.Response, string) {
			return rest(t, e, "POST", path, "docs", strings.TrimPrefix(strings.TrimSuffix(path, "/docs"), "/"), body,
				headers(keyHeader, queryHeader, []string{"x-ms-max-item-count", "3", "x-ms-continuation", token})...)
		}
		body := `{"query":"` + query + `"}`
		first, _ := page(docsPath, body, "")
		token := first.Header.Get("x-ms-continuation")
		plain, err := base64.StdEncoding.DecodeString(token)
		if err != nil || token == "" {
			t.Fatalf("%s: token %q, %v", query, token, err)
		}
		if resp, text := page(docsPath, `{"query":"SELECT c.id FROM c"}`, token); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("another query: %d %s", resp.StatusCode, text)
		}
		if resp, text := page("/dbs/db/colls/other/docs", body, token); resp.StatusCode != http.StatusBadRequest {
			t.Errorf("another container: %d %s", resp.StatusCode, text)
		}
		var parts map[string]any
		if err := json.Unmarshal(plain, &parts); err != nil {
			t.Fatal(err)
		}
		bad := []any{nil, -1, -1 << 62, 1 << 62, "x", "////", "AAAA", []any{}, []any{nil}, []any{[]any{}}, []any{"x", 1, 2}, map[string]any{}}
		try := func(what string) {
			forged, err := json.Marshal(parts)
			if err != nil {
				t.Fatal(err)
			}
			if resp, text := page(docsPath, body, base64.StdEncoding.EncodeToString(forged)); resp.StatusCode != http.StatusOK && resp.StatusCode != http.StatusBadRequest {
				t.Errorf("%s, %s: %d %s", query, what, resp.StatusCode, text)
			}
		}
		for _, name := range []string{"v", "c", "q", "m", "x", "a", "s"} {
			kept := parts[name]
			for _, value := range bad {
				parts[name] = value
				try(fmt.Sprint(name, value))
			}
			parts[name] = kept
		}
		state, _ := parts["s"].(map[string]any)
		for _, name := range []string{"k", "r", "n", "s", "o"} {
			kept := state[name]
			for _, value := range bad {
				state[name] = value
				try(fmt.Sprint("state ", name, value))
			}
			state[name] = kept
		}
	}
}

// TestContainersDeletedWhileWritten deletes and makes a container again and again under writers and readers: each call has one of
// the answers that the service has for that, and what the last incarnation acknowledged is there.
func TestContainersDeletedWhileWritten(t *testing.T) {
	e, c := startContainer(t)
	client := newClient(t, e)
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	for worker := range 4 {
		work.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id := fmt.Sprint(worker, "-", i)
				err := upsert(c, "p", id)
				if got := status(err); err != nil && got != http.StatusNotFound && !errors.Is(err, context.Canceled) {
					t.Errorf("write: %v", err)
				}
				_, err = c.ReadChangeFeed(ctx, &azcosmos.ChangeFeedOptions{FeedRange: &azcosmos.FeedRange{MaxExclusive: "FF"}})
				if got := status(err); err != nil && got != http.StatusNotFound && got != http.StatusNotModified && got != http.StatusGone && ctx.Err() == nil {
					t.Errorf("feed: %v", err)
				}
			}
		})
	}
	for range 30 {
		if _, err := c.Delete(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		newContainer(t, client, azcosmos.ContainerProperties{}, nil)
	}
	stop()
	work.Wait()
	if err := upsert(c, "p", "last"); err != nil {
		t.Fatal(err)
	}
	if err := read(c, "p", "last"); err != nil {
		t.Error(err)
	}
}

// TestPagesMustNotCallTheAdmin sends what a browser does on behalf of a page from elsewhere.
func TestPagesMustNotCallTheAdmin(t *testing.T) {
	e := emulatortest.Start(t)
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name, value string
		want        int
	}{
		{"Origin", "https://evil.example", 403}, {"Origin", "null", 403}, {"Origin", "http://" + addr.String(), 403},
		{"Sec-Fetch-Site", "cross-site", 403}, {"Sec-Fetch-Site", "same-origin", 403}, {"Sec-Fetch-Site", "none", 200}, {"Accept", "*/*", 200},
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			req, err := http.NewRequest(method, "http://"+addr.String()+"/_emulator/clock", strings.NewReader(`{"advance":"1s"}`))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "text/plain")
			req.Header.Set(tc.name, tc.value)
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != tc.want {
				t.Errorf("%s with %s %s: %d, want %d", method, tc.name, tc.value, resp.StatusCode, tc.want)
			}
		}
	}
}

// TestMalformedHTTP writes to the socket what a client library would not let pass.
func TestMalformedHTTP(t *testing.T) {
	e := emulatortest.Start(t)
	addr, err := e.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	const tail = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
	for request, want := range map[string]int{
		"GET /" + tail + "Authorization: %\r\n\r\n":                                                        401,
		"GET /" + tail + "Authorization: type=master&ver=1.0&sig=%zz\r\n\r\n":                              401,
		"GET /" + tail + "Authorization: type=aad&ver=1.0&sig=a.b.c\r\n\r\n":                               401,
		"GET /" + tail + "Authorization: type=aad&ver=1.0&sig=" + strings.Repeat(".", 10_000) + "\r\n\r\n": 401,
		"GET /dbs/../../etc/passwd" + tail + "\r\n":                                                        401,
		"GET /dbs/%2e%2e/colls/%2F..%2F" + tail + "\r\n":                                                   401,
		"GET /dbs/%00" + tail + "\r\n":                                                                     400,
		"GET " + strings.Repeat("/a", 50_000) + tail + "\r\n":                                              404,
		"GET /dbs/%zz" + tail + "\r\n":                                                                     400,
		"GET //////" + tail + "\r\n":                                                                       401,
		"POST /dbs" + tail + "Content-Length: -5\r\n\r\n":                                                  400,
		"POST /dbs" + tail + "Content-Length: 99999999999999999999\r\n\r\n":                                400,
		"GET /_emulator/dbs" + tail + "\r\n":                                                               404,
		"DELETE /_emulator/faults/99999999999999999999" + tail + "\r\n":                                    404,
		"BREW /dbs" + tail + "\r\n":                                                                        401,
	} {
		conn, err := net.Dial("tcp", addr.String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Write([]byte(request)); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Errorf("%.80q: %v", request, err)
			continue
		}
		if resp.StatusCode != want {
			t.Errorf("%.80q: %d, want %d", request, resp.StatusCode, want)
		}
		_ = conn.Close()
	}
}
