package index

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// redis is a Redis server of its own, spoken to in pipelines over a socket.
type redis struct {
	b    *testing.B
	conn net.Conn
	in   *bufio.Reader
	out  *bufio.Writer
}

// startRedis starts a server that writes nothing to disk. The benchmark is skipped where there is none.
func startRedis(b *testing.B) *redis {
	b.Helper()
	path, err := exec.LookPath("redis-server")
	if err != nil {
		b.Skip("redis-server is not on this machine")
	}
	socket := filepath.Join(b.TempDir(), "redis.sock")
	server := exec.Command(path, "--port", "0", "--unixsocket", socket, "--save", "", "--appendonly", "no", "--daemonize", "no") //nolint:gosec // found on the path
	if err := server.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait() // killed: it has an error
	})
	for range 200 {
		if conn, err := net.Dial("unix", socket); err == nil {
			b.Cleanup(func() { _ = conn.Close() })
			return &redis{b: b, conn: conn, in: bufio.NewReaderSize(conn, 1<<16), out: bufio.NewWriterSize(conn, 1<<16)}
		}
		time.Sleep(10 * time.Millisecond)
	}
	b.Fatal("redis-server does not answer")
	return nil
}

// pipelined is how many commands are on their way at once: so few round trips that the server's own time is all that counts.
const pipelined = 1000

// run sends n commands and reads their answers.
func (r *redis) run(n int, command func(i int) []string) {
	r.b.Helper()
	for from := 0; from < n; from += pipelined {
		to := min(from+pipelined, n)
		done := make(chan error, 1)
		go func() {
			for i := from; i < to; i++ {
				words := command(i)
				fmt.Fprintf(r.out, "*%d\r\n", len(words))
				for _, word := range words {
					fmt.Fprintf(r.out, "$%d\r\n%s\r\n", len(word), word)
				}
			}
			done <- r.out.Flush()
		}()
		for range to - from {
			if _, err := r.reply(); err != nil {
				r.b.Fatal(err)
			}
		}
		if err := <-done; err != nil {
			r.b.Fatal(err)
		}
	}
}

// reply reads one answer and gives its text.
func (r *redis) reply() (string, error) {
	line, err := r.in.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimSpace(line)
	switch line[0] {
	case '-':
		return "", fmt.Errorf("redis: %s", line)
	case '$', '*':
		n, err := strconv.Atoi(line[1:])
		if err != nil || n < 0 {
			return "", err
		}
		if line[0] == '$' {
			text := make([]byte, n+2)
			_, err = io.ReadFull(r.in, text)
			return string(text[:n]), err
		}
		for range n {
			if _, err := r.reply(); err != nil {
				return "", err
			}
		}
	}
	return line, nil
}

// ask sends one command.
func (r *redis) ask(words ...string) (text string) {
	r.b.Helper()
	fmt.Fprintf(r.out, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(r.out, "$%d\r\n%s\r\n", len(word), word)
	}
	if err := r.out.Flush(); err != nil {
		r.b.Fatal(err)
	}
	text, err := r.reply()
	if err != nil {
		r.b.Fatal(err)
	}
	return text
}

// stat reads a number out of INFO: the value of name= or name: in the line that begins with a prefix.
func (r *redis) stat(section, prefix, name string) float64 {
	r.b.Helper()
	for line := range strings.Lines(r.ask("INFO", section)) {
		if !strings.HasPrefix(line, prefix) {
			continue
		}
		_, rest, found := strings.Cut(line, name)
		if !found {
			continue
		}
		if i := strings.IndexAny(rest, ",\r\n"); i >= 0 {
			rest = rest[:i]
		}
		if n, err := strconv.ParseFloat(rest, 64); err == nil {
			return n
		}
	}
	r.b.Fatalf("INFO %s has no %s%s", section, prefix, name)
	return 0
}

// took is the server's own time for one command of a kind since the last reset, in nanoseconds.
func (r *redis) took(command string) float64 {
	return r.stat("commandstats", "cmdstat_"+command+":", "usec_per_call=") * 1000
}

// BenchmarkAgainstRedis times the index beside a Redis sorted set of the same players and scores, in one run: of Redis the server's own time for
// each command, without the way there and back, of the index the time of the calls. LONG=1: ten million.
func BenchmarkAgainstRedis(b *testing.B) {
	n := 1_000_000
	if os.Getenv("LONG") != "" {
		n = 10_000_000
	}
	r := startRedis(b)
	p := newPopulation(n, Shape{KeyBytes: 22}, 1<<40)
	p.apply()
	defer p.x.Close()
	names := func(i int) string { return fmt.Sprintf("%x", p.players[i][3:]) } // 26 characters, as a ULID has
	score := func() string { return strconv.FormatInt(p.rand.Int64N(p.scores), 10) }
	empty := r.stat("memory", "used_memory:", ":")
	r.run(n, func(i int) []string { return []string{"ZADD", "b", score(), names(i)} })
	bytes := (r.stat("memory", "used_memory:", ":") - empty) / float64(n)
	all := p.x.In(Everybody, 0)
	const tries = 200_000
	timed := func(tries int, do func()) float64 {
		begin := time.Now()
		for range tries {
			do()
		}
		return float64(time.Since(begin).Nanoseconds()) / float64(tries)
	}
	for _, c := range []struct {
		name, command string
		tries         int
		redis         func(int) []string
		ours          func()
	}{
		{"Rank", "zrank", tries, func(int) []string { return []string{"ZRANK", "b", names(p.rand.IntN(n))} }, func() { all.Rank(p.someone()) }},
		{"Move", "zadd", tries, func(int) []string { return []string{"ZADD", "b", score(), names(p.rand.IntN(n))} }, func() { p.x.Apply(p.entry(p.someone())) }},
		{"Window101", "zrange", tries / 10, func(int) []string {
			from := p.rand.IntN(n - 101)
			return []string{"ZRANGE", "b", strconv.Itoa(from), strconv.Itoa(from + 100), "WITHSCORES"}
		}, func() {
			sum := 0
			all.Range(p.rand.IntN(n-101), 101, func(e Entry) bool {
				sum += len(e.Key)
				return true
			})
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			r.ask("CONFIG", "RESETSTAT")
			r.run(c.tries, c.redis)
			theirs := r.took(c.command)
			ours := timed(c.tries, c.ours)
			for b.Loop() {
				c.ours()
			}
			b.ReportMetric(theirs, "redis-ns/op")
			b.ReportMetric(theirs/ours, "times-as-fast")
		})
	}
	b.Logf("%.0f bytes an entry, Redis %.0f", float64(p.x.Bytes())/float64(n), bytes)
}
