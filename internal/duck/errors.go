//go:build cgo && !no_duckdb

package duck

import (
	"context"
	"errors"
	"slices"
	"strings"
	"syscall"

	"github.com/duckdb/duckdb-go/v2/mapping"

	"github.com/varvedb/varve/errs"
)

// ErrDamaged is in the chain of an error that says that a file, or the engine
// that read it, cannot be trusted any more: close it and make it anew.
var ErrDamaged = errors.New("the engine's file is damaged")

// The names that the engine puts before its messages, by what they mean. It is
// its only code where a statement is prepared.
var (
	mistakes = []string{"Parser", "Binder", "Catalog", "Conversion", "Invalid Input", "Out of Range", "Syntax",
		"Parameter Not Resolved", "Parameter Not Allowed", "Expression", "Divide by Zero", "Mismatch Type", "Invalid type",
		"Decimal", "Not implemented", "Constraint", "Sequence", "Dependency", "Settings", "Invalid Configuration"}
	damages = []string{"IO", "FATAL", "INTERNAL", "Serialization", "Corruption"}
)

// full is how the system says that a disk is, which the engine repeats: it has
// no code for it.
var full = strings.ToLower(syscall.ENOSPC.Error())

// failure is the error for a message of the engine's. What it repeats of the
// statement, below the first line, is left out.
func failure(message string) error {
	first, _, _ := strings.Cut(message, "\n")
	name, detail, ok := strings.Cut(first, " Error: ")
	if !ok {
		name, detail = "", first
	}
	switch {
	case slices.Contains(mistakes, name):
		return errs.Field(errs.Invalid, "sql", "%s", detail)
	case name == "Permission":
		return errs.Field(errs.Forbidden, "sql", "%s", detail)
	case name == "Out of Memory":
		return errs.Field(errs.TooLarge, "sql", "the statement needs more memory than it may have; ask for less, or raise the limit")
	case name == "Missing Extension", name == "Extension", name == "HTTP", name == "Network":
		return errs.Field(errs.Unsupported, "sql", "%s", detail)
	case name == "INTERRUPT":
		return context.Canceled
	case name == "IO" && strings.Contains(strings.ToLower(first), full):
		return errs.Wrap(errs.Unavailable, errors.Join(ErrDamaged, errors.New(first)), "the disk of the analytical engine's file is full; free some space on it and try again")
	case slices.Contains(damages, name):
		return errs.Wrap(errs.Internal, errors.Join(ErrDamaged, errors.New(first)), "the analytical engine failed")
	}
	return errs.Wrap(errs.Internal, errors.New(first), "the analytical engine failed")
}

// resultError is the error of a result.
func resultError(ctx context.Context, r *mapping.Result) error {
	if ctx.Err() != nil && mapping.ResultErrorType(r) == mapping.ErrorTypeInterrupt {
		return context.Cause(ctx)
	}
	return failure(mapping.ResultError(r))
}
