package postgres

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Parameters of a step's patch in the official tables, after the common ones.
// NULL keeps what is stored.
const (
	oParent  = "$6::text"
	oName    = "$7::text"
	oType    = "$8::text" // a label of the enumeration
	oInput   = "$9::text"
	oOutput  = "$10::text"
	oMeta    = "$11::jsonb"
	oShow    = "$12::text"
	oError   = "$13::boolean"
	oCreated = "$14::text" // times are NULL too where they are none
	oStart   = "$15::text"
	oEnd     = "$16::text"
	oPrivate = "$17::jsonb" // never NULL
	oFold    = "$18::text"
)

// officialStep is the statement for ApplyStep on the official tables.
func (l *layout) officialStep() string {
	steps := l.target("steps")
	before := fmt.Sprintf(`mine AS MATERIALIZED (SELECT s."threadId" FROM %s s WHERE s."id"=%s AND s."threadId" IS NOT NULL AND NOT %s)`,
		steps, pID, placeholder("s"))
	return l.gate(before, fmt.Sprintf(`coalesce((SELECT "threadId" FROM mine),%s::text)`, pThread), "") +
		fmt.Sprintf(",\nparent AS (%s),\n%s,\nwritten AS (%s)\nSELECT %s",
			l.stand(oParent, "ready.id", fmt.Sprintf("ready WHERE %s<>%s", oParent, pID)), l.moving(), l.officialStepRow(), verdict)
}

// stand puts placeholders for steps that are not there.
func (l *layout) stand(id, thread, from string) string {
	columns := `"id","threadId","metadata","type","showInput","isError","createdAt","updatedAt","startTime","endTime"`
	fill, zeros := fills(l.stored.Steps, strings.Split(columns, ","))
	return fmt.Sprintf(`INSERT INTO %s (%s%s) SELECT %s,%s,'{}','run',NULL,NULL,%[6]s,%[6]s,%[6]s,%[6]s%[7]s FROM %[8]s ON CONFLICT ("id") DO NOTHING`,
		l.target("steps"), columns, fill, id, thread, millis(pNow), zeros, from)
}

// moving is for a step that is written into another thread than its placeholder
// is in: what refers to it there lets go of it, so that neither thread takes
// rows of the other along when it is deleted.
func (l *layout) moving() string {
	steps, elements, feedbacks := l.target("steps"), l.target("elements"), l.target("feedbacks")
	keep := fmt.Sprintf(`"metadata"=%s||jsonb_build_object('%s',%s||jsonb_build_object('parentId',%s::text))`,
		object(`c."metadata"`), sqlcore.PrivateKey, l.private("c"), pID)
	return fmt.Sprintf(`moved AS MATERIALIZED (SELECT s."threadId" AS id FROM %[1]s s,ready WHERE s."id"=%[2]s AND s."threadId"<>ready.id AND %[3]s),
loose AS (UPDATE %[1]s c SET "parentId"=NULL,%[4]s FROM moved WHERE c."parentId"=%[2]s AND c."threadId"=moved.id AND c."id"<>%[2]s),
place AS (%[5]s),
torn AS (UPDATE %[6]s e SET "stepId"=%[7]s,"metadata"=%[8]s||jsonb_build_object('%[9]s',%[10]s||jsonb_build_object('forId',%[2]s::text))
  FROM moved WHERE e."stepId"=%[2]s AND e."threadId"=moved.id),
ajar AS (UPDATE %[11]s f SET "name"='%[12]s'||moved.id FROM moved WHERE f."stepId"=%[2]s AND NOT starts_with(f."name",'%[12]s'))`,
		steps, pID, placeholder("s"), keep,
		l.stand(nowhere("moved.id"), "moved.id", fmt.Sprintf(`moved WHERE EXISTS (SELECT FROM %s e WHERE e."stepId"=%s AND e."threadId"=moved.id)`, elements, pID)),
		elements, nowhere("moved.id"), object(`e."metadata"`), sqlcore.PrivateKey, elementPrivate("e"), feedbacks, ajar)
}

