package engine

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/cockroachdb/pebble/v2/vfs"

	"supergame/local/emulator/internal/epk"
)

const (
	crashDir    = "ENGINE_CRASH_DIR" // set = this process is the one that is killed
	crashAcks   = 2000
	crashWrites = 4 // goroutines
	crashBatch  = 3 // documents of one write
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDir); dir != "" {
		if err := crashChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// crashChild acknowledges every write on stdout, and after the last one stands still until it is killed.
func crashChild(dir string) error {
	e, err := Open(Options{Dir: dir})
	if err != nil {
		return err
	}
	c, err := e.Container("db", "c")
	if err != nil {
		return err
	}
	var mu sync.Mutex
	go crashReader(c, &mu)
	var wg sync.WaitGroup
	failed := make(chan error, crashWrites)
	for g := range crashWrites {
		wg.Go(func() {
			for n := range crashAcks / crashWrites {
				pk := fmt.Sprint("p", g, "-", n)
				ops := make([]Op, crashBatch)
				for i := range ops {
					ops[i] = Op{Kind: OpCreate, Body: doc(fmt.Sprint(i), pk)}
				}
				r, err := c.Write(epk.Strings(pk), ops, WriteOptions{})
				if err != nil {
					failed <- err
					return
				}
				mu.Lock()
				fmt.Println("ack", pk, r.LSN)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	select {
	case err := <-failed:
		return err
	default:
	}
	fmt.Println("done")
	_, err = io.Copy(io.Discard, os.Stdin) // the parent holds the other end
	return err
}

// crashReader tells what it sees: a reader must see nothing that the kill undoes.
func crashReader(c *Container, mu *sync.Mutex) {
	after := map[string]uint64{}
	for {
		for _, id := range []string{"0", "1"} {
			page, err := c.Feed(FeedOptions{Range: id, After: after[id]})
			if err != nil {
				return
			}
			if page.LSN != after[id] {
				after[id] = page.LSN
				mu.Lock()
				fmt.Println("saw", id, page.LSN)
				mu.Unlock()
			}
		}
	}
}

// TestKillLosesNothing kills a process in the middle of its writes and after the last one. The second kill is what a commit with
// pebble.NoSync does not survive: the last records would still be in a buffer of the process.
func TestKillLosesNothing(t *testing.T) {
	for _, x := range []struct {
		name string
		acks int
	}{{"in the middle", crashAcks / 3}, {"after the last", crashAcks}} {
		t.Run(x.name, func(t *testing.T) {
			dir := t.TempDir()
			e := open(t, Options{Dir: dir})
			container(t, e, plain, 2)
			if err := e.Close(); err != nil {
				t.Fatal(err)
			}
			acked, seen := killedAfter(t, dir, x.acks)
			e = open(t, Options{Dir: dir})
			c, err := e.Container("db", "c")
			if err != nil {
				t.Fatal(err)
			}
			for _, pk := range acked {
				if ids := scanIDs(t, c, ScanOptions{Key: epk.Strings(pk)}, 10); len(ids) != crashBatch {
					t.Fatalf("%s was acknowledged with %d documents, there are %v", pk, crashBatch, ids)
				}
			}
			all := scanIDs(t, c, ScanOptions{}, 1<<20)
			if len(all)%crashBatch != 0 || len(all) < len(acked)*crashBatch {
				t.Errorf("%d documents, %d writes acknowledged", len(all), len(acked))
			}
			feed := 0
			for _, r := range c.Ranges() {
				items, lsn := drain(t, c, FeedOptions{Range: r.ID})
				feed += len(items)
				if seen[r.ID] > r.LSN {
					t.Errorf("range %s was seen at %d, it is at %d", r.ID, seen[r.ID], r.LSN)
				}
				if len(items) > 0 && (lsn != r.LSN || items[len(items)-1].LSN != lsn) {
					t.Errorf("range %s ends at %d, its feed at %d", r.ID, r.LSN, lsn)
				}
			}
			if feed != len(all) {
				t.Errorf("%d documents in the feed, %d in the container", feed, len(all))
			}
		})
	}
}

// killedAfter runs the child and kills it when it has acknowledged n writes. It returns those, and the last LSN of each range that
// a reader saw.
func killedAfter(t *testing.T, dir string, n int) (acked []string, seen map[string]uint64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe)
	cmd.Env = append(os.Environ(), crashDir+"="+dir)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	seen = map[string]uint64{}
	for lines := bufio.NewScanner(out); len(acked) < n && lines.Scan(); {
		var what, name string
		var lsn uint64
		if _, err := fmt.Sscan(lines.Text(), &what, &name, &lsn); err != nil {
			break // the child is done
		}
		if what == "ack" {
			acked = append(acked, name)
		} else {
			seen[name] = lsn
		}
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Error("the child ended before it was killed")
	}
	if len(acked) != n {
		t.Fatalf("%d of %d writes were acknowledged", len(acked), n)
	}
	if len(seen) == 0 {
		t.Error("the reader saw nothing")
	}
	return acked, seen
}

// TestTornLog cuts and spoils the end of the log, as a crash of the machine may.
func TestTornLog(t *testing.T) {
	for _, x := range []struct {
		name string
		tear func(data []byte) []byte
	}{
		{"cut in the middle of a record", func(d []byte) []byte { return d[:len(d)-20] }},
		{"zeros at the end", func(d []byte) []byte { return append(d[:len(d)-20], make([]byte, 20)...) }},
		{"garbage at the end", func(d []byte) []byte { return append(d[:len(d)-20], "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"...) }},
	} {
		t.Run(x.name, func(t *testing.T) {
			torn := t.TempDir()
			copyLive(t, torn, 300)
			logs, err := filepath.Glob(filepath.Join(torn, "*.log"))
			if err != nil || len(logs) == 0 {
				t.Fatalf("logs: %v, %v", logs, err)
			}
			name := logs[len(logs)-1]
			data, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(name, x.tear(data), 0o600); err != nil {
				t.Fatal(err)
			}
			e := open(t, Options{Dir: torn})
			c, err := e.Container("db", "c")
			if err != nil {
				t.Fatal(err)
			}
			if ids := scanIDs(t, c, ScanOptions{}, 1000); len(ids) != 299*2 {
				t.Errorf("%d documents, want all but the last write's", len(ids))
			}
			r := put(t, c, "p299", Op{Kind: OpCreate, Body: doc("a", "p299")})
			if r.LSN != 300 {
				t.Errorf("the next write has LSN %d", r.LSN)
			}
		})
	}
}

// copyLive writes n batches of two and copies the files while the engine is open, as if it had been killed.
func copyLive(t *testing.T, to string, n int) {
	t.Helper()
	from := t.TempDir()
	e := open(t, Options{Dir: from})
	c := container(t, e, plain, 1)
	for i := range n {
		pk := fmt.Sprint("p", i)
		put(t, c, pk, Op{Kind: OpCreate, Body: doc("a", pk)}, Op{Kind: OpCreate, Body: doc("b", pk)})
	}
	files, err := os.ReadDir(from)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if f.Name() == "LOCK" { // cannot be read everywhere while it is held
			continue
		}
		data, err := os.ReadFile(filepath.Join(from, f.Name()))
		if err == nil {
			err = os.WriteFile(filepath.Join(to, f.Name()), data, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil && !errors.Is(err, ErrClosed) {
		t.Fatal(err)
	}
}

// TestPowerLoss lets the machine lose everything that was not synced. With Fsync nothing acknowledged may be missing; without it the
// last writes may, but what is left is a beginning of what was written, with batches whole.
func TestPowerLoss(t *testing.T) {
	for _, fsync := range []bool{true, false} {
		t.Run(fmt.Sprint("fsync=", fsync), func(t *testing.T) {
			disk := vfs.NewCrashableMem()
			e := open(t, Options{Dir: "data", Fsync: fsync, disk: disk})
			c := container(t, e, plain, 1)
			const writes, flushed = 300, 100
			big := strings.Repeat("x", 2<<10)
			for i := range writes {
				pk := fmt.Sprint("p", i)
				body := doc("a", pk, `,"text":"`, big, `"`)
				put(t, c, pk, Op{Kind: OpCreate, Body: body}, Op{Kind: OpCreate, Body: doc("b", pk)})
				if i+1 == flushed { // from here on a table has it
					if err := e.db.Flush(); err != nil {
						t.Fatal(err)
					}
				}
			}
			after := disk.CrashClone(vfs.CrashCloneCfg{})
			e = open(t, Options{Dir: "data", Fsync: fsync, disk: after})
			c, err := e.Container("db", "c")
			if err != nil {
				t.Fatal(err)
			}
			n := len(scanIDs(t, c, ScanOptions{}, 1000))
			if n != keysOf(t, c) || n%2 != 0 || n < 2*flushed || fsync && n != 2*writes {
				t.Errorf("%d documents of %d", n, 2*writes)
			}
			for i := range n / 2 {
				get(t, c, fmt.Sprint("p", i), "b")
			}
			if lsn := c.Ranges()[0].LSN; lsn != uint64(n/2) {
				t.Errorf("%d writes are there, the range is at %d", n/2, lsn)
			}
		})
	}
}
