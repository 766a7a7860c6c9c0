package pgtest

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

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/internal/daemon"
)

// account is who runs PostgreSQL and PgBouncer when we are root: neither runs
// as it.
var account = daemon.Account{"postgres"}

// server is one throwaway PostgreSQL, started at its first use and shared by
// all tests of the process.
type server struct {
	config string // lines of postgresql.conf

	once sync.Once
	port string
	err  error
}

var (
	fast    = server{config: "fsync=off\nsynchronous_commit=off\nfull_page_writes=off\n"}
	durable = server{}
)

// common keeps a server that serves many small databases small and quiet.
const common = `listen_addresses='127.0.0.1'
unix_socket_directories=''
max_connections=200
autovacuum=off
log_min_messages=fatal
`

func (s *server) start(t testing.TB) *server {
	t.Helper()
	s.once.Do(func() { s.err = s.run() })
	if s.err != nil {
		t.Fatalf("PostgreSQL for tests: %v", s.err)
	}
	return s
}

func (s *server) url(database string) string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%s/%s?sslmode=disable", Role, s.port, database)
}

// run makes a cluster and starts it. The port is chosen before the server
// binds it, so a rare thief of the port is answered by trying again.
func (s *server) run() error {
	initdb, err := program("initdb")
	if err != nil {
		return err
	}
	dir, err := account.Folder("varve-pg-")
	if err != nil {
		return err
	}
	data := filepath.Join(dir, "data")
	if err := cluster(initdb, data, s.config); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	for try := 0; ; try++ {
		if err = s.serve(filepath.Join(filepath.Dir(initdb), "postgres"), dir, data); err == nil || try == 3 {
			return err
		}
	}
}

func cluster(initdb, data, config string) error {
	cmd := account.Command(initdb, "-D", data, "-U", Role, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", initdb, err, out)
	}
	f, err := os.OpenFile(filepath.Join(data, "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(common + config)
	return errors.Join(err, f.Close())
}

func (s *server) serve(postgres, dir, data string) error {
	port, err := daemon.FreePort()
	if err != nil {
		return err
	}
	s.port = port
	return account.Start(dir, syscall.SIGQUIT, exec.Command(postgres, "-D", data, "-p", port), func(ctx context.Context) error {
		c, err := pgx.Connect(ctx, s.url("postgres"))
		if err != nil {
			return err
		}
		return c.Close(ctx)
	})
}

// program finds one of PostgreSQL's server programs: in the PATH, which so
// chooses another version, or where Debian keeps them out of it.
func program(name string) (string, error) {
	if path, err := exec.LookPath(name); err == nil {
		// A link in the PATH hides where its siblings are.
		return filepath.EvalSymlinks(path)
	}
	found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(found) > 0 {
		return found[len(found)-1], nil
	}
	return "", fmt.Errorf("%s is missing: install the PostgreSQL server (apt-get install postgresql)", name)
}
