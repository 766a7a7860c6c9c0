package postgres

import (
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Parameters of an element's patch in the official tables, after the common
// ones. NULL keeps what is stored.
const (
	oURL      = "$6::text"
	oKey      = "$7::text"
	oTitle    = "$8::text"
	oDisplay  = "$9::text"
	oObject   = "$10::text"
	oSize     = "$11::text"
	oPage     = "$12::integer"
	oLanguage = "$13::text"
	oFor      = "$14::text"
	oMIME     = "$15::text"
	oProps    = "$16::jsonb"
	oFacts    = "$17::jsonb" // what the official layer repeats in the metadata; never NULL
	oHidden   = "$18::jsonb" // what has no column; never NULL
)

// officialElement is the statement for ApplyElement on the official tables.
func (l *layout) officialElement() string {
	elements := l.target("elements")
	before := fmt.Sprintf(`mine AS MATERIALIZED (SELECT "id","threadId","objectKey","stepId" FROM %s WHERE "id"=%s FOR UPDATE),
foreigner AS MATERIALIZED (SELECT 1 FROM mine WHERE "threadId"<>%s::text)`, elements, pID, pThread)
	return l.gate(before, pThread+"::text", "NOT EXISTS (SELECT FROM foreigner)") + fmt.Sprintf(`,
place AS MATERIALIZED (SELECT ready.id,CASE WHEN %[1]s IS NULL THEN coalesce((SELECT "stepId" FROM mine),%[2]s)
  WHEN EXISTS (SELECT FROM %[3]s q WHERE q."id"=%[1]s AND q."threadId"<>ready.id) THEN %[2]s ELSE %[1]s END AS step FROM ready),
stood AS (%[4]s),
written AS (%[5]s)%[6]s
SELECT %[7]s, EXISTS (SELECT FROM foreigner), (SELECT "objectKey" FROM mine)`,
		oFor, nowhere("ready.id"), l.target("steps"), l.stand("place.step", "place.id", `place WHERE place.step IS DISTINCT FROM (SELECT "stepId" FROM mine)`),
		l.officialElementRow(), l.replacing(oObject), verdict)
}

func (l *layout) officialElementRow() string {
	const facts = `'{"size":null,"language":null,"display":null,"type":"file","page":null}'::jsonb`
	hidden := func(base string) string {
		return fmt.Sprintf(`jsonb_build_object('%s',%s||%s)`, sqlcore.PrivateKey, base, oHidden)
	}
	u := &overlay{}
	u.add("id", pID+"::text", "")
	u.add("threadId", "ready.id", `EXCLUDED."threadId"`)
	u.add("stepId", "(SELECT step FROM place)", `EXCLUDED."stepId"`)
	u.add("metadata", fmt.Sprintf(`%s||%s||%s`, facts, oFacts, hidden(`'{"type":""}'::jsonb`)),
		fmt.Sprintf(`%s||%s||%s`, object(`old."metadata"`), oFacts, hidden(elementPrivate("old"))))
	u.add("name", "coalesce("+oTitle+",'')", `coalesce(`+oTitle+`,old."name")`)
	u.add("props", "coalesce("+oProps+",'{}')", `coalesce(`+oProps+`,old."props",'{}')`)
	for _, c := range []struct{ name, param string }{{"mime", oMIME}, {"objectKey", oObject}, {"url", oURL}, {"chainlitKey", oKey},
		{"display", oDisplay}, {"size", oSize}, {"language", oLanguage}, {"page", oPage}} {
		u.add(c.name, c.param, fmt.Sprintf(`coalesce(%s,old.%s)`, c.param, sqlcore.Quote(c.name)))
	}
	u.add("updatedAt", millis(pNow), `EXCLUDED."updatedAt"`)
	return u.insert(l.stored.Elements, l.target("elements"), `old."threadId"=EXCLUDED."threadId" OR old."threadId" IS NULL`)
}

// officialElementArgs are the parameters of a patch.
func (l *layout) officialElementArgs(e chat.Element, by chat.Write) []any {
	facts, hidden := map[string]json.RawMessage{}, map[string]json.RawMessage{}
	for key, raw := range e.Extra {
		hidden[key] = raw
	}
	say := func(to map[string]json.RawMessage, key, text string) {
		if text != "" {
			to[key], _ = json.Marshal(text) // a text: cannot fail
		}
	}
	for key, text := range map[string]string{"type": e.Type, "display": e.Display, "size": e.Size, "language": e.Language} {
		say(facts, key, text)
	}
	say(hidden, "type", e.Type)
	say(hidden, "forId", e.ForID)
	var page, props any
	if e.Page != nil {
		page = *e.Page
		facts["page"] = strconv.AppendInt(nil, *e.Page, 10)
	}
	if e.AutoPlay != nil {
		hidden["autoPlay"] = strconv.AppendBool(nil, *e.AutoPlay)
	}
	if len(e.PlayerConfig) > 0 {
		hidden["playerConfig"] = e.PlayerConfig
	}
	if len(e.Props) > 0 {
		props = string(sqlcore.AppendJSON(nil, e.Props))
	}
	return append(common(e.ID, e.ThreadID, by), optional(e.URL), optional(e.ChainlitKey), optional(e.Name), optional(e.Display), optional(e.ObjectKey),
		optional(e.Size), page, optional(e.Language), optional(e.ForID), optional(e.MIME), props,
		string(sqlcore.AppendJSON(nil, facts)), string(sqlcore.AppendJSON(nil, hidden)))
}

// officialFeedback is the statement for ApplyFeedback on the official tables.
// A step that is not there yet gets a placeholder, and where that is in another
// thread the feedback says itself which it is of.
func (l *layout) officialFeedback() string {
	table, steps := l.target("feedbacks"), l.target("steps")
	before := fmt.Sprintf(`mine AS MATERIALIZED (SELECT "threadId" FROM %[1]s x WHERE "id"=%[2]s),
prior AS MATERIALIZED (SELECT "id" FROM %[3]s WHERE "stepId"=%[2]s ORDER BY ctid DESC LIMIT 1),
taken AS MATERIALIZED (SELECT 1 FROM %[3]s WHERE "id"=$6::text AND NOT EXISTS (SELECT FROM prior))`, l.table("steps"), pID, table)
	fill, zeros := fills(l.stored.Feedbacks, []string{`"id"`, `"stepId"`, `"name"`, `"value"`})
	return l.gate(before, fmt.Sprintf(`coalesce((SELECT "threadId" FROM mine),nullif(%s::text,''))`, pThread), "NOT EXISTS (SELECT FROM taken)") +
		fmt.Sprintf(`,
stood AS (%[1]s),
named AS MATERIALIZED (SELECT ready.id,CASE WHEN EXISTS (SELECT FROM %[2]s q WHERE q."id"=%[3]s AND q."threadId" IS DISTINCT FROM ready.id) THEN '%[4]s'||ready.id ELSE 'user_feedback' END AS name FROM ready),
others AS (DELETE FROM %[5]s f USING ready WHERE f."stepId"=%[3]s AND f."id"<>(SELECT "id" FROM prior)),
changed AS (UPDATE %[5]s f SET "value"=$7::float8,"comment"=$8::text,"name"=named.name,"updatedAt"=%[6]s FROM named WHERE f."id"=(SELECT "id" FROM prior) RETURNING f."id"),
fresh AS (INSERT INTO %[5]s ("id","stepId","name","value","comment","createdAt","updatedAt"%[7]s) SELECT $6::text,%[3]s,named.name,$7::float8,$8::text,%[6]s,%[6]s%[8]s FROM named
  WHERE NOT EXISTS (SELECT FROM prior) ON CONFLICT ("id") DO NOTHING RETURNING "id"),
written AS (SELECT "id" FROM changed UNION ALL SELECT "id" FROM fresh)
SELECT %[9]s, (SELECT id FROM whose) IS NULL, EXISTS (SELECT FROM taken), (SELECT "id" FROM written)`,
			l.stand(pID, "ready.id", "ready WHERE NOT EXISTS (SELECT FROM mine)"), steps, pID+"::text", ajar, table, millis(pNow), fill, zeros, verdict)
}

// officialDeletes are the statements that remove. Foreign keys would do part of
// it, but what they take along they do not answer.
func (l *layout) officialDeletes() deletes {
	steps, elements, feedbacks := l.target("steps"), l.target("elements"), l.target("feedbacks")
	return deletes{
		element: fmt.Sprintf(`WITH mine AS MATERIALIZED (%s),
gone AS (DELETE FROM %s e USING mine WHERE e."id"=mine."id" RETURNING e."id",e."objectKey")%s
SELECT count(*),%s FROM gone`, l.mine("elements", `x."id"`), elements, l.lost("gone"), l.keys("gone")),
		step: fmt.Sprintf(`WITH RECURSIVE tree AS (%s
  UNION SELECT c."id",c."threadId" FROM %s c JOIN tree ON c."parentId"=tree."id" AND c."threadId"=tree."threadId"),
torn AS (DELETE FROM %s e USING tree WHERE e."threadId"=tree."threadId" AND %s=tree."id" RETURNING e."id",e."objectKey"),
mute AS (DELETE FROM %s f USING tree WHERE f."stepId"=tree."id"),
gone AS (DELETE FROM %s s USING tree WHERE s."id"=tree."id" RETURNING 1)%s
SELECT count(*),%s FROM gone`, l.mine("steps", `x."id",x."threadId"`), l.table("steps"), elements, forID("e"), feedbacks, steps, l.lost("torn"), l.keys("torn")),
		feedback: fmt.Sprintf(`WITH mine AS MATERIALIZED (SELECT x."forId" FROM %[1]s x LEFT JOIN %[2]s t ON t."id"=x."threadId" WHERE x."id"=%[3]s AND (true OR %[4]s::text='') AND NOT (%[5]s)),
gone AS (DELETE FROM %[6]s f USING mine WHERE f."stepId"=mine."forId" RETURNING 1)
SELECT count(*),'{}'::text[] FROM gone`, l.table("feedbacks"), l.table("threads"), pID, pThread, theirs(l.owner("t")), feedbacks),
		thread: l.officialDeleteThread(),
	}
}

// officialDeleteThread takes feedback along that is of the thread's steps, and
// that came with the thread before its step came to another.
func (l *layout) officialDeleteThread() string {
	steps, elements, feedbacks := l.target("steps"), l.target("elements"), l.target("feedbacks")
	return fmt.Sprintf(`WITH doomed AS MATERIALIZED (SELECT t.*, %[1]s AS owner FROM %[2]s t WHERE t."id"=%[3]s AND (true OR %[4]s::text='' OR $4::timestamptz IS NULL) AND `+ended(`t."id"`)+` AND NOT (%[5]s)),
votes AS MATERIALIZED (SELECT f."id" FROM doomed d JOIN %[6]s f ON f."name"='%[7]s'||d."id" UNION
  SELECT f."id" FROM doomed d JOIN %[8]s s ON s."threadId"=d."id" JOIN %[6]s f ON f."stepId"=s."id"),
mute AS (DELETE FROM %[6]s f USING votes v WHERE f."id"=v."id"),
torn AS (DELETE FROM %[9]s e USING doomed d WHERE e."threadId"=d."id" RETURNING e."id",e."objectKey"),
cut AS (DELETE FROM %[8]s s USING doomed d WHERE s."threadId"=d."id"),
gone AS (DELETE FROM %[10]s t USING doomed d WHERE t."id"=d."id" RETURNING 1)%[11]s%[12]s
SELECT count(*),%[13]s FROM gone`, l.owner("t"), l.table("threads"), pID, pThread, theirs(l.owner("t")),
		feedbacks, ajar, steps, elements, l.target("threads"), l.tomb(), l.lost("torn"), l.keys("torn"))
}
