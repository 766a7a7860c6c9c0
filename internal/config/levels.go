package config

import (
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Parts are the parts of the program that can be given a level of their own: its
// rooms, and its stores by the schemes of their addresses.
func Parts() []string {
	return []string{"analytics", "chat", "csv", "duckdb", "dynamodb", "memory", "mysql", "postgres", "server", "sqlite", "state"}
}

// Levels say what is logged: from a level on, and other ones for some parts.
type Levels struct {
	Default slog.Level
	Parts   map[string]slog.Level
}

// Of is the level of a part.
func (l Levels) Of(part string) slog.Level {
	if level, ok := l.Parts[part]; ok {
		return level
	}
	return l.Default
}

// String is what [ParseLevels] reads.
func (l Levels) String() string {
	words := []string{strings.ToLower(l.Default.String())}
	for _, part := range slices.Sorted(maps.Keys(l.Parts)) {
		words = append(words, part+"="+strings.ToLower(l.Parts[part].String()))
	}
	return strings.Join(words, ",")
}

// ParseLevels reads "LEVEL", "PART=LEVEL" or several of them with commas, over
// the defaults. A bare LEVEL is for every part that is not named.
func ParseLevels(words []string) (Levels, error) {
	l := Default().Log
	named := map[string]slog.Level{}
	for _, word := range strings.Split(strings.Join(words, ","), ",") {
		part, name, ok := strings.Cut(strings.TrimSpace(word), "=")
		if !ok {
			part, name = "", part
		}
		var level slog.Level
		if !slices.Contains([]string{"debug", "info", "warn", "error"}, name) || level.UnmarshalText([]byte(name)) != nil {
			return l, errs.New(errs.Invalid, "a level is debug, info, warn or error")
		}
		switch {
		case !ok || part == "default":
			l = Levels{Default: level}
		case slices.Contains(Parts(), part):
			named[part] = level
		default:
			return l, errs.New(errs.Invalid, "there is no part %q; known are %s", part, strings.Join(Parts(), ", "))
		}
	}
	parts := maps.Clone(l.Parts)
	if parts == nil {
		parts = map[string]slog.Level{}
	}
	maps.Copy(parts, named)
	l.Parts = parts
	return l, nil
}

func setLog(c *Config, values []string) (err error) {
	c.Log, err = ParseLevels(values)
	return err
}
