package bench

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/artifact"
	varveclient "github.com/varvedb/varve/client"
)

// BenchmarkArtifacts moves a gibibyte through the artifact store, beside the
// least that keeps and checks bytes: a copy with a hash, and a sync behind it.
// Both read the same file, turn by turn.
func BenchmarkArtifacts(b *testing.B) {
	n := int64(size(1<<30, 1<<24))
	rounds := size(5, 1)
	p := results.part("Artifacts of 1 GiB", "SQLite, a folder on the same disk, synced; a copy with SHA-256 in Go beside; the goal is of its speed")
	source := filepath.Join(b.TempDir(), "source")
	fillRandom(b, source, n)
	program := build(b, "github.com/varvedb/varve/cmd/varve")
	ways := []*moved{
		{name: "copy with a hash", put: copyHashed, get: readHashed},
		{name: "library", put: putInto, get: readFrom},
		{name: "over HTTP", put: func(b *testing.B, dir, source string) time.Duration { return upload(b, program, dir, source) },
			get: func(b *testing.B, dir string) time.Duration { return download(b, program, dir) }},
	}
	for round := range rounds {
		for i := range ways {
			w := ways[(i+round)%len(ways)]
			dir, err := os.MkdirTemp(b.TempDir(), "round")
			if err != nil {
				b.Fatal(err)
			}
			begun := used()
			w.in = append(w.in, w.put(b, dir, source))
			w.busy = append(w.busy, used()-begun)
			w.out = append(w.out, w.get(b, dir))
			if err := os.RemoveAll(dir); err != nil { // a disk holds few of them
				b.Fatal(err)
			}
		}
	}
	floor := ways[0]
	for _, w := range ways[1:] {
		for _, to := range []struct {
			what        string
			took, least times
		}{{"kept", w.in.sorted(), floor.in.sorted()}, {"read", w.out.sorted(), floor.out.sorted()}} {
			speed := float64(to.least.median()) / float64(to.took.median())
			r := row{ours: duration(to.took.median()), beside: duration(to.least.median()), name: fmt.Sprintf("%s, %s; %s", to.what, w.name, floor.name), ratio: factor(speed)}
			if w.name == "library" || to.what == "read" {
				r.goal, r.reached = "≥ 0.8×", speed >= 0.8
			}
			p.rows = append(p.rows, r)
		}
	}
	busy, least := ways[1].busy.sorted().median(), floor.busy.sorted().median()
	p.rows = append(p.rows, row{ours: duration(busy), beside: duration(least), name: "kept, library, time of the processors; " + floor.name, ratio: factor(float64(least) / float64(busy))})
	p.rows = append(p.rows, row{ours: megabytes(float64(grown)), beside: "32 MB", name: "most that a server's memory grew by meanwhile", goal: "flat", reached: grown < 32<<20})
}

// moved is one way to keep bytes and to read them back.
type moved struct {
	name    string
	put     func(b *testing.B, dir, source string) time.Duration
	get     func(b *testing.B, dir string) time.Duration
	in, out times
	busy    times // of the processors, in this process, while bytes are kept
}

func fillRandom(b *testing.B, path string, n int64) {
	b.Helper()
	f, err := os.Create(path)
	if err == nil {
		_, err = io.CopyN(f, rand.Reader, n)
	}
	if err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}

// ofFile is how long work on a file takes.
func ofFile(b *testing.B, path string, work func(*os.File) error) time.Duration {
	b.Helper()
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	start := time.Now()
	if err := work(f); err != nil {
		b.Fatal(err)
	}
	return time.Since(start)
}

func copyHashed(b *testing.B, dir, source string) time.Duration {
	return ofFile(b, source, func(from *os.File) error {
		to, err := os.Create(filepath.Join(dir, "copy"))
		if err != nil {
			return err
		}
		defer to.Close()
		sum := sha256.New()
		if _, err := io.CopyBuffer(struct{ io.Writer }{to}, io.TeeReader(from, sum), make([]byte, 256<<10)); err != nil {
			return err
		}
		return to.Sync()
	})
}

func readHashed(b *testing.B, dir string) time.Duration {
	return ofFile(b, filepath.Join(dir, "copy"), func(from *os.File) error {
		_, err := io.CopyBuffer(sha256.New(), struct{ io.Reader }{from}, make([]byte, 256<<10))
		return err
	})
}

func putInto(b *testing.B, dir, source string) time.Duration {
	return inFolder(b, dir, func(db *varve.DB) time.Duration {
		return ofFile(b, source, func(from *os.File) error {
			_, err := db.Artifacts().Put(b.Context(), from, "application/octet-stream")
			return err
		})
	})
}

func readFrom(b *testing.B, dir string) time.Duration {
	return inFolder(b, dir, func(db *varve.DB) time.Duration {
		return whole(b, db.Artifacts())
	})
}

// whole reads the one artifact that there is.
func whole(b *testing.B, from artifact.API) time.Duration {
	b.Helper()
	kept, err := from.List(b.Context(), "", 1)
	if err != nil || len(kept) != 1 {
		b.Fatalf("kept are %v, %v", kept, err)
	}
	start := time.Now()
	r, err := from.Open(b.Context(), kept[0].Digest)
	if err != nil {
		b.Fatal(err)
	}
	defer r.Close()
	if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, r, make([]byte, 256<<10)); err != nil || n != kept[0].Size {
		b.Fatalf("%d bytes came, %v", n, err)
	}
	return time.Since(start)
}

func inFolder(b *testing.B, dir string, do func(*varve.DB) time.Duration) time.Duration {
	b.Helper()
	db, err := all.Open(b.Context(), dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	return do(db)
}

// grown is the most that the memory of a server grew by.
var grown int64

// served calls a server, and looks at its memory before and after.
func served(b *testing.B, program, dir string, do func(*varveclient.Client) time.Duration) time.Duration {
	b.Helper()
	p := startServer(b, program, "/readyz", func(address string) []string { return []string{"serve", "--data", dir, "--listen", address} })
	defer p.stop(b)
	c, err := varveclient.New("http://"+p.address, varveclient.Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	var small bytes.Buffer
	small.WriteString(program)
	if _, err := c.Objects().Write(b.Context(), "warm", &small); err != nil {
		b.Fatal(err)
	}
	before := p.most()
	took := do(c)
	grown = max(grown, p.most()-before)
	return took
}

// most is the largest that the resident memory of a process was, in bytes.
func (p *process) most() int64 {
	var kb int64
	fmt.Sscan(first(`VmHWM:\s+\d+`, read(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))[len("VmHWM:"):], &kb)
	return kb << 10
}

func upload(b *testing.B, program, dir, source string) time.Duration {
	return served(b, program, dir, func(c *varveclient.Client) time.Duration {
		return ofFile(b, source, func(from *os.File) error {
			_, err := c.Artifacts().Put(b.Context(), from, "application/octet-stream")
			return err
		})
	})
}

func download(b *testing.B, program, dir string) time.Duration {
	return served(b, program, dir, func(c *varveclient.Client) time.Duration { return whole(b, c.Artifacts()) })
}
