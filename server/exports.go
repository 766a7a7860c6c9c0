package server

import (
	"context"
	"time"

	"github.com/varvedb/varve/erasure"
	"github.com/varvedb/varve/errs"
)

const exportPath = "/v1/exports/{exportId}"

type exportRef struct {
	ID string `path:"exportId" doc:"small letters and digits, of the caller's choice"`
}

type exportBody struct {
	Path   string    `json:"path" doc:"of the file or folder, absolute; empty: standard output"`
	Host   string    `json:"host" doc:"the machine that it was written on"`
	Made   time.Time `json:"made"`
	Digest string    `json:"digest,omitempty" doc:"of what was written; absent as long as that is not done"`
}

type knownBody struct {
	Identifiers []string `json:"identifiers"`
}

type knownAnswer struct {
	Erased map[string]time.Time `json:"erased" nullable:"false" doc:"when, by identifier; who was not is left out"`
}

// noteExport notes an export. An erasure goes to the path of one that the owner
// of the socket noted, who could go there themselves; what came over a network is
// only named.
func (s *Server) noteExport(ctx context.Context, c *call, in *exportRef) error {
	k, err := c.keeper()
	if err != nil {
		return err
	}
	var body exportBody
	if err := s.body(c, &body); err != nil {
		return err
	}
	return k.NoteExport(ctx, erasure.Export{ID: in.ID, Path: body.Path, Host: body.Host, Made: body.Made, Digest: body.Digest,
		Distant: doorOf(c.r) != socket})
}

func (s *Server) forgetExport(ctx context.Context, c *call, in *exportRef) error {
	k, err := c.keeper()
	if err != nil {
		return err
	}
	return k.ForgetExport(ctx, in.ID)
}

func (s *Server) knownErasures(ctx context.Context, c *call, _ *struct{}) (out knownAnswer, err error) {
	k, err := c.keeper()
	if err != nil {
		return out, err
	}
	var body knownBody
	if err := s.body(c, &body); err != nil {
		return out, err
	}
	if len(body.Identifiers) > mostRows {
		return out, errs.Field(errs.Invalid, "identifiers", "must be at most %d", mostRows)
	}
	out.Erased, err = k.Erased(ctx, body.Identifiers)
	if out.Erased == nil {
		out.Erased = map[string]time.Time{}
	}
	return out, err
}
