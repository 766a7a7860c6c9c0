package server

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/varvedb/varve/errs"
)

// maxSocketPath is the shortest of the systems' limits for a socket's path.
const maxSocketPath = 103

// Addrs are the addresses it listens on, in the order of Options.Listen.
func (s *Server) Addrs() []net.Addr {
	s.mu.Lock()
	defer s.mu.Unlock()
	addrs := make([]net.Addr, len(s.listeners))
	for i, l := range s.listeners {
		addrs[i] = l.Addr()
	}
	return addrs
}

func (s *Server) listen(ctx context.Context) error {
	keyed, err := s.keyed()
	if err != nil {
		return err
	}
	for _, address := range s.opt.Listen {
		l, err := s.open(ctx, address, keyed)
		if err != nil {
			return err
		}
		s.listeners = append(s.listeners, l)
	}
	return nil
}

func (s *Server) open(ctx context.Context, address string, keyed bool) (net.Listener, error) {
	if path, ok := strings.CutPrefix(address, "unix:"); ok {
		l, err := listenSocket(ctx, path)
		if err == nil {
			s.sockets = append(s.sockets, path)
		}
		return l, err
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "cannot listen on %s", address)
	}
	if keyed {
		return l, nil
	}
	if tcp, ok := l.Addr().(*net.TCPAddr); !ok || !tcp.IP.IsLoopback() {
		l.Close()
		return nil, errs.Field(errs.Invalid, "listen", "%s can be reached from other machines and there are no API keys: "+
			"make one with `varve keys create`, or listen on 127.0.0.1", address)
	}
	s.opt.Log.Warn("open: anyone on this machine may call, because there are no API keys", "listen", l.Addr().String())
	return l, nil
}

// listenSocket opens a Unix socket that only its owner can use. It is bound
// inside a private folder and renamed into place, so that there is no moment
// in which it has another mode; a socket whose server is gone is replaced.
func listenSocket(ctx context.Context, path string) (net.Listener, error) {
	if len(path) > maxSocketPath {
		return nil, errs.Field(errs.Invalid, "listen", "the socket's path is longer than %d bytes: %s", maxSocketPath, path)
	}
	if err := replaceable(path); err != nil {
		return nil, err
	}
	// Four letters: the path inside must not be longer than a socket's may be.
	dir := filepath.Join(filepath.Dir(path), ".s"+rand.Text()[:4])
	if err := os.Mkdir(dir, 0o700); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "cannot listen on %s", path)
	}
	defer os.RemoveAll(dir)
	var config net.ListenConfig
	l, err := config.Listen(ctx, "unix", filepath.Join(dir, "s"))
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "cannot listen on %s", path)
	}
	socket := l.(*net.UnixListener)
	socket.SetUnlinkOnClose(false)
	err = os.Chmod(filepath.Join(dir, "s"), 0o600)
	if err == nil {
		err = os.Rename(filepath.Join(dir, "s"), path)
	}
	if err != nil {
		l.Close()
		return nil, errs.Wrap(errs.Unavailable, err, "cannot listen on %s", path)
	}
	return named{socket, &net.UnixAddr{Name: path, Net: "unix"}}, nil
}

// named is a listener that tells the name it was renamed to.
type named struct {
	*net.UnixListener
	addr net.Addr
}

func (n named) Addr() net.Addr { return n.addr }

// replaceable tells whether a socket may be put at path.
func replaceable(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return errs.Wrap(errs.Unavailable, err, "cannot listen on %s", path)
	case info.Mode()&fs.ModeSocket == 0:
		return errs.Field(errs.Exists, "listen", "%s is there and is no socket", path)
	}
	conn, err := net.Dial("unix", path)
	if err != nil {
		return nil // its server is gone
	}
	conn.Close()
	return errs.Field(errs.Exists, "listen", "another server answers on %s", path)
}

// closeListeners closes what is open and removes the sockets.
func (s *Server) closeListeners() {
	for _, l := range s.listeners {
		l.Close()
	}
	for _, path := range s.sockets {
		os.Remove(path)
	}
	s.listeners, s.sockets = nil, nil
}

// serverLog takes what net/http has to say, which is about connections.
func serverLog(l *slog.Logger) *log.Logger {
	return slog.NewLogLogger(l.Handler(), slog.LevelDebug)
}
