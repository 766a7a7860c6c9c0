// Package component is the room of components: models, listeners, vector
// indexes, schemas, tables and what else an application declares. A component
// is declared and applied; it is stored under its type, its identifier and a
// version, with the components it is made of, and a later declaration is held
// against the stored one.
//
//	plan, err := db.Plan(ctx, &component.Listener{
//		Base:   component.Base{Identifier: "embed"},
//		Key:    component.Raw(`"text"`),
//		Model:  component.To("model", "words"),
//		Select: component.Raw(`{"select":{"from":"docs"}}`),
//	})
//	result, err := db.Apply(ctx, …) // does exactly what Plan says
//
// Nothing changed, nothing is done; a harmless field changed, the record is
// updated in place; a breaking one changed, there is a new version. Which
// fields break is said by their tags. The service checks, compares, plans and
// orders, once for all databases; a database implements [Store].
package component
