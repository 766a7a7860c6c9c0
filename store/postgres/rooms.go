package postgres

import (
	"context"
	"fmt"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// rooms serves the port of conversations.
type rooms struct{ at access }

var _ chat.Store = rooms{}

// writes are the texts of the statements that write, made once for a layout.
type writes struct {
	user     string
	thread   string
	step     stepWrite
	element  elementWrite
	feedback string
	del      deletes
}

func (l *layout) writes() writes {
	return writes{user: l.userWrite(), thread: l.threadWrite(), step: l.stepWrite(),
		element: l.elementWrite(), feedback: l.feedbackWrite(), del: l.deletes()}
}

// Features implements chat.Store. Asking is a use of conversations, and makes
// the tables in a database that has none.
func (r rooms) Features() chat.Features {
	l, err := r.at.ready(context.Background())
	if err != nil {
		return chat.Features{}
	}
	return l.features
}

// User implements chat.Users.
func (r rooms) User(ctx context.Context, identifier string) (chat.User, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.User{}, err
	}
	return l.core.User(ctx, r.at, identifier)
}

// Users implements chat.Users.
func (r rooms) Users(ctx context.Context, after string, limit int) ([]chat.User, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return nil, err
	}
	return l.core.Users(ctx, r.at, after, limit)
}

func (l *layout) userWrite() string {
	if l.official {
		return l.officialUser()
	}
	id, _ := l.found.Users.Column("id")
	meta, _ := l.found.Users.Column("metadata")
	created, _ := l.found.Users.Column("createdAt")
	columns, values := `"id","identifier","metadata","createdAt"`, fmt.Sprintf("%s,$2::text,%s,%s", cast("$1", id), cast("$3", meta), cast("$4", created))
	for _, c := range sqlcore.Map(l.found.Users, userFields()).Fill {
		columns += "," + sqlcore.Quote(c.Name)
		values += "," + zero(c)
	}
	return fmt.Sprintf(`INSERT INTO %s (%s) VALUES (%s) ON CONFLICT ("identifier") DO UPDATE SET "metadata"=EXCLUDED."metadata" RETURNING "id","createdAt"`,
		l.table("users"), columns, values)
}

func userFields() []chat.Field[chat.User] {
	var fields []chat.Field[chat.User]
	for _, key := range []string{"id", "identifier", "metadata", "createdAt"} {
		fields = append(fields, chat.Field[chat.User]{Key: key})
	}
	return fields
}

// PutUser implements chat.Users.
func (r rooms) PutUser(ctx context.Context, u chat.User, _ chat.Write) (chat.User, error) {
	l, err := r.at.ready(ctx)
	if err != nil {
		return chat.User{}, err
	}
	if err := l.holds(l.found.Users, "id", u.ID); err != nil {
		return chat.User{}, err
	}
	meta := string(sqlcore.AppendJSON(nil, u.Metadata))
	u.DisplayName = ""
	put := sqlcore.Query{SQL: l.sql.user, Args: []any{u.ID, u.Identifier, meta, u.CreatedAt}, Each: func(got sqlcore.Row) error {
		u.ID, _ = got.Text(0)
		u.CreatedAt, _ = got.Text(1)
		return nil
	}}
	err = r.at.write(ctx, put)
	if alone(r.at) && errs.KindOf(err) == errs.Exists {
		// Another process put the same user at the same moment, and the
		// statement met its id before its identifier, which alone is asked
		// about. The second time the row is there to be found.
		err = r.at.write(ctx, put)
	}
	return u, err
}
