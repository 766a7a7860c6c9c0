// Package daemon runs servers for tests: each ends with the test process,
// however that ends, and its folder goes with it.
//
//	s, err := daemon.Start(dir, exec.Command("server", "--port", port), answers)
package daemon

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// patience is how long a server may take to answer on a busy machine.
const patience = time.Minute

// Start runs cmd, with its output in dir/log, and waits until ask answers nil.
// The kernel sends the parent-death signal when the starting thread ends, so
// the thread is kept for as long as the server lives.
func Start(dir string, cmd *exec.Cmd, ask func(context.Context) error) error {
	return start(dir, syscall.SIGKILL, cmd, ask)
}

func start(dir string, end syscall.Signal, cmd *exec.Cmd, ask func(context.Context) error) error {
	path := filepath.Join(dir, "log")
	log, err := os.Create(path)
	if err != nil {
		return err
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	cmd.SysProcAttr.Pdeathsig = end
	started, exited := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return err
	}
	if err := sweepAfter(cmd.Process.Pid, end, dir); err != nil {
		return err
	}
	return ready(exited, ask, func() string { return tail(path) })
}

// ready asks until the server answers, has ended, or patience has.
func ready(exited <-chan error, ask func(context.Context) error, said func() string) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case end := <-exited:
			return fmt.Errorf("it ended: %v\n%s", end, said())
		case <-ctx.Done():
			return fmt.Errorf("it does not answer: %w\n%s", err, said())
		case <-tick.C:
		}
	}
}

func tail(path string) string {
	b, _ := os.ReadFile(path)
	return string(b[max(0, len(b)-2000):])
}

// sweepers keeps the writing ends of the pipes open until the process ends; a
// collected file would be closed.
var (
	sweepersMu sync.Mutex
	sweepers   []io.Closer
)

// sweepAfter removes dir once this process and the server are gone.
func sweepAfter(pid int, end syscall.Signal, dir string) error {
	cmd := exec.Command("/bin/sh", "-c",
		`cat >/dev/null; kill -$3 $1 2>/dev/null; n=0
		while kill -0 $1 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; rm -rf "$2"`,
		"sh", strconv.Itoa(pid), dir, strconv.Itoa(int(end)))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C for us is not for the sweeper
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	sweepersMu.Lock()
	defer sweepersMu.Unlock()
	sweepers = append(sweepers, in)
	return nil
}

// FreePort is a port of this machine that nobody listens on.
func FreePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		return "", err
	}
	return port, l.Close()
}

// Listens is an ask for [Start]: a server that takes connections answers.
func Listens(address string) func(context.Context) error {
	return func(ctx context.Context) error {
		var d net.Dialer
		c, err := d.DialContext(ctx, "tcp", address)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// Cached is the path of a program or folder that a script of scripts/ put into
// the user's cache, and remedy names the script.
func Cached(path, remedy string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	path = filepath.Join(cache, "varve", filepath.FromSlash(path))
	if _, err := os.Stat(path); err != nil {
		return "", fmt.Errorf("%s is missing: run %s", path, remedy)
	}
	return path, nil
}
