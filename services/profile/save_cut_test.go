package profile_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"supergame/local/emulator"
	profilev1 "supergame/proto/gen/supergame/profile/v1"
	"supergame/services/platform/fault"
	"supergame/services/platform/grpcclient"
	"supergame/services/platform/grpcserver/grpcservertest"
)

// cutter is a TCP proxy that closes a connection after so many bytes of one direction.
type cutter struct {
	listener net.Listener
	target   string
	up, down int64        // bytes to let through to the server and from it; negative = all
	sent     atomic.Int64 // bytes that went to the server
	group    sync.WaitGroup
}

func newCutter(t *testing.T, target string, up, down int64) *cutter {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &cutter{listener: listener, target: target, up: up, down: down}
	c.group.Go(func() {
		client, err := listener.Accept()
		if err != nil {
			return
		}
		_ = listener.Close() // one connection: what comes after the cut is refused
		c.serve(client)
	})
	return c
}

// serve copies both ways until the cut.
func (c *cutter) serve(client net.Conn) {
	server, err := new(net.Dialer).Dial("tcp", c.target)
	if err != nil {
		_ = client.Close()
		return
	}
	var once sync.Once
	cut := func() {
		once.Do(func() { _, _ = client.Close(), server.Close() })
	}
	c.group.Go(func() {
		defer cut()
		n, _ := io.Copy(server, cutAfter(client, c.up))
		c.sent.Add(n)
	})
	c.group.Go(func() {
		defer cut()
		_, _ = io.Copy(client, cutAfter(server, c.down))
	})
}

func cutAfter(r io.Reader, n int64) io.Reader {
	if n < 0 {
		return r
	}
	return io.LimitReader(r, n)
}

// stop ends the proxy and returns how many bytes went to the server.
func (c *cutter) stop() int64 {
	_ = c.listener.Close()
	c.group.Wait()
	return c.sent.Load()
}

