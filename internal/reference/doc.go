// Package reference keeps the pages of docs/ that are facts about databases:
// what each can do (features.md), and which names in it are Varve's
// (names.md); and the Python classes that are the types of components. Its
// tests ask the databases and the types, and fail when a page says something
// else:
//
//	go test ./internal/reference -args -update   # writes the pages
package reference
