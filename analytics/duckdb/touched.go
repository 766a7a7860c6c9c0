//go:build cgo && !no_duckdb

package duckdb

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// touched is what notes of changes name: threads, since a thread is read
// again whole, and whether users or all changed.
type touched struct {
	threads    map[string]bool
	users, all bool
}

func (t touched) list() []string { return slices.Sorted(maps.Keys(t.threads)) }

func (m *Mirror) touched(ctx context.Context, events []change.Event) (touched, error) {
	t := touched{threads: map[string]bool{}}
	parts := map[string]map[string]bool{"steps": {}, "elements": {}, "feedbacks": {}}
	for _, e := range events {
		switch table := key(e.Table); {
		case !ofConversations(table): // the user's own tables are not mirrored
		case e.Last != "":
			t.all = true
			return t, nil
		case table == "users" || table == "user":
			t.users = true
		case table == "threads" || table == "thread":
			t.threads[e.Key] = true
		default:
			for _, name := range []string{table, table + "s"} {
				if ids := parts[name]; ids != nil {
					ids[e.Key] = true
				}
			}
		}
	}
	for table, ids := range parts {
		if err := m.owners(ctx, table, ids, t); err != nil {
			return t, err
		}
		for id := range ids {
			thread, err := m.threadOf(ctx, table, id)
			switch kind := errs.KindOf(err); {
			case kind == errs.Unsupported:
				t.all = true
				return t, nil
			case kind == errs.NotFound: // it came and went between two looks
			case err != nil:
				return t, err
			default:
				t.threads[thread] = true
			}
		}
	}
	return t, nil
}

// ofConversations tells whether a table, under a name that one of Chainlit's
// layers gives it, is of conversations.
func ofConversations(table string) bool {
	return slices.Contains([]string{"user", "thread", "step", "element", "feedback"}, strings.TrimSuffix(table, "s"))
}

// owners finds the threads of parts that the mirror knows, and takes them from
// ids.
func (m *Mirror) owners(ctx context.Context, table string, ids map[string]bool, t touched) error {
	if len(ids) == 0 {
		return nil
	}
	list := slices.Collect(maps.Keys(ids))
	w := &chatWriter{conn: m.eng.writer}
	defer w.close()
	return m.eng.writer.Transaction(ctx, func() error {
		if err := w.note(ctx, list); err != nil {
			return err
		}
		return m.eng.writer.Each(ctx, `SELECT id, "threadId" FROM chat.`+table+` WHERE id IN (SELECT id FROM varve.touched)`, func(row []any) error {
			thread, _ := row[1].(string)
			t.threads[thread] = true
			delete(ids, row[0].(string))
			return nil
		})
	})
}

// threadOf asks the database for the thread of a part.
func (m *Mirror) threadOf(ctx context.Context, table, id string) (string, error) {
	switch table {
	case "steps":
		s, err := m.src.Chat.Step(ctx, chat.Ref{ID: id})
		return s.ThreadID, err
	case "elements":
		e, err := m.src.Chat.Element(ctx, chat.Ref{ID: id})
		return e.ThreadID, err
	}
	f, ok := m.src.Chat.(chat.Finder)
	if !ok {
		return "", errs.New(errs.Unsupported, "this database cannot find a feedback by its id")
	}
	return f.FeedbackThread(ctx, id)
}
