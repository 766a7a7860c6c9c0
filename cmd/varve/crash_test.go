package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/client"
	"github.com/varvedb/varve/internal/mytest"
	"github.com/varvedb/varve/internal/pgtest"
)

// TestKilledServerKeepsWhatItAcknowledged kills `varve serve` with SIGKILL
// while many clients write, several times, and looks whether every step it
// answered for is there after a restart, whole.
func TestKilledServerKeepsWhatItAcknowledged(t *testing.T) {
	t.Run("sqlite", func(t *testing.T) { killAndLook(t, "") })
	t.Run("postgres", func(t *testing.T) { killAndLook(t, pgtest.New(t)) })
	t.Run("mysql", func(t *testing.T) { killAndLook(t, mytest.New(t)) })
}

func killAndLook(t *testing.T, url string) {
	dir, err := os.MkdirTemp("", "varve") // short, since a socket's path must be
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	acknowledged := map[string]string{} // output by step
	for round := range 4 {
		s := startServer(t, dir, url)
		s.look(t, acknowledged)
		s.writeUntilKilled(t, round, acknowledged)
	}
	s := startServer(t, dir, url)
	s.look(t, acknowledged)
	if len(acknowledged) < 4*killAfter {
		t.Errorf("only %d steps were acknowledged", len(acknowledged))
	}
	t.Logf("%d steps acknowledged before 4 kills, all there", len(acknowledged))
}

// killAfter is how many acknowledged steps a server gets to live.
const (
	killAfter = 60
	writers   = 8
)

type running struct {
	cmd    *exec.Cmd
	client *client.Client
}

func startServer(t testing.TB, dir, url string) *running {
	t.Helper()
	args := []string{"serve", "--json", "--data", dir, "--listen", "unix"}
	if url != "" {
		args = append(args, "--url", url)
	}
	cmd := command(t, args...)
	cmd.Stderr = t.Output()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			cmd.Process.Kill()
			cmd.Wait()
		}
	})
	line, err := bufio.NewReader(stdout).ReadBytes('\n')
	var a announcement
	if err = errors.Join(err, json.Unmarshal(line, &a)); err != nil {
		t.Fatalf("the server did not start: %v", err)
	}
	// Once: a call that was never answered is not tried again behind our back.
	c, err := client.New("unix:"+filepath.Join(dir, socketName), client.Options{Attempts: 1})
	if err != nil {
		t.Fatal(err)
	}
	return &running{cmd, c}
}

// writeUntilKilled writes from several clients and kills the server amid them.
func (s *running) writeUntilKilled(t *testing.T, round int, acknowledged map[string]string) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	kill := sync.OnceFunc(func() { s.cmd.Process.Kill() })
	count := 0
	for w := range writers {
		wg.Go(func() {
			for i := 0; ; i++ {
				step := chat.Step{ID: stepID(round, w, i), ThreadID: stepID(round, w, 0xfff),
					Type: "user_message", Output: fmt.Sprintf("round %d writer %d step %d", round, w, i)}
				_, err := s.client.Chat().PutStep(context.Background(), step)
				if err != nil {
					return // killed; whether the step is there is open
				}
				mu.Lock()
				acknowledged[step.ID] = step.Output
				if count++; count == killAfter {
					kill()
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	kill()
	s.cmd.Wait()
	s.client.Close()
}

// stepID is a UUID, as PostgreSQL's own tables may want.
func stepID(round, writer, i int) string {
	return fmt.Sprintf("00000000-0000-4000-8000-%04x%04x%04x", round, writer, i)
}

// look reads every acknowledged step back.
func (s *running) look(t *testing.T, acknowledged map[string]string) {
	t.Helper()
	for id, output := range acknowledged {
		step, err := s.client.Chat().Step(context.Background(), chat.Ref{ID: id})
		if err != nil || step.Output != output {
			t.Fatalf("step %s was acknowledged and is %q, %v", id, step.Output, err)
		}
	}
}
