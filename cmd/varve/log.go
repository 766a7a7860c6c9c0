package main

import (
	"context"
	"io"
	"log/slog"
	"sync/atomic"

	"github.com/varvedb/varve/internal/config"
	"github.com/varvedb/varve/server"
)

// levels can change while the program runs.
type levels struct{ now atomic.Pointer[config.Levels] }

func newLevels(l config.Levels) *levels {
	v := &levels{}
	v.now.Store(&l)
	return v
}

// partKey is the attribute that names a part of the program.
const partKey = "part"

func newLog(w io.Writer, format string, l *levels) *slog.Logger {
	o := &slog.HandlerOptions{Level: slog.LevelDebug}
	var h slog.Handler = slog.NewTextHandler(w, o)
	if format == "json" {
		h = slog.NewJSONHandler(w, o)
	}
	return slog.New(logHandler{Handler: h, levels: l})
}

// logHandler drops what its part's level does not ask for, and adds the id of
// the request that a line belongs to.
type logHandler struct {
	slog.Handler
	levels *levels
	part   string
}

func (h logHandler) Enabled(_ context.Context, level slog.Level) bool {
	return level >= h.levels.now.Load().Of(h.part)
}

func (h logHandler) Handle(ctx context.Context, r slog.Record) error {
	// The server's own lines have the id already.
	if id := server.RequestID(ctx); id != "" && h.part != "server" {
		r = r.Clone()
		r.AddAttrs(slog.String("id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	for _, a := range attrs {
		if a.Key == partKey {
			h.part = a.Value.String()
		}
	}
	h.Handler = h.Handler.WithAttrs(attrs)
	return h
}

func (h logHandler) WithGroup(name string) slog.Handler {
	h.Handler = h.Handler.WithGroup(name)
	return h
}
