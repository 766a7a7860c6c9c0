package query

import "strings"

// Rooms of reserved tables.
const (
	ChatRoom  = "chat"
	StateRoom = "state"
)

// conversations are the reserved tables of conversations; see
// [ConversationTables].
var conversations = []Table{
	reservedTable("elements", "id text", "threadId text", "type text", "chainlitKey text", "url text", "objectKey text",
		"name text", "display text", "size text", "language text", "page integer", "props json", "autoPlay boolean",
		"playerConfig json", "forId text", "mime text", "userIdentifier text"),
	reservedTable("feedbacks", "id text", "forId text", "threadId text", "value integer", "comment text", "userIdentifier text"),
	reservedTable("steps", "id text", "threadId text", "parentId text", "name text", "type text", "command text", "modes json",
		"streaming boolean", "waitForAnswer boolean", "isError boolean", "metadata json", "tags json", "input text",
		"output text", "createdAt text", "start text", "end text", "generation json", "showInput text",
		"defaultOpen boolean", "autoCollapse boolean", "language text", "icon text", "userIdentifier text"),
	reservedTable("threads", "id text", "createdAt text", "name text", "userId text", "userIdentifier text", "tags json", "metadata json"),
	reservedTable("users", "id text", "identifier text", "createdAt text", "metadata json"),
}

func reservedTable(name string, columns ...string) Table {
	t := Table{Name: name, Key: "id", Reserved: ChatRoom, Owner: "userIdentifier"}
	if name == "users" {
		t.Owner = "identifier"
	}
	for _, c := range columns {
		column, kind, _ := strings.Cut(c, " ")
		t.Columns = append(t.Columns, Column{Name: column, Type: Type{Kind: Kind(kind)}, Required: column == t.Key})
	}
	return t
}

// ConversationTables are the reserved tables of conversations, as every
// database that keeps conversations shows them, in the order of their names:
//
//	users      id, identifier, createdAt text; metadata json
//	threads    id, createdAt, name, userId, userIdentifier text; tags, metadata json
//	steps      what Chainlit keeps of a step, in the order of its JSON form, then userIdentifier
//	elements   what Chainlit keeps of an element, likewise, then userIdentifier
//	feedbacks  id, forId, threadId text; value integer; comment text; userIdentifier text
//
// userIdentifier is that of the thread to which the row belongs, NULL where the
// thread is nobody's or not stored. It is the owner's column; of users it is
// identifier.
//
// Times are text in the form in which they are stored, and createdAt of a
// thread is its creation. A text, list or object that is empty is NULL, but
// metadata, which is {} then. showInput is the text "true", "false" or a
// language. The input of a step that hides it is NULL: hidden is a step whose
// showInput is "false" or "none", or is not set where its type does not contain
// "message". What was kept beside Chainlit's columns is not shown.
//
// A table of the user with one of these names goes before, as does a versioned
// one.
func ConversationTables() []Table {
	out := make([]Table, len(conversations))
	for i, t := range conversations {
		t.Columns = append([]Column(nil), t.Columns...)
		out[i] = t
	}
	return out
}

// The columns that a versioned table has here beside those that it was declared
// with: those of its newest version.
const (
	StateSeq     = "_seq"     // integer: its position in the table
	StateVersion = "_version" // integer: its number in its row
	StateAt      = "_at"      // time: when it was written
	StateActor   = "_actor"   // text: who wrote it, NULL when unknown
)

// StateTable is the reserved table that shows the rows of a versioned table as
// they are: the newest versions without those that are deletions. Columns are
// those of the declaration in their order, then _seq, _version, _at and
// _actor. Its key is the declaration's where that is one column, else _seq. A
// table of the user with the same name goes before.
func StateTable(name string, columns []Column, key []string, owner string) Table {
	t := Table{Name: name, Key: StateSeq, Reserved: StateRoom, Owner: owner}
	if len(key) == 1 {
		t.Key = key[0]
	}
	t.Columns = append(append(t.Columns, columns...),
		Column{Name: StateSeq, Type: Type{Kind: Integer}, Required: true},
		Column{Name: StateVersion, Type: Type{Kind: Integer}, Required: true},
		Column{Name: StateAt, Type: Type{Kind: Time}, Required: true},
		Column{Name: StateActor, Type: Type{Kind: Text}})
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, t.Key) {
			t.Key, t.Columns[i].Required = t.Columns[i].Name, true
		}
		if strings.EqualFold(t.Columns[i].Name, t.Owner) {
			t.Owner = t.Columns[i].Name
		}
	}
	return t
}
