// Package reference keeps the pages of docs/ that are facts about databases:
// what each can do (features.md), and which names in it are Varve's
// (names.md). Its tests ask the databases and fail when a page says something
// else:
//
//	go test ./internal/reference -args -update   # writes the pages
package reference
