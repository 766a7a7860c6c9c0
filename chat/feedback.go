package chat

import (
	"context"

	"github.com/varvedb/varve/errs"
)

// PutFeedback implements [API].
func (s *Service) PutFeedback(ctx context.Context, f Feedback) (Written, error) {
	var c checker
	c.id("forId", f.ForID)
	c.ref("id", f.ID)
	c.ref("threadId", f.ThreadID)
	if f.Value != 0 && f.Value != 1 {
		c.fail(errs.Field(errs.Invalid, "value", "must be 0 (down) or 1 (up)"))
	}
	if f.Comment != nil {
		comment := *f.Comment
		c.text("comment", &comment)
		f.Comment = &comment
	}
	if c.err != nil {
		return Written{}, c.err
	}
	if f.ID == "" {
		f.ID = s.opt.NewID()
	}
	id, err := s.port().ApplyFeedback(ctx, f, s.write(ctx))
	if err != nil {
		return Written{}, err
	}
	return Written{ID: id, Warnings: c.warnings}, nil
}

// DeleteFeedback implements [API].
func (s *Service) DeleteFeedback(ctx context.Context, r Ref) error {
	if err := checkRef(r); err != nil {
		return err
	}
	return s.port().DeleteFeedback(ctx, r, s.write(ctx))
}

func ignoreMissing(err error) error {
	if errs.KindOf(err) == errs.NotFound {
		return nil
	}
	return err
}