// putThrough sends a request over a connection that is cut after so many bytes up or down. It returns how many went up.
func (w *world) putThrough(t *testing.T, up, down int64, r *profilev1.PutSaveRequest) (sent int64, err error) {
	t.Helper()
	proxy := newCutter(t, w.GRPCAddr, up, down)
	conn, err := grpcclient.Dial("http://"+proxy.listener.Addr().String(), grpcclient.Options{
		Tokens: grpcservertest.Token(w.authority.Player(ada)), Retries: -1,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(session(t), 5*time.Second)
	defer cancel()
	_, err = profilev1.NewSaveDataServiceClient(conn).PutSave(ctx, r)
	_ = conn.Close() // cut already, as a rule
	return proxy.stop(), err
}

// TestSavesSurviveCuts cuts the connection of a client that sends a save of 1 MiB, at many bytes of the request and of the answer. Each time
// the slot holds the old save or the new one, whole; and the same request, sent again, leaves the new one, written once.
func TestSavesSurviveCuts(t *testing.T) {
	t.Parallel()
	w := start(t)
	w.join(t, ada)
	me := w.saves(t, w.authority.Player(ada))
	round, version := uint64(0), int64(1)
	request := func() *profilev1.PutSaveRequest {
		round++
		content := saveContent(round, saveMax-int(round))
		return &profilev1.PutSaveRequest{Slot: "auto", Content: content, ContentSha256: saveHash(content), Overwrite: true, RequestId: fmt.Sprint("r", round)}
	}
	old := request()
	whole, err := w.putThrough(t, -1, -1, old)
	if err != nil {
		t.Fatal(err)
	}

	cuts := []int64{0, 1, 24, 100, 400, 800, 1500, 64<<10 - 1, 64 << 10, whole - 20000, whole - 1000, whole - 30, whole - 10, whole - 1, whole}
	count := int64(4)
	if os.Getenv("LONG") != "" {
		count = 400
	}
	for i := range count {
		cuts = append(cuts, whole*(2*i+1)/(2*count))
	}
	stored, lost := 0, 0
	try := func(what string, up, down int64) {
		t.Helper()
		r := request()
		_, err := w.putThrough(t, up, down, r)
		now := w.wantOldOrNew(t, me, what, old, r)
		if now == r {
			stored++
		}
		if err == nil && now != r {
			t.Errorf("%s: acknowledged, and the old save is there", what)
		}
		if err != nil {
			lost++
			if k := fault.KindOf(err); k != fault.Unavailable && k != fault.DeadlineExceeded && k != fault.Canceled {
				t.Errorf("%s: the client hears %v", what, err)
			}
		}
		version++
		ctx, cancel := context.WithTimeout(session(t), time.Minute) // a megabyte takes its time on a busy machine
		again, err := me.PutSave(ctx, r)
		cancel()
		if err != nil || !strings.HasPrefix(again.GetSave().GetEtag(), strconv.FormatInt(version, 16)+"-") {
			t.Errorf("%s: sent again: %v, %v, want write %d", what, again, err, version)
		}
		if w.wantOldOrNew(t, me, what, old, r) != r {
			t.Errorf("%s: sent again, and the old save is there", what)
		}
		old = r
	}
	for _, n := range cuts {
		try(fmt.Sprintf("%d of %d bytes of the request", n, whole), n, -1)
	}
	for _, n := range []int64{0, 1, 30, 100, 200, 300, 500} {
		try(fmt.Sprintf("%d bytes of the answer", n), -1, n)
	}
	if stored == 0 || lost < 15 {
		t.Errorf("%d of the new saves were stored by the call that was cut, %d calls were cut: the test does not see both", stored, lost)
	}
	t.Logf("a request has %d bytes; %d calls were cut, %d stored the save before", whole, lost, stored)
}

// wantOldOrNew checks that the slot, the list and the quota are those of the save before or after, and returns which.
func (w *world) wantOldOrNew(t *testing.T, me profilev1.SaveDataServiceClient, what string, before, after *profilev1.PutSaveRequest) *profilev1.PutSaveRequest {
	t.Helper()
	got, err := me.GetSave(session(t), &profilev1.GetSaveRequest{Slot: "auto"})
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	now := before
	if got.GetSave().GetContentSha256() == after.GetContentSha256() {
		now = after
	}
	if !bytes.Equal(got.GetContent(), now.GetContent()) || got.GetSave().GetContentSha256() != now.GetContentSha256() {
		t.Errorf("%s: the slot holds %d bytes with hash %s", what, len(got.GetContent()), got.GetSave().GetContentSha256())
	}
	list, err := me.ListSaves(session(t), &profilev1.ListSavesRequest{})
	if err != nil || len(list.GetSaves()) != 1 || list.GetQuota().GetSlots() != 1 {
		t.Errorf("%s: %v, %v", what, list, err)
	}
	// The call that was cut may be carried out between both reads.
	if n := list.GetQuota().GetBytes(); n != int64(len(now.GetContent())) && n != int64(len(after.GetContent())) {
		t.Errorf("%s: %d bytes are counted, the save has %d", what, n, len(now.GetContent()))
	}
	return now
}

// TestSavesSurviveCutsOfTheStore cuts the connection to the store under a save of 1 MiB, before and behind the commit, at each request, once
// and until the service gives up.
func TestSavesSurviveCutsOfTheStore(t *testing.T) {
	t.Parallel()
	w, _, e := startOnWire(t)
	w.join(t, ada)
	me := w.saves(t, w.authority.Player(ada))
	round := uint64(0)
	put := func(ctx context.Context) (*profilev1.PutSaveRequest, error) {
		round++
		content := saveContent(round, saveMax-int(round))
		r := &profilev1.PutSaveRequest{Slot: "auto", Content: content, ContentSha256: saveHash(content), Overwrite: true, RequestId: fmt.Sprint("r", round)}
		_, err := me.PutSave(ctx, r)
		return r, err
	}
	old, err := put(session(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, failure := range []emulator.Fault{{DropBefore: true}, {DropAfter: true}} {
		for step := range 2 { // the look, the write
			for _, count := range []int{1, 0} {
				what := fmt.Sprintf("%+v at %d, %d times", failure, step, count)
				failure.Op, failure.Skip, failure.Count = emulator.OpBatch, step, count
				e.Inject(failure)
				patience := 30 * time.Second
				if count == 0 {
					patience = 400 * time.Millisecond
				}
				ctx, cancel := context.WithTimeout(session(t), patience)
				r, err := put(ctx)
				cancel()
				e.ClearFaults()
				now := w.wantOldOrNew(t, me, what, old, r)
				if gaveUp := count == 0; gaveUp != (err != nil) || !gaveUp && now != r {
					t.Errorf("%s: %v", what, err)
				}
				if _, err := me.PutSave(session(t), r); err != nil {
					t.Errorf("%s: sent again: %v", what, err)
				}
				if w.wantOldOrNew(t, me, what, old, r) != r {
					t.Errorf("%s: sent again, and the old save is there", what)
				}
				old = r
			}
		}
	}
}
