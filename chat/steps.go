package chat

import (
	"cmp"
	"context"
	"slices"
)

var stepIDs = map[string]bool{"id": true, "threadId": true, "parentId": true}

// PutStep implements [API].
func (s *Service) PutStep(ctx context.Context, step Step) (Written, error) {
	var c checker
	c.id("id", step.ID)
	c.id("threadId", step.ThreadID)
	fields(&c, stepFields, &step, stepIDs)
	c.extra(&step.Extra)
	if c.err != nil {
		return Written{}, c.err
	}
	normalTime(&step.CreatedAt)
	normalTime(&step.Start)
	normalTime(&step.End)
	step.Feedback = nil
	if err := s.port().ApplyStep(ctx, step, s.write(ctx)); err != nil {
		return Written{}, err
	}
	return Written{ID: step.ID, Warnings: c.warnings}, nil
}

// Step implements [API].
func (s *Service) Step(ctx context.Context, r Ref) (Step, error) {
	if err := checkRef(r); err != nil {
		return Step{}, err
	}
	step, err := s.port().Step(ctx, r)
	if err != nil {
		return Step{}, err
	}
	if err := s.visibleThread(ctx, step.ThreadID, "id", r.ID); err != nil {
		return Step{}, err
	}
	tidyStep(ctx, &step)
	return step, nil
}

// DeleteStep implements [API].
func (s *Service) DeleteStep(ctx context.Context, r Ref) error {
	if err := checkRef(r); err != nil {
		return err
	}
	defer s.swept()
	return s.port().DeleteStep(ctx, r, s.write(ctx))
}

// Favorites implements [API].
func (s *Service) Favorites(ctx context.Context, userID string) ([]Step, error) {
	if err := checkID("userId", userID); err != nil {
		return nil, err
	}
	if actor := Actor(ctx); actor != "" {
		u, err := s.port().User(ctx, actor)
		if err != nil || u.ID != userID {
			return []Step{}, ignoreMissing(err)
		}
	}
	steps, err := s.port().Favorites(ctx, userID)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		tidyStep(ctx, &steps[i])
	}
	slices.SortStableFunc(steps, func(a, b Step) int { return cmp.Compare(b.CreatedAt, a.CreatedAt) })
	if steps == nil {
		steps = []Step{}
	}
	return steps, nil
}

// tidyStep brings a stored step into the form every reader gets. This is the
// one place that hides inputs.
func tidyStep(ctx context.Context, step *Step) {
	normalTime(&step.CreatedAt)
	normalTime(&step.Start)
	normalTime(&step.End)
	if step.Metadata == nil {
		step.Metadata = Object{}
	}
	if step.Hidden() && !IsRaw(ctx) {
		step.Input = ""
	}
}

func checkRef(r Ref) error {
	var c checker
	c.id("id", r.ID)
	c.ref("threadId", r.ThreadID)
	return c.err
}