// officialStepRow inserts the row or lays the patch over it. A placeholder is
// overwritten as if it were not there.
func (l *layout) officialStepRow() string {
	kind, _ := l.stored.Steps.Column("type")
	steps := l.target("steps")
	was, old := placeholder("old"), l.private("old")
	fresh := fmt.Sprintf(`(jsonb_build_object('createdAt',%s::text)||%s)`, pNow, oPrivate)
	times := fmt.Sprintf(`CASE WHEN %s ? 'createdAt' THEN '{}'::jsonb ELSE jsonb_build_object('createdAt',%[2]s,'start',%[2]s,'end',%[3]s) END`,
		old, iso(`old."startTime"`), iso(`old."endTime"`))
	now := fmt.Sprintf(`(CASE WHEN %s THEN %s ELSE %s||%s||%s END)`, was, fresh, times, old, oPrivate)
	u := &overlay{}
	u.add("id", pID+"::text", "")
	u.add("threadId", "ready.id", `EXCLUDED."threadId"`)
	u.add("parentId", fmt.Sprintf(`CASE WHEN %[1]s=%[2]s::text OR NOT EXISTS (SELECT FROM %[3]s q WHERE q."id"=%[1]s AND q."threadId"<>ready.id) THEN %[1]s END`, oParent, pID, steps),
		fmt.Sprintf(`CASE WHEN %s IS NULL THEN old."parentId" ELSE EXCLUDED."parentId" END`, oParent))
	u.add("name", "coalesce("+oName+",'')", `coalesce(`+oName+`,old."name",'')`)
	u.add("type", cast("coalesce("+oType+",'undefined')", kind), fmt.Sprintf(`CASE WHEN %s IS NOT NULL OR %s THEN EXCLUDED."type" ELSE old."type" END`, oType, was))
	u.add("input", oInput, `coalesce(`+oInput+`,old."input")`)
	u.add("output", oOutput, `coalesce(`+oOutput+`,old."output")`)
	u.add("showInput", oShow, `coalesce(`+oShow+`,old."showInput")`)
	u.add("isError", oError, `coalesce(`+oError+`,old."isError")`)
	u.add("createdAt", "coalesce("+millis(oCreated)+","+millis(pNow)+")", fmt.Sprintf(`CASE WHEN %s THEN EXCLUDED."createdAt" ELSE coalesce(%s,old."createdAt") END`, was, millis(oCreated)))
	u.add("startTime", fmt.Sprintf("coalesce(%s,%s,%s)", millis(oStart), millis(oCreated), millis(pNow)),
		fmt.Sprintf(`CASE WHEN %s THEN EXCLUDED."startTime" ELSE coalesce(%s,CASE WHEN %s->>'start' IS NULL THEN %s END,old."startTime") END`,
			was, millis(oStart), old, millis(oCreated)))
	u.add("endTime", fmt.Sprintf("coalesce(%s,%s,%s,%s)", millis(oEnd), millis(oStart), millis(oCreated), millis(pNow)),
		fmt.Sprintf(`CASE WHEN %s THEN EXCLUDED."endTime" ELSE coalesce(%s,old."endTime") END`, was, millis(oEnd)))
	u.add("updatedAt", millis(pNow), `EXCLUDED."updatedAt"`)
	meta := fmt.Sprintf(`(coalesce(%s,'{}')-'%s')`, oMeta, sqlcore.PrivateKey)
	kept := fmt.Sprintf(`(coalesce(%s,%s)-'%s')`, oMeta, object(`old."metadata"`), sqlcore.PrivateKey)
	if l.stored.Steps.Has(sqlcore.ExtraColumn) {
		u.add("metadata", meta, kept)
		u.add(sqlcore.ExtraColumn, fresh, now)
	} else {
		u.add("metadata", fmt.Sprintf(`%s||jsonb_build_object('%s',%s)`, meta, sqlcore.PrivateKey, fresh),
			fmt.Sprintf(`%s||jsonb_build_object('%s',%s)`, kept, sqlcore.PrivateKey, now))
	}
	if l.stored.Steps.Has(foldColumn) {
		u.add(foldColumn, oFold, fmt.Sprintf(`CASE WHEN %s IS NULL THEN old.%s ELSE %s END`, oOutput, foldColumn, oFold))
	}
	return u.insert(l.stored.Steps, steps, fmt.Sprintf(`old."threadId"=EXCLUDED."threadId" OR old."threadId" IS NULL OR %s`, was))
}

