package main

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/varvedb/varve/all"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
	"github.com/varvedb/varve/server"
)

// lines is a log that may be written from many goroutines.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

// take returns what was written since it was last called.
func (l *lines) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	defer l.b.Reset()
	return l.b.String()
}

func TestPartsHaveLevelsThatChange(t *testing.T) {
	var out lines
	lv := newLevels(config.Levels{Default: slog.LevelWarn, Parts: map[string]slog.Level{"chat": slog.LevelDebug}})
	log := newLog(&out, "json", lv)
	speak := func() string {
		log.Info("program")
		log.With(partKey, "chat").Debug("chat")
		log.With(partKey, "sqlite").With("path", "x").Info("sqlite")
		log.WithGroup("g").Warn("group")
		return out.take()
	}
	if got := speak(); strings.Contains(got, `"program"`) || !strings.Contains(got, `"msg":"chat","part":"chat"`) ||
		strings.Contains(got, `"sqlite"`) || !strings.Contains(got, `"group"`) {
		t.Errorf("before: %s", got)
	}
	lv.now.Store(&config.Levels{Default: slog.LevelInfo})
	if got := speak(); !strings.Contains(got, `"program"`) || strings.Contains(got, `"chat"`) || !strings.Contains(got, `"sqlite"`) {
		t.Errorf("after: %s", got)
	}
}

func TestEveryStoreIsAPartOfTheLog(t *testing.T) {
	for scheme := range all.Drivers() {
		if _, err := config.ParseLevels([]string{scheme + "=debug"}); err != nil {
			t.Error(err)
		}
	}
}

// talker logs, as a room below the server does.
type talker struct {
	chat.API
	log *slog.Logger
}

func (s talker) User(ctx context.Context, _ string) (chat.User, error) {
	s.log.InfoContext(ctx, "looked")
	return chat.User{}, errs.New(errs.NotFound, "nobody")
}

func TestLinesCarryTheRequestTheyBelongTo(t *testing.T) {
	var out lines
	log := newLog(&out, "text", newLevels(config.Levels{Default: slog.LevelInfo}))
	s, err := server.New(server.Options{Log: log.With(partKey, "server"),
		Databases: []server.Database{{Name: server.DefaultDatabase, Chat: talker{log: log.With(partKey, "chat")}}}})
	if err != nil {
		t.Fatal(err)
	}
	web := httptest.NewServer(s.Handler())
	r, err := http.NewRequest(http.MethodGet, web.URL+"/v1/users/ana", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Request-Id", "from-python-7")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	web.Close() // the server's own line comes after the answer
	got := out.take()
	if !strings.Contains(got, "msg=looked part=chat id=from-python-7\n") {
		t.Errorf("the line of a room: %s", got)
	}
	if n := strings.Count(got, "id=from-python-7"); n != 2 {
		t.Errorf("the id stands there %d times: %s", n, got)
	}
	if strings.Contains(got, "ana") {
		t.Errorf("who was asked for is in the log: %s", got)
	}
}
