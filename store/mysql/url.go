package mysql

import (
	"crypto/tls"
	"crypto/x509"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/go-sql-driver/mysql"

	"github.com/varvedb/varve/errs"
)

const (
	// connections is the size of the pool where the URL does not say
	// max_conns: enough for the server to write many commits with one flush.
	connections = 16
	// patience bounds what must not hang for ever: opening a connection.
	patience = 10 * time.Second
)

// parse reads a URL. Errors never quote it, since it may hold a password.
func parse(raw string) (c *mysql.Config, conns int, err error) {
	u, err := url.Parse(raw)
	if err != nil {
		return nil, 0, badURL()
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if scheme != "mysql" && scheme != "mariadb" {
		return nil, 0, badURL()
	}
	c = mysql.NewConfig()
	c.Net, c.Addr = "tcp", address(u)
	c.User = u.User.Username()
	c.Passwd, _ = u.User.Password()
	c.DBName = strings.TrimPrefix(u.Path, "/")
	if c.DBName == "" || strings.Contains(c.DBName, "/") {
		return nil, 0, errs.Field(errs.Invalid, "url", "names no database; write mysql://user:password@host:3306/database")
	}
	conns, err = parameters(c, u.Query())
	if err != nil {
		return nil, 0, err
	}
	session(c)
	return c, conns, nil
}

func badURL() error {
	return errs.Field(errs.Invalid, "url", "is not a URL such as mysql://user:password@host:3306/database")
}

func address(u *url.URL) string {
	host, port := u.Hostname(), u.Port()
	if host == "" {
		host = "127.0.0.1"
	}
	if port == "" {
		port = "3306"
	}
	return net.JoinHostPort(host, port)
}

// session sets what every connection is like. Names are quoted as in all other
// SQL; what does not fit is refused, not cut; arguments travel in the text of a
// statement, and statements together, so that a call is few round trips.
func session(c *mysql.Config) {
	c.Params = map[string]string{"sql_mode": "'ANSI_QUOTES,STRICT_ALL_TABLES,NO_ENGINE_SUBSTITUTION'", "autocommit": "1"}
	c.InterpolateParams, c.MultiStatements = true, true
	c.MaxAllowedPacket = 1 << 30 // ours is the server's, which is asked for once
	c.Logger = &mysql.NopLogger{}
	if c.Timeout == 0 {
		c.Timeout = patience
	}
}

// parameters reads a URL's parameters. Of SQLAlchemy's drivers those are taken
// that mean something here.
func parameters(c *mysql.Config, q url.Values) (conns int, err error) {
	conns = connections
	for name := range q {
		switch value := q.Get(name); name {
		case "charset": // conversations are utf8mb4, whatever it says
		case "unix_socket":
			c.Net, c.Addr = "unix", value
		case "tls":
			switch value {
			case "true", "false", "skip-verify", "preferred":
				c.TLSConfig = value
			default:
				return 0, errs.Field(errs.Invalid, "url", "tls is true, false, skip-verify or preferred")
			}
		case "ssl_ca":
			if c.TLS, err = authority(value, c.Addr); err != nil {
				return 0, err
			}
		case "timeout":
			if c.Timeout, err = time.ParseDuration(value); err != nil || c.Timeout <= 0 {
				return 0, errs.Field(errs.Invalid, "url", "timeout is a duration such as 5s")
			}
		case "max_conns":
			if conns, err = strconv.Atoi(value); err != nil || conns < 1 {
				return 0, errs.Field(errs.Invalid, "url", "max_conns is a number over 0")
			}
		default:
			return 0, errs.Field(errs.Invalid, "url", "there is no parameter %q; known are tls, ssl_ca, unix_socket, timeout, max_conns and charset", name)
		}
	}
	return conns, nil
}

// authority trusts the certificates in a file and no others.
func authority(file, addr string) (*tls.Config, error) {
	pem, err := os.ReadFile(file)
	pool := x509.NewCertPool()
	if err != nil || !pool.AppendCertsFromPEM(pem) {
		return nil, errs.Field(errs.Invalid, "url", "ssl_ca names no file of certificates in PEM form")
	}
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		host = addr
	}
	return &tls.Config{RootCAs: pool, ServerName: host, MinVersion: tls.VersionTLS12}, nil
}
