package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// stepWrite is the statement for ApplyStep.
type stepWrite struct {
	*upsert[chat.Step]
	sql  string
	stow bool // metadata takes what has no column
	fold bool // there is a column for the searchable form
	text bool // metadata is no JSON column
}

func (l *layout) stepWrite() stepWrite {
	if l.official {
		return stepWrite{sql: l.officialStep()}
	}
	w := stepWrite{fold: l.found.Steps.Has(foldColumn)}
	born := map[string]string{"type": "'undefined'", "streaming": "'false'", "createdAt": pNow + "::text", "metadata": "'{}'"}
	w.upsert = newUpsert(l.core.StepMap, born)
	if gen, ok := l.found.Steps.Column("generation"); ok {
		w.generation(gen)
	}
	w.extra()
	if w.fold {
		p := w.param()
		out := w.number("output")
		w.add(foldColumn, p+"::text", fmt.Sprintf(`CASE WHEN %s::text IS NULL THEN old.varve_fold ELSE %s::text END`, out, p))
	}
	meta, _ := l.found.Steps.Column("metadata")
	w.text = meta.Kind != sqlcore.JSON
	w.stow = len(w.m.Homeless) > 0 || !w.m.Extra
	if w.stow && !w.text {
		w.stowed(meta)
	}
	w.sql = l.gate(fmt.Sprintf(`mine AS MATERIALIZED (SELECT "threadId" FROM %s WHERE "id"=%s)`, l.table("steps"), pID),
		fmt.Sprintf(`coalesce((SELECT "threadId"::text FROM mine),%s::text)`, pThread), "") +
		fmt.Sprintf(",\nwritten AS (%s)\nSELECT %s", w.insert(l.table("steps")), verdict)
	return w
}

// generation gives a new step without one what Chainlit's layer would write.
func (w *stepWrite) generation(c sqlcore.Column) {
	p, fresh := w.number("generation"), w.param()
	w.replace(c.Name, fmt.Sprintf("coalesce(%s,%s)", cast(p, c), cast(fresh, c)),
		fmt.Sprintf("coalesce(%s,old.%s)", cast(p, c), sqlcore.Quote(c.Name)))
}

// stowed keeps what has no column under a key of the metadata, and leaves
// metadata alone that is not an object.
func (w *stepWrite) stowed(c sqlcore.Column) {
	p, st := cast(w.number("metadata"), sqlcore.Column{Type: "jsonb"}), w.param()+"::jsonb"
	private := func(base, old string) string {
		return fmt.Sprintf(`(%s)-'%[2]s'||CASE WHEN %[3]s IS NULL AND %[4]s IS NULL THEN '{}' ELSE jsonb_build_object('%[2]s',coalesce(%[4]s,'{}')||coalesce(%[3]s,'{}')) END`,
			base, sqlcore.PrivateKey, st, old)
	}
	now := fmt.Sprintf(`(CASE WHEN jsonb_typeof(old.%[1]s::jsonb)='object' THEN old.%[1]s::jsonb END)`, sqlcore.Quote(c.Name))
	was := fmt.Sprintf(`(%s->'%s')`, now, sqlcore.PrivateKey)
	w.replace(c.Name,
		fmt.Sprintf("(%s)::%s", private(fmt.Sprintf("coalesce(%s,'{}')", p), "NULL::jsonb"), c.Type),
		fmt.Sprintf(`CASE WHEN %s IS NULL AND (%s IS NULL OR %s IS NULL AND old.%s IS NOT NULL) THEN old.%[4]s ELSE (%s)::%s END`,
			p, st, now, sqlcore.Quote(c.Name), private(fmt.Sprintf("coalesce(%s,%s,'{}')", p, now), was), c.Type))
}

// number is the parameter of a field.
func (u *upsert[T]) number(key string) string {
	n := pFields
	for _, f := range u.m.Fields {
		if f.Key == key {
			return fmt.Sprintf("$%d", n)
		}
		if f.Key != "id" && f.Key != "threadId" {
			n++
		}
	}
	return "NULL"
}

// params are the parameters of a patch.
func (w *stepWrite) params(l *layout, s chat.Step, by chat.Write) []any {
	if l.official {
		return l.officialStepArgs(s, by)
	}
	args := append(common(s.ID, s.ThreadID, by), w.args(&s)...)
	if l.found.Steps.Has("generation") {
		args = append(args, sqlcore.Generation(s.Type))
	}
	if w.m.Extra {
		args = append(args, optional(sqlcore.Extra(s.Extra)))
	}
	if w.fold {
		args = append(args, fold(s.Output))
	}
	if w.stow && !w.text {
		args = append(args, optional(sqlcore.Extra(w.m.Stowed(&s, s.Extra))))
	}
	return args
}

func (w *stepWrite) gated(l *layout, s chat.Step, by chat.Write) gated {
	return gated{l: l, by: by, thread: s.ThreadID, Query: sqlcore.Query{SQL: w.sql, Args: w.params(l, s, by)}}
}

// optional is NULL for "".
func optional(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// foldColumn holds the searchable form of a text that is more than ASCII.
const foldColumn = "varve_fold"

// fold is the value of foldColumn for a text.
func fold(s string) any {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return chat.Fold(s)
		}
	}
	return nil
}

// stepIDs refuses ids that the columns cannot hold.
func (l *layout) stepIDs(s chat.Step) error {
	for _, id := range []struct{ column, value string }{{"id", s.ID}, {"threadId", s.ThreadID}, {"parentId", s.ParentID}} {
		if err := l.holds(l.found.Steps, id.column, id.value); err != nil {
			return err
		}
	}
	return nil
}

// ApplyStep implements chat.Steps.
func (r rooms) ApplyStep(ctx context.Context, s chat.Step, w chat.Write) error {
	l, err := r.at.ready(ctx)
	if err != nil {
		return err
	}
	if err := l.stepIDs(s); err != nil {
		return err
	}
	if l.sql.step.text && l.sql.step.stow {
		return r.mergeStep(ctx, l, s, w)
	}
	_, err = l.sql.step.gated(l, s, w).pass(ctx, r.at)
	return err
}

// mergeStep is ApplyStep where the metadata is text, so that the server cannot
// merge what is stowed in it.
func (r rooms) mergeStep(ctx context.Context, l *layout, s chat.Step, w chat.Write) error {
	return r.at.atomic(ctx, func(at access) error {
		if err := at.write(ctx, sqlcore.Query{SQL: turns, Args: []any{s.ID}}); err != nil {
			return err
		}
		old, err := l.core.Step(ctx, at, chat.Ref{ID: s.ID})
		if err != nil && !missing(err) {
			return err
		}
		old.Feedback = nil
		patch := s
		s = chat.MergeStep(old, patch)
		if len(patch.Metadata) == 0 {
			s.Metadata = old.Metadata
		}
		if out := l.sql.step.m.Stowed(&s, s.Extra); out != nil {
			kept := chat.Object{sqlcore.PrivateKey: out}
			for key, value := range s.Metadata {
				kept[key] = value
			}
			s.Metadata = kept
		}
		if s.ThreadID == "" {
			s.ThreadID = patch.ThreadID
		}
		_, err = l.sql.step.gated(l, s, w).pass(ctx, at)
		return err
	})
}

// Step implements chat.Steps.
func (r rooms) Step(ctx context.Context, ref chat.Ref) (chat.Step, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.Step{}, err
	}
	return l.core.Step(ctx, r.at, ref)
}

// Favorites implements chat.Steps.
func (r rooms) Favorites(ctx context.Context, userID string) ([]chat.Step, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Favorites(ctx, r.at, userID)
}
