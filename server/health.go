package server

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/errs"
)

type healthAnswer struct {
	Status string `json:"status" enum:"ok"`
}

// pingTimeout is how long a store may take to say that it is there.
const pingTimeout = 2 * time.Second

func (s *Server) healthRoutes() {
	const tag = "operation"
	reply(s, op("healthz", http.MethodGet, "/healthz", tag, "The process lives"), s.healthz)
	reply(s, op("readyz", http.MethodGet, "/readyz", tag, "Every store answers and takes writes"), s.readyz)
	metrics := op("metrics", http.MethodGet, "/metrics", tag, "Metrics in Prometheus' text form")
	metrics.Responses = map[string]*huma.Response{"200": {Description: "OK",
		Content: map[string]*huma.MediaType{"text/plain": {Schema: &huma.Schema{Type: huma.TypeString}}}}}
	metrics.DefaultStatus = http.StatusOK
	describe[struct{}, struct{}](s, metrics)
	s.mux.Handle("GET /metrics", s.metrics.handler())
}

func (s *Server) healthz(context.Context, *call, *struct{}) (healthAnswer, error) {
	return healthAnswer{"ok"}, nil
}

// health is what the stores said last.
type health struct {
	mu   sync.Mutex
	at   time.Time
	said error
}

// fresh is how long what the stores said is believed, so that those who ask
// often, and anybody may, cost the stores nothing.
const fresh = time.Second

// readyz says what is wrong, but not with which database nor where that is,
// since it asks nobody who they are; the log does.
func (s *Server) readyz(ctx context.Context, _ *call, _ *struct{}) (healthAnswer, error) {
	h := &s.health
	h.mu.Lock()
	defer h.mu.Unlock()
	if age := s.opt.Now().Sub(h.at); h.at.IsZero() || age < 0 || age >= fresh {
		h.said = s.ping(context.WithoutCancel(ctx)) // others hear it too
		h.at = s.opt.Now()
	}
	return healthAnswer{"ok"}, h.said
}

func (s *Server) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	for _, db := range s.opt.Databases {
		if db.Ping == nil {
			continue
		}
		if err := db.Ping(ctx); err != nil {
			s.opt.Log.Error("a store is not ready", "database", db.Name, "err", err)
			return errs.Wrap(errs.Unavailable, err, "a store is not ready: %s", reason(err))
		}
	}
	return nil
}

// reason is the sentence for people of an error, which never has more in it than
// may be told.
func reason(err error) string {
	var known *errs.Error
	if errors.As(err, &known) {
		return known.Detail
	}
	return "it does not answer"
}
