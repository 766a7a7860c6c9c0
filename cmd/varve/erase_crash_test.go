package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/chat/chattest"
)

// TestKilledErasureIsFinishedByTheNext kills `varve chat erase` with SIGKILL,
// again and again at another moment, and looks whether the run that is let
// finish leaves nothing of the person, all of the others, and a receipt.
func TestKilledErasureIsFinishedByTheNext(t *testing.T) {
	t.Run("alone", func(t *testing.T) { killErasures(t, false) })
	t.Run("through a server", func(t *testing.T) { killErasures(t, true) })
}

func killErasures(t *testing.T, served bool) {
	dir, err := os.MkdirTemp("", "varve") // short, since a socket's path must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	e := erasures{T: t, dir: dir, data: filepath.Join(dir, "data"), served: served}
	person := e.fill()
	if !e.has(chattest.Canary) {
		t.Fatal("the search finds nothing where there is something")
	}
	others := e.run("chat", "export", "--user", "bob")
	all := len(e.files())
	killed := 0
	// A fifth of the person's files less each time; the last one is killed when
	// all are gone, while the database is written anew.
	for left := all; left >= all-persons; left -= persons / 5 {
		if e.kill(person, left) {
			killed++
		}
	}
	t.Logf("%d erasures were killed", killed)
	if killed == 0 {
		t.Error("no erasure was killed before its end")
	}
	receipt := e.run("chat", "erase", "--yes", "--user", person)
	if !bytes.Contains(receipt, []byte(`"complete": true`)) {
		t.Errorf("the receipt: %s", receipt)
	}
	name := filepath.Join(dir, "receipt.json")
	if err := os.WriteFile(name, receipt, 0o600); err != nil {
		t.Fatal(err)
	}
	if said := e.run("chat", "verify-receipt", "--user", person, name); !bytes.Contains(said, []byte("it is about "+person)) {
		t.Errorf("verified: %s", said)
	}
	if e.has(chattest.Canary) {
		t.Error("something of the person is left")
	}
	if got := e.run("chat", "export", "--user", "bob"); !bytes.Equal(got, others) {
		t.Error("what others have has changed")
	}
	if got := len(e.files()); got != all-persons {
		t.Errorf("%d files are left, want %d", got, all-persons)
	}
}

// erasures is a data folder in which a person is erased.
type erasures struct {
	*testing.T
	dir, data string
	served    bool
}

// persons is how many files the person has, and the other one too.
const persons = 60

func (e erasures) fill() (person string) {
	ctx := context.Background()
	db, err := all.Open(ctx, "sqlite:"+filepath.Join(e.data, "varve.db"), nil)
	if err == nil {
		defer db.Close()
		person = chattest.Canary + "@example.org"
		err = errors.Join(e.fillFor(ctx, db.Chat(), person, chattest.Canary), e.fillFor(ctx, db.Chat(), "bob", "bob"))
	}
	if err != nil {
		e.Fatal(err)
	}
	return person
}

func (e erasures) fillFor(ctx context.Context, c *chat.Service, who, text string) error {
	u, err := c.PutUser(ctx, chat.User{Identifier: who})
	for i := 0; err == nil && i < persons; i++ {
		thread := fmt.Sprintf("%s-%d", who[:3], i)
		_, err = c.UpdateThread(ctx, chat.ThreadPatch{ID: thread, UserID: u.ID, Name: chat.Ptr(text)})
		if err == nil {
			_, err = c.PutStep(ctx, chat.Step{ID: "s" + thread, ThreadID: thread, Type: "user_message", Output: strings.Repeat(text, 50)})
		}
		if err == nil {
			_, err = c.PutElement(ctx, chat.Element{ID: "e" + thread, ThreadID: thread, Name: text}, strings.NewReader(strings.Repeat(text, 500)))
		}
	}
	return err
}

// files are those of elements.
func (e erasures) files() (found []string) {
	err := filepath.WalkDir(filepath.Join(e.data, "elements"), func(path string, d fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil // deleted meanwhile
		}
		if err == nil && d.Type().IsRegular() && !strings.HasSuffix(path, ".attrs") {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		e.Fatal(err)
	}
	return found
}

// has looks for a text in every byte of the folder, and in names.
func (e erasures) has(text string) bool {
	found := false
	err := filepath.WalkDir(e.data, func(path string, d fs.DirEntry, err error) error {
		found = found || strings.Contains(path, text)
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(path)
		if bytes.Contains(raw, []byte(text)) {
			found = true
			return fs.SkipAll
		}
		return err
	})
	if err != nil {
		e.Fatal(err)
	}
	return found
}

// command is the program on the folder.
func (e erasures) command(args ...string) *exec.Cmd {
	return command(e, append(args, "--data", e.data)...)
}

func (e erasures) run(args ...string) []byte {
	e.Helper()
	return output(e, e.command(args...))
}

// kill erases, and kills who does it as soon as no more than so many files are
// left. false: it ended before.
func (e erasures) kill(person string, left int) bool {
	erase := e.command("chat", "erase", "--yes", "--user", person)
	victim := erase
	if e.served {
		s := startServer(e.T, e.data, "")
		defer s.client.Close()
		victim = s.cmd
		erase.Args = append(erase.Args, "--url", "unix:"+filepath.Join(e.data, socketName))
	}
	var out bytes.Buffer
	erase.Stdout = &out
	if err := erase.Start(); err != nil {
		e.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- erase.Wait() }()
	look := time.NewTicker(time.Millisecond)
	defer look.Stop()
	for len(e.files()) > left {
		select {
		case <-ended:
			if e.served {
				victim.Process.Kill()
				victim.Wait()
			}
			return false
		case <-look.C:
		}
	}
	victim.Process.Kill()
	if e.served {
		victim.Wait()
	}
	err := <-ended
	if err != nil && json.Valid(out.Bytes()) && out.Len() > 0 {
		e.Errorf("an erasure that did not end gave a receipt: %s", out.Bytes())
	}
	return err != nil
}
