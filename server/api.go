package server

import (
	"context"
	"encoding/json"
	"net/http"
	"reflect"
	"sync"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/wire"
)

// routes registers every call. The OpenAPI document of them is made when it is
// first asked for: that takes longer than all else that a server begins with.
func (s *Server) routes() {
	config := apiConfig(s.opt.Version)
	s.api = humago.New(s.mux, config)
	s.paper = huma.NewAPI(config, onPaper{})
	s.userRoutes()
	s.threadRoutes()
	s.stepRoutes()
	s.elementRoutes()
	s.feedbackRoutes()
	s.objectRoutes()
	s.stateRoutes()
	s.lakeRoutes()
	s.sqlRoutes()
	s.keepingRoutes()
	s.rowsRoutes()
	s.queryRoutes()
	s.componentRoutes()
	s.artifactRoutes()
	s.healthRoutes()
	s.spec = sync.OnceValues(func() ([]byte, error) {
		doc, err := json.MarshalIndent(config.OpenAPI, "", "  ")
		if err != nil {
			return nil, errs.Wrap(errs.Internal, err, "the OpenAPI document")
		}
		return doc, nil
	})
	s.plainHandler("GET /openapi.json", func(_ context.Context, c *call) error {
		doc, err := s.spec()
		if err != nil {
			return err
		}
		c.Header().Set("Content-Type", "application/openapi+json")
		c.Write(doc)
		return nil
	})
}

func apiConfig(version string) huma.Config {
	config := huma.Config{
		OpenAPI: &huma.OpenAPI{
			OpenAPI: "3.1.0",
			Info: &huma.Info{Title: "Varve", Version: version,
				Description: "Conversations: users, threads, steps, elements and feedback, with Chainlit's own key names. " +
					"In what is sent, a key that is absent and one that is null mean the same: leave it as it is."},
			Components: &huma.Components{
				Schemas:    huma.NewMapRegistry(schemas, schemaName),
				Parameters: headerParams(),
				SecuritySchemes: map[string]*huma.SecurityScheme{
					"key": {Type: "http", Scheme: "bearer", Description: "An API key; not needed on a Unix socket and on a loopback address as long as there are no keys."},
				},
			},
			Security:       []map[string][]string{{"key": {}}, {}},
			OnAddOperation: []huma.AddOpFunc{complete},
		},
		Formats:       map[string]huma.Format{wire.TypeJSON: huma.DefaultJSONFormat, "json": huma.DefaultJSONFormat},
		DefaultFormat: wire.TypeJSON,
	}
	config.AllowAdditionalPropertiesByDefault = true
	describeNouns(config.OpenAPI)
	return config
}

// onPaper is an adapter that serves nothing.
type onPaper struct{}

func (onPaper) Handle(*huma.Operation, func(huma.Context))       {}
func (onPaper) ServeHTTP(w http.ResponseWriter, r *http.Request) { http.NotFound(w, r) }

// bodyKey is where an operation names its body, which the server reads itself:
// under its own limit, with what is unknown kept, and never echoed.
const bodyKey = "body"

// jsonBody describes a JSON body of a type.
func jsonBody[T any](api huma.API) map[string]any {
	schema := api.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[T](), true, "")
	return map[string]any{bodyKey: &huma.RequestBody{Required: true,
		Content: map[string]*huma.MediaType{wire.TypeJSON: {Schema: schema}}}}
}

// complete adds to every operation what all have.
func complete(doc *huma.OpenAPI, op *huma.Operation) {
	if body, ok := op.Metadata[bodyKey].(*huma.RequestBody); ok {
		op.RequestBody = body
	}
	for _, p := range op.Parameters {
		if p.In == "path" {
			p.Required = true
		}
	}
	for _, name := range []string{"User", "Database", "RequestId"} {
		op.Parameters = append(op.Parameters, &huma.Param{Ref: "#/components/parameters/" + name})
	}
	op.Responses["default"] = &huma.Response{Description: "A problem: see kind",
		Content: map[string]*huma.MediaType{wire.TypeProblem: {Schema: &huma.Schema{Ref: "#/components/schemas/Problem"}}}}
	// huma registers a form of errors of its own for every operation.
	delete(doc.Components.Schemas.Map(), "ErrorModel")
	delete(doc.Components.Schemas.Map(), "ErrorDetail")
}

func headerParams() map[string]*huma.Param {
	text := &huma.Schema{Type: huma.TypeString}
	return map[string]*huma.Param{
		"User":      {Name: wire.HeaderUser, In: "header", Schema: text, Description: "The identifier of the acting user, percent-encoded UTF-8."},
		"Database":  {Name: wire.HeaderDatabase, In: "header", Schema: text, Description: "The database, for callers without a key; \"default\" when absent."},
		"RequestId": {Name: wire.HeaderRequestID, In: "header", Schema: text, Description: "Carried into the logs and back."},
	}
}

type answer[T any] struct{ Body T }

// reply registers an operation that answers with a T.
func reply[I, T any](s *Server, op huma.Operation, fn func(context.Context, *call, *I) (T, error)) {
	prepare(&op)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*answer[T], error) {
		c := callOf(ctx)
		out, err := fn(ctx, c, in)
		if err != nil {
			return nil, s.tell(c, err)
		}
		return &answer[T]{out}, nil
	})
}

// done registers an operation that answers 204.
func done[I any](s *Server, op huma.Operation, fn func(context.Context, *call, *I) error) {
	prepare(&op)
	huma.Register(s.api, op, func(ctx context.Context, in *I) (*struct{}, error) {
		c := callOf(ctx)
		if err := fn(ctx, c, in); err != nil {
			return nil, s.tell(c, err)
		}
		return nil, nil
	})
}

// describe adds an operation to the document that a plain handler serves.
func describe[I, O any](s *Server, op huma.Operation) {
	prepare(&op)
	huma.Register(s.paper, op, func(context.Context, *I) (*O, error) { return nil, nil })
}

// plainHandler serves a pattern without huma.
func (s *Server) plainHandler(pattern string, fn func(context.Context, *call) error) {
	s.mux.HandleFunc(pattern, func(_ http.ResponseWriter, r *http.Request) {
		c := callOf(r.Context())
		if err := fn(r.Context(), c); err != nil {
			s.fail(c, err)
		}
	})
}

// prepare sets what holds for every operation: parameters are texts that the
// handlers judge, so that a wrong one is errs.Invalid like everything else.
func prepare(op *huma.Operation) {
	op.SkipValidateParams = true
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{}
	}
	op.Responses["default"] = &huma.Response{Description: "A problem"}
}

// op begins an operation.
func op(id, method, path, tag, summary string) huma.Operation {
	return huma.Operation{OperationID: id, Method: method, Path: path, Tags: []string{tag}, Summary: summary}
}

// with adds the description of a body, and of parameters that the handler reads
// itself.
func with(o huma.Operation, body map[string]any, params ...*huma.Param) huma.Operation {
	o.Metadata, o.Parameters = body, params
	return o
}

// writeJSON answers a plain handler's call.
func writeJSON(c *call, v any) error {
	raw, err := json.Marshal(v)
	if err != nil {
		return errs.Wrap(errs.Internal, err, "the answer cannot be written as JSON")
	}
	c.Header().Set("Content-Type", wire.TypeJSON)
	c.Write(raw)
	return nil
}
