package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"

	"github.com/varvedb/varve/errs"
)

// Names in the data folder.
const (
	socketName = "varve.sock"
	lockName   = "varve.lock"
	keysName   = "keys.json"
)

// holding is what a server writes into its folder's lock file, for the
// commands of other processes.
type holding struct {
	PID       int               `json:"pid"`
	Databases map[string]string `json:"databases"` // by name, without secrets
}

// hold makes a data folder this process's own until the file is closed.
// errs.Exists when another server holds it. The kernel lets go when a process
// ends, however it ends, so that nothing is left to clean up.
func hold(data string) (*os.File, error) {
	if err := os.MkdirAll(data, 0o700); err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be made")
	}
	f, err := os.OpenFile(filepath.Join(data, lockName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be written")
	}
	err = lockFile(f)
	if err == nil {
		return f, nil
	}
	old, _ := readHolding(f) // without it the message lacks a number
	f.Close()
	if errors.Is(err, errHeld) {
		return nil, errs.Field(errs.Exists, "data", "another varve serve (process %d) holds the folder %s; stop it, or name another folder with --data", old.PID, data)
	}
	return nil, errs.Wrap(errs.Unavailable, err, "the data folder cannot be locked")
}

func writeHolding(f *os.File, h holding) error {
	raw, err := json.Marshal(h)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	if _, err = f.WriteAt(append(raw, '\n'), 0); err != nil {
		return errs.Wrap(errs.Unavailable, err, "the data folder cannot be written")
	}
	return nil
}

func readHolding(f *os.File) (h holding, err error) {
	raw, err := io.ReadAll(io.LimitReader(f, 1<<20))
	if err != nil {
		return h, err
	}
	return h, json.Unmarshal(raw, &h)
}

// holder tells which server holds a folder; false: none that answers.
func holder(ctx context.Context, data string) (holding, bool) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", filepath.Join(data, socketName))
	if err != nil {
		return holding{}, false
	}
	conn.Close()
	f, err := os.Open(filepath.Join(data, lockName))
	if err != nil {
		return holding{}, false
	}
	defer f.Close()
	h, err := readHolding(f)
	return h, err == nil
}
