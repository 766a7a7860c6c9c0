package pgtest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// process is a server that cannot outlive the test process: the kernel stops
// it when we die, and a shell that waits for the end of a pipe removes its
// folder afterwards.
type process struct {
	name   string
	log    string
	exited chan error
}

// spawn starts cmd without privileges, its output in dir/log. The kernel sends
// the parent-death signal when the starting THREAD ends, so the thread is kept
// for as long as the child lives.
func spawn(dir string, cmd *exec.Cmd) (*process, error) {
	p := &process{name: filepath.Base(cmd.Path), log: filepath.Join(dir, "log"), exited: make(chan error, 1)}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	demote(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = syscall.SIGQUIT
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.exited <- cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", cmd.Path, err)
	}
	return p, sweepAfter(cmd.Process.Pid, dir)
}

// ready asks until the server answers, has ended, or patience has.
func (p *process) ready(ask func(context.Context) error) error {
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
		case end := <-p.exited:
			return fmt.Errorf("%s ended: %v\n%s", p.name, end, p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.name, err, p.tail())
		case <-tick.C:
		}
	}
}

func (p *process) tail() string {
	b, _ := os.ReadFile(p.log)
	return string(b[max(0, len(b)-2000):])
}

// sweepers keeps the writing ends of the pipes open until the process ends; a
// collected file would be closed.
var sweepers []io.Closer

// sweepAfter removes dir once this process and the server are gone.
func sweepAfter(pid int, dir string) error {
	cmd := exec.Command("/bin/sh", "-c",
		`cat >/dev/null; kill -QUIT $1 2>/dev/null; n=0
		while kill -0 $1 2>/dev/null && [ $n -lt 100 ]; do sleep 0.1; n=$((n+1)); done; rm -rf "$2"`,
		"sh", strconv.Itoa(pid), dir)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // a ^C for us is not for the sweeper
	in, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	sweepers = append(sweepers, in)
	return nil
}

// scratch makes a folder that the unprivileged user owns.
func scratch(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	if id := nobody(); id != nil {
		if err := os.Chown(dir, int(id.Uid), int(id.Gid)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

func unprivileged(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	demote(cmd)
	return cmd
}

// demote drops root: neither PostgreSQL nor PgBouncer runs as it.
func demote(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: nobody()}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
}

// nobody is the user to become, nil when we are not root to begin with.
func nobody() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range []string{"postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.ParseUint(u.Uid, 10, 32)
		gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
		if err1 == nil && err2 == nil {
			return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
		}
	}
	return &syscall.Credential{Uid: 65534, Gid: 65534}
}

func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, port, _ := strings.Cut(l.Addr().String(), ":")
	if err := l.Close(); err != nil {
		return 0, err
	}
	return strconv.Atoi(port)
}
