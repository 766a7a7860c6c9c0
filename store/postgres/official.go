package postgres

import (
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// The official layer of Chainlit (the one DATABASE_URL chooses) keeps the same
// conversations in other tables. What reads is not written twice for it: each
// of its tables is read through a sub-select that gives the columns of the
// documented one, which the planner folds away. What writes has statements of
// its own behind the same gate.
//
// The official tables have fewer columns, times of milliseconds, and foreign
// keys. So three things of a step or element are kept beside its columns, in
// varve_extra or, on a database that the doctor has not mended, under the key
// "varve" of its metadata: fields without a column, exact times, and what it
// refers to. The last since a foreign key is only set to a row of the same
// thread; a row that is not there yet is stood in for by a placeholder, which
// no reader here shows.

// official are the names of the official tables by those of the documented.
var official = map[string]string{"users": "User", "threads": "Thread", "steps": "Step", "elements": "Element", "feedbacks": "Feedback"}

// documented is the documented name of any of Chainlit's tables.
func documented(name string) string {
	for ours, theirs := range official {
		if theirs == name {
			return ours
		}
	}
	return name
}

// officialShape is the value of the URL's parameter schema, and what varve_meta
// remembers of a database with the official tables.
const officialShape = "official"

// tables are the names of Chainlit's tables in either shape.
func tables() []string {
	names := sqlcore.Tables()
	for _, name := range sqlcore.Tables() {
		names = append(names, official[name])
	}
	return names
}

// officialColumns are those that nothing works without.
var officialColumns = map[string][]string{
	"users":   {"id", "createdAt", "updatedAt", "metadata", "identifier"},
	"threads": {"id", "createdAt", "updatedAt", "deletedAt", "name", "metadata", "userId", "tags"},
	"steps": {"id", "createdAt", "updatedAt", "parentId", "threadId", "input", "metadata", "name", "output", "type",
		"showInput", "isError", "startTime", "endTime"},
	"elements": {"id", "updatedAt", "threadId", "stepId", "metadata", "mime", "name", "objectKey", "url", "chainlitKey",
		"display", "size", "language", "page", "props"},
	"feedbacks": {"id", "updatedAt", "stepId", "name", "value", "comment"},
}

// checkOfficial names what is missing of the official tables.
func checkOfficial(s sqlcore.Schema) error {
	for _, name := range sqlcore.Tables() {
		t := s.Table(name)
		if !t.Exists() {
			return errs.New(errs.Invalid, "table %q of Chainlit's official schema is missing; create the tables completely, or none of them", official[name])
		}
		for _, column := range officialColumns[name] {
			if !t.Has(column) {
				return errs.New(errs.Invalid, "table %q has no column %q, so it is not Chainlit's official one; conversations need another database or schema", official[name], column)
			}
		}
		if c, ok := t.Column("metadata"); ok && c.Type != "jsonb" {
			return errs.New(errs.Unsupported, "column \"metadata\" of table %q is %s and not jsonb", official[name], c.Type)
		}
	}
	return nil
}

// looksOfficial tells the official tables from a user's own of those names.
func looksOfficial(s sqlcore.Schema) bool {
	return s.Threads.Exists() && s.Steps.Exists() && s.Threads.Has("deletedAt") && s.Steps.Has("startTime")
}

// dressed is how the official tables look through the sub-selects.
func dressed(stored sqlcore.Schema) sqlcore.Schema {
	text := func(names ...string) (columns []sqlcore.Column) {
		for _, name := range names {
			columns = append(columns, sqlcore.Column{Name: name, Type: "text", Kind: sqlcore.Text})
		}
		return columns
	}
	one := func(name, declared string) sqlcore.Column {
		return sqlcore.Column{Name: name, Type: declared, Kind: sqlcore.KindOf(declared)}
	}
	kept := func(t sqlcore.Table, names ...string) (columns []sqlcore.Column) {
		for _, name := range names {
			if t.Has(name) {
				columns = append(columns, one(name, "text"))
			}
		}
		return columns
	}
	meta := one("metadata", "jsonb")
	return sqlcore.Schema{
		Users: sqlcore.Table{Name: "users", Columns: append(text("id", "identifier", "createdAt"), meta)},
		Threads: sqlcore.Table{Name: "threads", Indexes: stored.Threads.Indexes,
			Columns: slices.Concat(text("id", "createdAt", "name", "userId", "userIdentifier"),
				[]sqlcore.Column{one("tags", "text[]"), meta}, kept(stored.Threads, sqlcore.ActivityColumn, foldColumn))},
		Steps: sqlcore.Table{Name: "steps", Indexes: stored.Steps.Indexes,
			Columns: slices.Concat(text("id", "threadId", "parentId", "name", "type", "input", "output", "createdAt", "start", "end",
				"showInput", "streaming"), []sqlcore.Column{one("isError", "boolean"), meta}, kept(stored.Steps, foldColumn))},
		Elements: sqlcore.Table{Name: "elements", Indexes: stored.Elements.Indexes,
			Columns: append(text("id", "threadId", "type", "chainlitKey", "url", "objectKey", "name", "display", "size", "language",
				"autoPlay", "forId", "mime"), one("page", "integer"), one("props", "jsonb"), one("playerConfig", "jsonb"),
				one(sqlcore.ExtraColumn, "jsonb"))},
		Feedbacks: sqlcore.Table{Name: "feedbacks", Indexes: stored.Feedbacks.Indexes,
			Columns: append(text("id", "forId", "threadId", "comment"), one("value", "integer"))},
	}
}

// iso is a time of the official tables, which are without zone and taken for
// UTC, in the form every reader gets.
func iso(expr string) string { return fmt.Sprintf(`to_char(%s,'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`, expr) }

// millis is a time given as text in the precision of the official tables: cut
// off, since what is rounded up would be in the future.
func millis(expr string) string {
	return fmt.Sprintf(`date_trunc('milliseconds',(%s::text)::timestamptz AT TIME ZONE 'UTC')`, expr)
}

// placeholder is the condition that a row of "Step" stands in for a step that
// is not written yet: such rows of Chainlit's own have no name either, and
// every step that is written here gets one.
func placeholder(alias string) string {
	return fmt.Sprintf(`(%[1]s."name" IS NULL AND %[1]s."type"::text='run')`, alias)
}

// nowhere is the id of the placeholder in a thread for elements that are of no
// step, or of one of another thread: "stepId" refuses NULL.
func nowhere(thread string) string { return fmt.Sprintf(`('varve:'||%s)`, thread) }

// ajar is the name of feedback whose thread is not that of its step, before
// the thread. Such feedback came before its step.
const ajar = "user_feedback varve:"

// object is a JSON expression that is an object in any case.
func object(expr string) string {
	return fmt.Sprintf(`(CASE WHEN jsonb_typeof(%[1]s)='object' THEN %[1]s ELSE '{}'::jsonb END)`, expr)
}

// private is what is kept beside the columns of a step.
func (l *layout) private(alias string) string {
	p := object(alias + `."metadata"->'` + sqlcore.PrivateKey + `'`)
	if l.stored.Steps.Has(sqlcore.ExtraColumn) {
		return fmt.Sprintf(`(%s||coalesce(%s.%s,'{}'))`, p, alias, sqlcore.ExtraColumn)
	}
	return p
}

// born is the exact creation of a user or thread.
func born(t sqlcore.Table, alias string) string {
	if t.Has(createdColumn) {
		return fmt.Sprintf(`coalesce(%s.%s,%s)`, alias, createdColumn, iso(alias+`."createdAt"`))
	}
	return iso(alias + `."createdAt"`)
}

// createdColumn holds the creation of a user or thread to the microsecond.
const createdColumn = "varve_created"

// views are the sub-selects by the names of the documented tables.
func (l *layout) views() map[string]string {
	return map[string]string{"users": l.usersView(), "threads": l.threadsView(), "steps": l.stepsView(),
		"elements": l.elementsView(), "feedbacks": l.feedbacksView()}
}

func (l *layout) usersView() string {
	return fmt.Sprintf(`(SELECT a."id",a."identifier",a."metadata",%s AS "createdAt" FROM %s a)`, born(l.stored.Users, "a"), l.target("users"))
}

func (l *layout) threadsView() string {
	also := ""
	for _, name := range []string{sqlcore.ActivityColumn, foldColumn} {
		if l.found.Threads.Has(name) {
			also += ",a." + name
		}
	}
	return fmt.Sprintf(`(SELECT a.ctid,a."id",%s AS "createdAt",a."name",a."userId",%s AS "userIdentifier",a."tags",a."metadata"%s FROM %s a WHERE a."deletedAt" IS NULL)`,
		born(l.stored.Threads, "a"), l.ownerOf("a"), also, l.target("threads"))
}

// ownerOf is the identifier of a row of "Thread".
func (l *layout) ownerOf(alias string) string {
	return fmt.Sprintf(`(SELECT o."identifier" FROM %s o WHERE o."id"=%s."userId")`, l.target("users"), alias)
}

// stepsView leaves out placeholders, and what is in a thread that was marked as
// deleted.
func (l *layout) stepsView() string {
	p := l.private("a")
	meta, fold := `a."metadata"`, ""
	if l.stored.Steps.Has(sqlcore.ExtraColumn) {
		// The reader looks for what has no column in one place.
		meta = fmt.Sprintf(`CASE WHEN a.%s IS NULL THEN %s ELSE %s||jsonb_build_object('%s',%s) END`,
			sqlcore.ExtraColumn, meta, object(meta), sqlcore.PrivateKey, p)
	}
	if l.found.Steps.Has(foldColumn) {
		fold = ",a." + foldColumn
	}
	// A row without a private creation is another writer's, whose times are all in columns.
	exact := func(key, column string) string {
		return fmt.Sprintf(`CASE WHEN %[1]s ? 'createdAt' THEN %[1]s->>'%[2]s' ELSE %[3]s END AS "%[2]s"`, p, key, iso(`a."`+column+`"`))
	}
	return fmt.Sprintf(`(SELECT a.ctid,a."id",a."threadId",coalesce(a."parentId",%[1]s->>'parentId') AS "parentId",a."name",`+
		`CASE WHEN a."type"::text='undefined' THEN coalesce(%[1]s->>'type','undefined') ELSE a."type"::text END AS "type",`+
		`a."input",a."output",%[2]s,%[3]s,%[4]s,lower(a."showInput") AS "showInput",coalesce(%[1]s->>'streaming','false') AS "streaming",`+
		`a."isError",%[5]s AS "metadata",a."metadata" AS `+asStored+`%[6]s FROM %[7]s a WHERE NOT %[8]s`+
		` AND NOT EXISTS (SELECT FROM %[9]s d WHERE d."id"=a."threadId" AND d."deletedAt" IS NOT NULL))`,
		p, exact("createdAt", "startTime"), exact("start", "startTime"), exact("end", "endTime"), meta, fold,
		l.target("steps"), placeholder("a"), l.target("threads"))
}

// asStored is the metadata of a step as its column has it, which is what an
// index can be on.
const asStored = "varve_stored"

// elementPrivate is what is kept beside the columns of an element: in its
// metadata, which is nobody else's.
func elementPrivate(alias string) string {
	return object(alias + `."metadata"->'` + sqlcore.PrivateKey + `'`)
}

// forID is the step that a row of "Element" is of.
func forID(alias string) string {
	return fmt.Sprintf(`CASE WHEN %[1]s."stepId"=%[2]s THEN %[3]s->>'forId' ELSE %[1]s."stepId" END`,
		alias, nowhere(alias+`."threadId"`), elementPrivate(alias))
}

func (l *layout) elementsView() string {
	p := elementPrivate("a")
	known := "'" + strings.Join([]string{"autoPlay", "playerConfig", "forId", "type"}, "'-'") + "'"
	return fmt.Sprintf(`(SELECT a.ctid,a."id",a."threadId",CASE WHEN %[1]s ? 'type' THEN %[1]s->>'type' ELSE coalesce(a."metadata"->>'type','file') END AS "type",`+
		`a."chainlitKey",a."url",a."objectKey",a."name",a."display",a."size",a."language",%[1]s->>'autoPlay' AS "autoPlay",%[2]s AS "forId",a."mime",`+
		`a."page",nullif(a."props",'{}') AS "props",%[1]s->'playerConfig' AS "playerConfig",nullif(%[1]s-%[3]s,'{}') AS %[4]s FROM %[5]s a`+
		` WHERE NOT EXISTS (SELECT FROM %[6]s d WHERE d."id"=a."threadId" AND d."deletedAt" IS NOT NULL))`,
		p, forID("a"), known, sqlcore.ExtraColumn, l.target("elements"), l.target("threads"))
}

func (l *layout) feedbacksView() string {
	return fmt.Sprintf(`(SELECT a.ctid,a."id",a."stepId" AS "forId",CASE WHEN starts_with(a."name",'%[1]s') THEN substr(a."name",%[2]d) ELSE b."threadId" END AS "threadId",`+
		`a."value",a."comment" FROM %[3]s a JOIN %[4]s b ON b."id"=a."stepId")`,
		ajar, len(ajar)+1, l.target("feedbacks"), l.target("steps"))
}
