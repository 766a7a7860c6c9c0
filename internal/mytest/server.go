package mytest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"testing"

	"github.com/varvedb/varve/internal/daemon"
)

// account is who runs the server when we are root.
var account = daemon.Account{"mysql"}

// server is one throwaway MariaDB, started at its first use and shared by all
// tests of the process.
type server struct {
	options []string
	secure  bool // it has a certificate and insists on it

	authority string // the file of who signed that

	once sync.Once
	port string
	err  error
}

var (
	fast    = server{options: []string{"--innodb-flush-log-at-trx-commit=0", "--innodb-doublewrite=0"}}
	secure  = server{secure: true, options: append([]string{"--require-secure-transport=ON"}, fast.options...)}
	durable = server{options: []string{"--innodb-flush-log-at-trx-commit=1"}}
)

func (s *server) start(t testing.TB) {
	t.Helper()
	s.once.Do(func() { s.err = s.run() })
	if s.err != nil {
		t.Fatalf("MariaDB for tests: %v", s.err)
	}
}

func (s *server) url(database string) string {
	return fmt.Sprintf("mysql://%s@127.0.0.1:%s/%s", Role, s.port, database)
}

// run makes a data folder and starts a server on it. A server that starts, and
// the installation is one, removes the temporary tables that it finds in its
// folder for them, those of others included: each has a folder of its own. The
// port is chosen before the server binds it, so a rare thief of the port is
// answered by trying again.
func (s *server) run() error {
	install, err := program("mariadb-install-db")
	if err != nil {
		return err
	}
	server, err := program("mariadbd")
	if err != nil {
		return err
	}
	dir, err := account.Folder("varve-my-")
	if err != nil {
		return err
	}
	cmd := account.Command(install, "--no-defaults", "--datadir="+filepath.Join(dir, "data"), "--tmpdir="+dir,
		"--auth-root-authentication-method=normal", "--skip-test-db")
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("%s: %w\n%s", install, err, out), os.RemoveAll(dir))
	}
	if s.secure {
		if err := s.certify(dir); err != nil {
			return errors.Join(err, os.RemoveAll(dir))
		}
	}
	for try := 0; ; try++ {
		if err = s.serve(server, dir); err == nil || try == 3 {
			return err
		}
	}
}

func (s *server) serve(program, dir string) error {
	port, err := daemon.FreePort()
	if err != nil {
		return err
	}
	args := append([]string{"--no-defaults", "--datadir=" + filepath.Join(dir, "data"), "--tmpdir=" + dir, "--bind-address=127.0.0.1",
		"--port=" + port, "--socket=" + filepath.Join(dir, "socket"), "--pid-file=" + filepath.Join(dir, "pid"),
		"--innodb-buffer-pool-size=128M", "--max-connections=400", "--skip-log-bin", "--skip-name-resolve"}, s.options...)
	// Nothing of it is wanted when we are gone, so it need not end in good order.
	s.port = port
	return account.Start(dir, syscall.SIGKILL, exec.Command(program, args...), s.ask)
}

func (s *server) ask(ctx context.Context) error {
	db, err := open(s.url("mysql"))
	if err != nil {
		return err
	}
	return errors.Join(db.PingContext(ctx), db.Close())
}

// program finds one of the server's programs: in the PATH, or where Debian
// keeps them out of it.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	path := "/usr/sbin/" + name
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	return "", fmt.Errorf("%s is missing: install the MariaDB server (scripts/need mariadb, or apt-get install mariadb-server)", name)
}
