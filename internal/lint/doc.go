// Package lint holds the project to its own rules, by tests that read the
// sources: which room may import which, who may use which library, what a file
// and a comment look like.
//
//	go test ./internal/lint
//
// The tests parse files rather than ask the go command, because the go command
// remembers a test that passed until a file changes that the test itself has
// opened.
package lint
