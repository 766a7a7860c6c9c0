package bench

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"slices"
	"testing"
	"time"
)

// peer is a Python process that runs Chainlit's own layers, and Varve's adapter
// for them, on command: one JSON line asks, one answers with how long each run
// took, measured around the awaited call inside that process.
type peer struct {
	in  io.WriteCloser
	out *bufio.Reader
}

// startPeer starts chainlit_peer.py on one layer: a URL of SQLAlchemy's, a
// postgres:// one for the official layer, an http:// one for Varve's adapter.
func startPeer(b *testing.B, layer string) *peer {
	b.Helper()
	return startScript(b, "chainlit_peer.py", layer)
}

func startScript(b *testing.B, args ...string) *peer {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), peerPython(), args...)
	cmd.Stderr = os.Stderr
	cmd.Env = append(os.Environ(), "PYTHONPATH=../python", "TZ=UTC")
	in, err1 := cmd.StdinPipe()
	out, err2 := cmd.StdoutPipe()
	if err1 != nil || err2 != nil {
		b.Fatal(err1, err2)
	}
	if err := cmd.Start(); err != nil {
		b.Fatalf("the peers need Chainlit (python/e2e/test.sh installs it; BENCH_PYTHON names another Python): %v", err)
	}
	b.Cleanup(func() { in.Close(); cmd.Wait() })
	return &peer{in, bufio.NewReader(out)}
}

func peerPython() string {
	if python := os.Getenv("BENCH_PYTHON"); python != "" {
		return python
	}
	return "../.cache/venv-chainlit-2.12.0/bin/python"
}

// times runs an operation n times.
func (p *peer) times(b *testing.B, operation, id string, n int) times {
	b.Helper()
	if err := json.NewEncoder(p.in).Encode(map[string]any{"do": operation, "id": id, "times": n}); err != nil {
		b.Fatal(err)
	}
	line, err := p.out.ReadBytes('\n')
	if err != nil {
		b.Fatalf("%s: the Python peer ended: %v", operation, err)
	}
	var seconds []float64
	if err := json.Unmarshal(line, &seconds); err != nil {
		b.Fatalf("%s: %s", operation, line)
	}
	return sorted(seconds)
}

func sorted(seconds []float64) (t times) {
	for _, s := range seconds {
		t = append(t, time.Duration(s*float64(time.Second)))
	}
	slices.Sort(t)
	return t
}

func (p *peer) median(b *testing.B, operation, id string, n int) time.Duration {
	b.Helper()
	return p.times(b, operation, id, n).median()
}
