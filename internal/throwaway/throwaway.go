// Package throwaway starts the servers that tests want: without privileges, in
// a folder that goes when they do, and never for longer than the test process
// lives, however that ends.
//
//	who := throwaway.Account{"postgres"}
//	dir, err := who.Folder("varve-pg-")
//	p, err := who.Start(dir, syscall.SIGQUIT, exec.Command("postgres", "-D", dir))
//	err = p.Ready(func(ctx context.Context) error { return ask(ctx) })
package throwaway

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

// Account names the users to run as when this process is root, best first;
// nobody is the last. Database servers refuse to run as root.
type Account []string

// Process is a server that cannot outlive the test process: the kernel stops
// it when we die, and a shell that waits for the end of a pipe removes its
// folder afterwards.
type Process struct {
	name   string
	log    string
	exited chan error
}

// Start starts cmd, its output in dir/log. When this process ends, the server
// gets the signal and the folder is removed. The kernel sends it when the starting THREAD ends, so the thread is kept
// for as long as the child lives.
func (a Account) Start(dir string, end syscall.Signal, cmd *exec.Cmd) (*Process, error) {
	p := &Process{name: filepath.Base(cmd.Path), log: filepath.Join(dir, "log"), exited: make(chan error, 1)}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	a.demote(cmd)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr.Pdeathsig = end
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
	return p, sweepAfter(cmd.Process.Pid, end, dir)
}

// patience is how long a server may take to start.
const patience = 30 * time.Second

// Ready asks until the server answers, has ended, or patience has.
func (p *Process) Ready(ask func(context.Context) error) error {
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

func (p *Process) tail() string {
	b, _ := os.ReadFile(p.log)
	return string(b[max(0, len(b)-2000):])
}

// sweepers keeps the writing ends of the pipes open until the process ends; a
// collected file would be closed.
var sweepers []io.Closer

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
	sweepers = append(sweepers, in)
	return nil
}

// Folder makes a folder that the user to run as owns.
func (a Account) Folder(prefix string) (string, error) {
	dir, err := os.MkdirTemp("", prefix)
	if err != nil {
		return "", err
	}
	if id := a.credential(); id != nil {
		if err := os.Chown(dir, int(id.Uid), int(id.Gid)); err != nil {
			return "", errors.Join(err, os.RemoveAll(dir))
		}
	}
	return dir, nil
}

// Command is a command that runs as that user, to prepare what Start starts.
func (a Account) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	a.demote(cmd)
	return cmd
}

// demote drops root, and the environment that a server might listen to.
func (a Account) demote(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: a.credential()}
	cmd.Dir = "/"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8"}
}

// credential is the user to become, nil when we are not root to begin with.
func (a Account) credential() *syscall.Credential {
	if os.Geteuid() != 0 {
		return nil
	}
	for _, name := range append(a[:len(a):len(a)], "nobody") {
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

// FreePort is a port of 127.0.0.1 that nobody listens on now.
func FreePort() (int, error) {
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
