package server

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server/keys"
)

// A Keeper erases people and deletes what is old.
type Keeper interface {
	// Erase removes a person and returns the signed receipt, or with dry what it
	// would say.
	Erase(ctx context.Context, identifier string, dry bool) (erasure.Receipt, error)
	// VerifyReceipt returns what a receipt of this database says, and whether it
	// is about a person. errs.Forbidden when it is not of this database.
	VerifyReceipt(ctx context.Context, receipt []byte, identifier string) (r erasure.Report, about bool, err error)
	// Retain deletes threads by rules of age, and tells each that goes.
	Retain(ctx context.Context, rules []chat.Retention, dry bool, each func(chat.Thread)) (chat.Retained, error)
	// Erased tells which of some people were erased, and when.
	Erased(ctx context.Context, identifiers []string) (map[string]time.Time, error)
	// NoteExport notes an export for erasures to find.
	NoteExport(ctx context.Context, e erasure.Export) error
	// ForgetExport drops the note of an export.
	ForgetExport(ctx context.Context, id string) error
	// SweepFiles deletes bytes of elements that nothing names, and tells their
	// keys.
	SweepFiles(ctx context.Context, dry bool, each func(key string)) (chat.Swept, error)
}

type erasureBody struct {
	Identifier string `json:"identifier" doc:"of the person"`
	DryRun     bool   `json:"dryRun,omitempty" doc:"remove nothing, and say what would be"`
}

type verifyBody struct {
	Receipt    json.RawMessage `json:"receipt" doc:"as it was given out"`
	Identifier string          `json:"identifier,omitempty" doc:"of somebody it may be about"`
}

type verifyAnswer struct {
	Report erasure.Report `json:"report"`
	About  bool           `json:"about" doc:"it is about the person that was named"`
}

type retentionBody struct {
	Rules  []string `json:"rules" doc:"ages since the last activity: 90d, or TAG=7d, or TAG=never"`
	DryRun bool     `json:"dryRun,omitempty" doc:"delete nothing, and say what would be"`
}

// retentionAnswer names the threads, up to a bound.
type retentionAnswer struct {
	chat.Retained
	IDs []string `json:"ids" nullable:"false" doc:"of the threads, of the first 10000"`
}

type sweepBody struct {
	DryRun bool `json:"dryRun,omitempty" doc:"delete nothing, and say what would be"`
}

// sweepAnswer names the keys, up to a bound.
type sweepAnswer struct {
	chat.Swept
	Named []string `json:"named" nullable:"false" doc:"the first 10000 of the keys"`
}

// mostRetained is how many ids or keys are named.
const mostRetained = 10_000

func (s *Server) keepingRoutes() {
	const tag = "keeping"
	erase := with(op("erase", http.MethodPost, "/v1/erasures", tag, "Erase a person's conversations"), jsonBody[erasureBody](s.api))
	erase.Responses = answers("200", "application/json", &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true,
		Description: "a signed receipt: report, key, signature"})
	erase.DefaultStatus = http.StatusOK
	describe[struct{}, struct{}](s, erase)
	s.plainHandler("POST /v1/erasures", s.erase)
	reply(s, with(op("verify-erasure", http.MethodPost, "/v1/erasures/verify", tag, "Tell what a receipt says that this database signed"), jsonBody[verifyBody](s.api)), s.verifyErasure)
	reply(s, with(op("known-erasures", http.MethodPost, "/v1/erasures/known", tag, "Tell which of some people were erased"), jsonBody[knownBody](s.api)), s.knownErasures)
	done(s, with(op("note-export", http.MethodPut, exportPath, tag, "Note an export for erasures to find"), jsonBody[exportBody](s.api)), s.noteExport)
	done(s, op("forget-export", http.MethodDelete, exportPath, tag, "Drop the note of an export"), s.forgetExport)
	reply(s, with(op("retain", http.MethodPost, "/v1/retention", tag, "Delete threads that are older than rules allow"), jsonBody[retentionBody](s.api)), s.retain)
	reply(s, with(op("sweep-files", http.MethodPost, "/v1/sweeps", tag, "Delete bytes that no element names"), jsonBody[sweepBody](s.api)), s.sweepFiles)
}

// keeper is the database's, for callers who may do anything to anybody.
func (c *call) keeper() (Keeper, error) {
	switch {
	case c.db.Keeper == nil:
		return nil, errs.New(errs.Unsupported, "this server erases nobody")
	case c.actor != "":
		return nil, errs.New(errs.Forbidden, "this is about everybody's threads, so it is not for calls that act for a user")
	case !c.may(keys.Admin):
		return nil, errs.New(errs.Forbidden, "this is for keys with the scope %q", keys.Admin)
	}
	return c.db.Keeper, nil
}

// erase is a plain handler, since a receipt must leave as it was signed.
func (s *Server) erase(ctx context.Context, c *call) error {
	k, err := c.keeper()
	if err != nil {
		return err
	}
	var body erasureBody
	if err := s.body(c, &body); err != nil {
		return err
	}
	receipt, err := k.Erase(ctx, body.Identifier, body.DryRun)
	if err != nil {
		return err
	}
	return writeJSON(c, receipt)
}

func (s *Server) verifyErasure(ctx context.Context, c *call, _ *struct{}) (out verifyAnswer, err error) {
	k, err := c.keeper()
	if err != nil {
		return out, err
	}
	var body verifyBody
	if err := s.body(c, &body); err != nil {
		return out, err
	}
	out.Report, out.About, err = k.VerifyReceipt(ctx, body.Receipt, body.Identifier)
	return out, err
}

func (s *Server) retain(ctx context.Context, c *call, _ *struct{}) (out retentionAnswer, err error) {
	out.IDs = []string{}
	k, err := c.keeper()
	if err != nil {
		return out, err
	}
	var body retentionBody
	if err := s.body(c, &body); err != nil {
		return out, err
	}
	if len(body.Rules) == 0 {
		return out, errs.Field(errs.Invalid, "rules", "must not be empty")
	}
	var rules []chat.Retention
	for _, text := range body.Rules {
		rule, err := chat.ParseRetention(text)
		if err != nil {
			return out, errs.Field(errs.Invalid, "rules", "%s", err)
		}
		rules = append(rules, rule)
	}
	out.Retained, err = k.Retain(ctx, rules, body.DryRun, func(t chat.Thread) {
		if len(out.IDs) < mostRetained {
			out.IDs = append(out.IDs, t.ID)
		}
	})
	return out, err
}

func (s *Server) sweepFiles(ctx context.Context, c *call, _ *struct{}) (out sweepAnswer, err error) {
	out.Named = []string{}
	k, err := c.keeper()
	if err != nil {
		return out, err
	}
	var body sweepBody
	if err := s.body(c, &body); err != nil {
		return out, err
	}
	out.Swept, err = k.SweepFiles(ctx, body.DryRun, func(key string) {
		if len(out.Named) < mostRetained {
			out.Named = append(out.Named, key)
		}
	})
	return out, err
}
