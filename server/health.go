package server

import (
	"context"
	"net/http"
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
	reply(s, op("readyz", http.MethodGet, "/readyz", tag, "Every store answers"), s.readyz)
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

// readyz does not say which database is wrong, since it asks nobody who they
// are; the log does.
func (s *Server) readyz(ctx context.Context, _ *call, _ *struct{}) (healthAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	for _, db := range s.opt.Databases {
		if db.Ping == nil {
			continue
		}
		if err := db.Ping(ctx); err != nil {
			s.opt.Log.Error("a store does not answer", "database", db.Name, "err", err)
			return healthAnswer{}, errs.Wrap(errs.Unavailable, err, "a store does not answer")
		}
	}
	return healthAnswer{"ok"}, nil
}
