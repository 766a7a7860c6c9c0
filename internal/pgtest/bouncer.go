package pgtest

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/varvedb/varve/internal/daemon"
)

// Bouncer starts a PgBouncer in transaction pooling mode in front of a database
// that New made, and returns the URL through it. The pool is smaller than what
// tests open, so that consecutive transactions of one client really land on
// different server connections.
func Bouncer(t testing.TB, database string) string {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatalf("PgBouncer for tests: %v", err)
	}
	port, err := bounce(u)
	if err != nil {
		t.Fatalf("PgBouncer for tests: %v", err)
	}
	u.Host = net.JoinHostPort("127.0.0.1", port)
	return u.String()
}

func bounce(to *url.URL) (string, error) {
	path, err := bouncer()
	if err != nil {
		return "", err
	}
	dir, err := account.Folder("varve-pgb-")
	if err != nil {
		return "", err
	}
	port, err := daemon.FreePort()
	if err != nil {
		return "", err
	}
	if err := configure(dir, to, port); err != nil {
		return "", err
	}
	via := *to
	via.Host = net.JoinHostPort("127.0.0.1", port)
	return port, account.Start(dir, syscall.SIGQUIT, exec.Command(path, filepath.Join(dir, "pgbouncer.ini")), func(ctx context.Context) error {
		conf, err := pgx.ParseConfig(via.String())
		if err != nil {
			return err
		}
		conf.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		c, err := pgx.ConnectConfig(ctx, conf)
		if err != nil {
			return err
		}
		return c.Close(ctx)
	})
}

func configure(dir string, to *url.URL, port string) error {
	users := filepath.Join(dir, "users.txt")
	if err := os.WriteFile(users, []byte(fmt.Sprintf("%q %q\n", Role, "")), 0o644); err != nil {
		return err
	}
	ini := fmt.Sprintf(`[databases]
* = host=127.0.0.1 port=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %s
unix_socket_dir =
auth_type = trust
auth_file = %s
pool_mode = transaction
default_pool_size = 4
max_client_conn = 200
`, to.Port(), port, users)
	return os.WriteFile(filepath.Join(dir, "pgbouncer.ini"), []byte(ini), 0o644)
}

func bouncer() (string, error) {
	if path, err := exec.LookPath("pgbouncer"); err == nil {
		return path, nil
	}
	if _, err := os.Stat("/usr/sbin/pgbouncer"); err == nil {
		return "/usr/sbin/pgbouncer", nil
	}
	return "", fmt.Errorf("pgbouncer is missing: apt-get install pgbouncer")
}
