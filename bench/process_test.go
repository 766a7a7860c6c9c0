package bench

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// process is a server in a process of its own.
type process struct {
	address string // host:port
	cmd     *exec.Cmd
	said    *bytes.Buffer
	took    time.Duration // from its start to its first answer
}

// build compiles one of the module's programs, into a folder of this benchmark.
func build(b *testing.B, pkg string) string {
	b.Helper()
	program := filepath.Join(b.TempDir(), filepath.Base(pkg))
	if out, err := exec.Command("go", "build", "-o", program, pkg).CombinedOutput(); err != nil {
		b.Fatalf("%v\n%s", err, out)
	}
	return program
}

// startVarve serves a database on a folder of its own.
func startVarve(b *testing.B, program, folder string, flags ...string) *process {
	b.Helper()
	return startServer(b, program, "/v1/threads?userId="+ada, func(address string) []string {
		return append([]string{"serve", "--data", folder, "--listen", address}, flags...)
	})
}

// startServer starts a program and waits until it answers a path with 200.
func startServer(b *testing.B, program, path string, args func(address string) []string) *process {
	b.Helper()
	p := &process{address: freeAddress(b), said: &bytes.Buffer{}}
	p.cmd = exec.Command(program, args(p.address)...)
	p.cmd.Stderr = p.said
	start := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.cmd.Wait() }()
	b.Cleanup(func() {
		p.cmd.Process.Kill()
		<-ended
	})
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !answers(ctx, "http://"+p.address+path) {
		select {
		case err := <-ended:
			ended <- err
			b.Fatalf("%s ended: %v\n%s", program, err, p.said)
		case <-ctx.Done():
			b.Fatalf("%s does not answer", program)
		case <-tick.C:
		}
	}
	p.took = time.Since(start)
	return p
}

// stop ends a server and returns when it is gone.
func (p *process) stop(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	for range time.Tick(time.Millisecond) {
		if p.cmd.Process.Signal(syscall.Signal(0)) != nil {
			return
		}
	}
}

func answers(ctx context.Context, url string) bool {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return false
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return false
	}
	defer answer.Body.Close()
	io.Copy(io.Discard, answer.Body)
	return answer.StatusCode == http.StatusOK
}

func freeAddress(b *testing.B) string {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// cpu is the time a process has used of the processors.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	_, stat, _ := strings.Cut(read(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid)), ") ")
	fields := strings.Fields(stat)
	if len(fields) < 13 {
		b.Fatalf("the server is gone: %s", p.said)
	}
	user, _ := strconv.Atoi(fields[11])
	system, _ := strconv.Atoi(fields[12])
	return time.Duration(user+system) * (time.Second / 100) // USER_HZ
}

// resident is the memory of a process that is in RAM, in bytes.
func (p *process) resident() float64 {
	kb, _ := strconv.ParseFloat(first(`[0-9]+`, first(`VmRSS:.*`, read(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid)))), 64)
	return kb * 1024
}

// used is the time this process has used of the processors.
func used() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func fdatasync(f *os.File) error { return syscall.Fdatasync(int(f.Fd())) }
