package sqlite

import "github.com/varvedb/varve/store/internal/sqlcore"

// writeSQL holds the texts of the statements that write.
type writeSQL struct {
	stepHead, elementHead, threadHead string
	insertThread                      string
	insertStep, updateStep            string
	insertElement, updateElement      string
	insertUser, insertFeedback        string
	stepPatches, elementPatches       *sqlcore.Patches
	fillThread, fillStep, fillElement []any
	fillUser, fillFeedback            []any
}

func newWriteSQL(p *schema) writeSQL {
	s, c := p.core.Schema, p.core
	var q writeSQL
	q.threadHead = `SELECT "id","userIdentifier" FROM threads WHERE "id"=?`
	q.stepHead = `SELECT s."threadId",s.rowid,t."id",t."userIdentifier" FROM (SELECT 1)` +
		` LEFT JOIN steps s ON s."id"=?1 LEFT JOIN threads t ON t."id"=coalesce(s."threadId",?2)`
	q.elementHead = `SELECT e."threadId",e.rowid,e."objectKey",t."id",t."userIdentifier" FROM (SELECT 1)` +
		` LEFT JOIN elements e ON e."id"=?1 LEFT JOIN threads t ON t."id"=?2`

	q.insertThread, q.fillThread = sqlcore.Insert("threads", c.ThreadMap.Names(), c.ThreadMap.Fill)
	q.insertStep, q.fillStep = sqlcore.Insert("steps", c.StepMap.Names(), c.StepMap.Fill)
	q.insertElement, q.fillElement = sqlcore.Insert("elements", c.ElementMap.Names(), c.ElementMap.Fill)
	q.updateStep = sqlcore.Update("steps", c.StepMap.Names())
	q.updateElement = sqlcore.Update("elements", c.ElementMap.Names())
	q.stepPatches = &sqlcore.Patches{Table: "steps", Columns: c.StepMap.Names()}
	q.elementPatches = &sqlcore.Patches{Table: "elements", Columns: c.ElementMap.Names()}

	users := sqlcore.Map(s.Users, sqlcore.UserFields())
	q.insertUser, q.fillUser = sqlcore.Insert("users", users.Names(), users.Fill)
	votes := sqlcore.Map(s.Feedbacks, sqlcore.VoteFields())
	q.insertFeedback, q.fillFeedback = sqlcore.Insert("feedbacks", votes.Names(), votes.Fill)
	return q
}
