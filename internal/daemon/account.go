package daemon

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/user"
	"strconv"
	"syscall"
)

// Account names the users to run as when this process is root, best first;
// nobody is the last. Database servers refuse to run as root.
type Account []string

// Start is the package's Start for a server that runs as the account, with
// nothing of this process's environment that it might listen to, and that gets
// a signal of its own when this process ends.
func (a Account) Start(dir string, end syscall.Signal, cmd *exec.Cmd, ask func(context.Context) error) error {
	a.demote(cmd)
	return start(dir, end, cmd, ask)
}

// Folder makes a folder that the account owns.
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

// Command is a command that runs as the account, to prepare what Start starts.
func (a Account) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	a.demote(cmd)
	return cmd
}

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