// overlay is an insert that becomes an update where the row is there.
type overlay struct{ columns, values, sets []string }

// add takes a column; set "" leaves it out of updates.
func (u *overlay) add(column, value, set string) {
	name := sqlcore.Quote(column)
	u.columns, u.values = append(u.columns, name), append(u.values, value)
	if set != "" {
		u.sets = append(u.sets, name+"="+set)
	}
}

// insert is the text; columns that somebody added and that refuse NULL get
// their zero.
func (u *overlay) insert(t sqlcore.Table, target, where string) string {
	fill, zeros := fills(t, u.columns)
	return fmt.Sprintf(`INSERT INTO %s AS old (%s%s) SELECT %s%s FROM ready ON CONFLICT ("id") DO UPDATE SET %s WHERE %s RETURNING 1`,
		target, strings.Join(u.columns, ","), fill, strings.Join(u.values, ","), zeros, strings.Join(u.sets, ","), where)
}

// fills are the columns beside those named that refuse NULL, and what they get.
func fills(t sqlcore.Table, named []string) (columns, values string) {
	for _, c := range t.Columns {
		if c.NotNull && !c.Default && !slices.Contains(named, sqlcore.Quote(c.Name)) {
			columns += "," + sqlcore.Quote(c.Name)
			values += "," + zero(c)
		}
	}
	return columns, values
}

// officialStepArgs are the parameters of a patch.
func (l *layout) officialStepArgs(s chat.Step, by chat.Write) []any {
	kept := l.core.StepMap.Stowed(&s, s.Extra)
	keep := func(key string, v any) {
		if kept == nil {
			kept = map[string]json.RawMessage{}
		}
		kept[key], _ = json.Marshal(v) // a text or a flag: cannot fail
	}
	for key, text := range map[string]string{"parentId": s.ParentID, "createdAt": s.CreatedAt, "start": s.Start, "end": s.End} {
		if text != "" {
			keep(key, text)
		}
	}
	if s.Streaming != nil {
		keep("streaming", *s.Streaming)
	}
	label := s.Type
	if !slices.Contains(l.types, label) && label != "" && l.types != nil {
		label = "undefined"
	}
	if label == "undefined" {
		keep("type", s.Type)
	}
	var meta any
	if len(s.Metadata) > 0 {
		meta = string(sqlcore.AppendJSON(nil, s.Metadata))
	}
	var failed any
	if s.IsError != nil {
		failed = *s.IsError
	}
	private := sqlcore.Extra(kept)
	if private == "" {
		private = "{}"
	}
	args := append(common(s.ID, s.ThreadID, by), optional(s.ParentID), optional(s.Name), optional(label), optional(s.Input), optional(s.Output),
		meta, optional(strings.ToLower(string(s.ShowInput))), failed, stamp(s.CreatedAt), stamp(s.Start), stamp(s.End), private)
	if l.stored.Steps.Has(foldColumn) {
		args = append(args, fold(s.Output))
	}
	return args
}

// stamp is a time as the server reads it, NULL for what is none.
func stamp(text string) any {
	if t, ok := chat.NormalTime(text); ok {
		return t
	}
	return nil
}
