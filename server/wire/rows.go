package wire

import "github.com/varvedb/varve/chat"

// RowsAre is what a database can hold of whole threads.
type RowsAre struct {
	Features chat.Features `json:"features"`
	Files    bool          `json:"files" doc:"there is a place for bytes"`
}

// RowUsers are users, by identifier in the order of bytes.
type RowUsers struct {
	Users []chat.User `json:"users" nullable:"false"`
}

// RowIDs are ids of threads.
type RowIDs struct {
	IDs  []string `json:"ids" nullable:"false"`
	Next string   `json:"next,omitempty" doc:"where to go on from; absent at the end"`
}

// Rows are whole threads, with feedback for steps that are not stored in
// looseFeedback.
type Rows struct {
	Threads []chat.Thread `json:"threads" nullable:"false"`
}

// RowsQuery asks for threads by their last activity.
type RowsQuery struct {
	UserID string   `json:"userId,omitempty" doc:"whose"`
	After  *RowHead `json:"after,omitempty" doc:"the last one of the page before"`
	First  int      `json:"first,omitempty" doc:"how many, at most 1000"`
}

// RowHead is a thread in a list.
type RowHead struct {
	ID             string `json:"id"`
	UserIdentifier string `json:"userIdentifier,omitempty"`
	LastActivity   string `json:"lastActivity"`
}

// RowHeads are threads, the latest activity first.
type RowHeads struct {
	Threads []RowHead `json:"threads" nullable:"false"`
}

// HeadOf is a thread in a list on the wire.
func HeadOf(t chat.Thread) RowHead {
	return RowHead{ID: t.ID, UserIdentifier: t.UserIdentifier, LastActivity: t.LastActivity}
}

// QueryOf is a query on the wire.
func QueryOf(q chat.ThreadQuery) RowsQuery {
	out := RowsQuery{UserID: q.UserID, First: q.Limit}
	if q.After != nil {
		out.After = &RowHead{ID: q.After.ID, LastActivity: q.After.LastActivity}
	}
	return out
}

// Query is the query, for at most a number of threads.
func (q RowsQuery) Query(most int) chat.ThreadQuery {
	out := chat.ThreadQuery{ThreadFilter: chat.ThreadFilter{UserID: q.UserID}, Limit: most}
	if q.First > 0 {
		out.Limit = min(q.First, most)
	}
	if q.After != nil {
		out.After = &chat.Place{LastActivity: q.After.LastActivity, ID: q.After.ID}
	}
	return out
}

// RowKeys are object keys.
type RowKeys struct {
	Keys []string `json:"keys" nullable:"false"`
}

// RowSums is what bytes are, by their keys; those that are not there are left
// out.
type RowSums struct {
	Sums map[string]chat.Sum `json:"sums" nullable:"false"`
}
