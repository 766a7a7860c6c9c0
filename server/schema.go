package server

import (
	"encoding/json"
	"path"
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/page"
	"github.com/varvedb/varve/server/wire"
)

const schemas = "#/components/schemas/"

// describeNouns puts the nouns into the document that marshal themselves. Steps
// and elements are made from the tables of fields that marshal them.
func describeNouns(doc *huma.OpenAPI) {
	r := doc.Components.Schemas
	r.RegisterTypeAlias(reflect.TypeFor[chat.Step](), reflect.TypeFor[stepDoc]())
	r.RegisterTypeAlias(reflect.TypeFor[chat.Element](), reflect.TypeFor[elementDoc]())
	r.RegisterTypeAlias(reflect.TypeFor[chat.User](), reflect.TypeFor[userDoc]())
	r.RegisterTypeAlias(reflect.TypeFor[chat.Thread](), reflect.TypeFor[threadDoc]())
	r.RegisterTypeAlias(reflect.TypeFor[page.Page[chat.Thread]](), reflect.TypeFor[threadsDoc]())
	r.RegisterTypeAlias(reflect.TypeFor[page.Page[chat.User]](), reflect.TypeFor[usersDoc]())
	r.Schema(reflect.TypeFor[wire.Problem](), true, "Problem")
	feedback := r.Schema(reflect.TypeFor[chat.Feedback](), true, "Feedback")

	step := nounSchema("A message or a step of work.", chat.StepFields())
	step.Properties["feedback"] = &huma.Schema{AnyOf: []*huma.Schema{feedback, {Type: "null"}}, ReadOnly: true}
	step.Properties["showInput"] = &huma.Schema{AnyOf: []*huma.Schema{{Type: huma.TypeBoolean}, {Type: huma.TypeString}, {Type: "null"}},
		Description: "true, false, or the name of a language"}
	r.Map()["Step"] = step
	r.Map()["Element"] = nounSchema("A thing attached to a step.", chat.ElementFields())
}

// The types that stand in for self-marshalling nouns in the document.
type (
	stepDoc    struct{}
	elementDoc struct{}
)

func (stepDoc) Schema(huma.Registry) *huma.Schema    { return &huma.Schema{Ref: schemas + "Step"} }
func (elementDoc) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Ref: schemas + "Element"} }

// schemaName names the stand-ins after the nouns they stand in for. Two rooms
// have tables: those with versions are called by their plain name. Components
// and artifacts have their room before theirs.
func schemaName(t reflect.Type, hint string) string {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	switch path.Base(t.PkgPath()) {
	case "query":
		return "Data" + t.Name()
	case "component", "artifact":
		room := path.Base(t.PkgPath())
		return strings.ToUpper(room[:1]) + room[1:] + t.Name()
	}
	return strings.TrimSuffix(huma.DefaultSchemaNamer(t, hint), "Doc")
}

// userDoc is a user on the wire.
type userDoc struct {
	ID          string      `json:"id"`
	CreatedAt   string      `json:"createdAt"`
	Identifier  string      `json:"identifier"`
	DisplayName *string     `json:"display_name" doc:"as it was just sent; it is not stored"`
	Metadata    chat.Object `json:"metadata"`
}

// threadDoc is a thread on the wire.
type threadDoc struct {
	ID              string         `json:"id"`
	CreatedAt       *string        `json:"createdAt" doc:"last activity in listings, creation elsewhere"`
	ThreadCreatedAt *string        `json:"threadCreatedAt"`
	Name            *string        `json:"name"`
	UserID          *string        `json:"userId"`
	UserIdentifier  *string        `json:"userIdentifier"`
	Tags            []string       `json:"tags" nullable:"true"`
	Metadata        chat.Object    `json:"metadata"`
	Steps           []chat.Step    `json:"steps" nullable:"false" doc:"oldest first"`
	Elements        []chat.Element `json:"elements" nullable:"false"`
}

type threadsDoc struct {
	Info page.Info   `json:"pageInfo"`
	Data []threadDoc `json:"data" nullable:"false"`
}

type usersDoc struct {
	Info page.Info `json:"pageInfo"`
	Data []userDoc `json:"data" nullable:"false"`
}

// nounSchema is the schema of a table of fields.
func nounSchema[T any](about string, fields []chat.Field[T]) *huma.Schema {
	s := &huma.Schema{Type: huma.TypeObject, Description: about + " Unknown keys are kept.",
		Properties: map[string]*huma.Schema{}, AdditionalProperties: true, Required: []string{"id"}}
	var zero T
	for _, f := range fields {
		s.Properties[f.Key] = fieldSchema(f.At(&zero))
	}
	s.Properties["id"].Nullable = false
	return s
}

// fieldSchema is the schema of a field by the type its pointer has.
func fieldSchema(p any) *huma.Schema {
	switch p.(type) {
	case **bool:
		return &huma.Schema{Type: huma.TypeBoolean, Nullable: true}
	case **int64:
		return &huma.Schema{Type: huma.TypeInteger, Nullable: true}
	case *[]string:
		return &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{Type: huma.TypeString}, Nullable: true}
	case *chat.Object:
		return &huma.Schema{Type: huma.TypeObject, AdditionalProperties: true, Nullable: true}
	case *json.RawMessage:
		return anyJSON()
	}
	return &huma.Schema{Type: huma.TypeString, Nullable: true}
}

// anyJSON lists the types, since not every reader of schemas takes an empty one
// for anything at all.
func anyJSON() *huma.Schema {
	s := &huma.Schema{Description: "any JSON"}
	for _, t := range []string{huma.TypeObject, huma.TypeString, huma.TypeNumber, huma.TypeBoolean, "null"} {
		s.AnyOf = append(s.AnyOf, &huma.Schema{Type: t})
	}
	s.AnyOf = append(s.AnyOf, &huma.Schema{Type: huma.TypeArray, Items: &huma.Schema{}})
	return s
}

// number is a parameter that is a number in the document and judged by its
// handler.
type number string

func (number) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeInteger} }

// flag is a parameter that is true or false likewise.
type flag string

func (flag) Schema(huma.Registry) *huma.Schema { return &huma.Schema{Type: huma.TypeBoolean} }
