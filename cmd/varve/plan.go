package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/varvedb/varve/component"
)

// marks are what a line of a plan begins with, and its colour on a terminal.
var marks = map[component.Verb]struct{ sign, colour, did, will string }{
	component.Create:    {"+", "32", "created", "create"},
	component.Recreate:  {"+", "32", "created", "create"},
	component.Revise:    {"~", "33", "updated", "update"},
	component.Unchanged: {" ", "", "unchanged", "leave"},
}

// printPlan tells people what is done, or was: every component that is
// touched, with what differs, and how many are not.
func (p *program) printPlan(plan component.Plan, done bool) error {
	for _, a := range plan.Actions {
		if a.Do == component.Unchanged {
			continue
		}
		m := marks[a.Do]
		verb := m.will
		if done {
			verb = m.did
		}
		text := fmt.Sprintf("%s %-7s  %s", m.sign, verb, line(a.Ref.String()))
		if a.Status != component.Ready && a.Reason != "" {
			text += fmt.Sprintf("  (%s: %s)", a.Status, line(a.Reason))
		}
		fmt.Fprintln(p.stdout, p.coloured(m.colour, text))
		for _, c := range a.Changes {
			for _, d := range differences(c.Field, c.Old, c.New) {
				if c.Breaks {
					d += "  (breaks)"
				}
				fmt.Fprintln(p.stdout, "             "+d)
			}
		}
	}
	for _, t := range plan.Tables {
		verb := "make"
		if done {
			verb = "made"
		}
		fmt.Fprintln(p.stdout, p.coloured("32", fmt.Sprintf("+ %-7s  the table %s", verb, line(t))))
	}
	if !done {
		p.print("to create: %d, to update: %d, unchanged: %d; nothing was done yet", len(plan.Created), len(plan.Updated), len(plan.Unchanged))
		return nil
	}
	p.print("created: %d, updated: %d, unchanged: %d", len(plan.Created), len(plan.Updated), len(plan.Unchanged))
	return nil
}

// coloured is a text in a colour, where a person sees it and wants colours.
func (p *program) coloured(colour, text string) string {
	if colour == "" || !terminal(p.stdout) || slices.ContainsFunc(p.environ, func(v string) bool {
		return strings.HasPrefix(v, "NO_COLOR=") && v != "NO_COLOR=" || v == "TERM=dumb"
	}) {
		return text
	}
	return "\x1b[" + colour + "m" + text + "\x1b[0m"
}

// widestValue is how much of a value a plan shows.
const widestValue = 48

// differences are the fields in which two values differ, down to where they
// are no objects any more, each as "path: old → new".
func differences(path string, before, after json.RawMessage) []string {
	was, isObject := object(before)
	now, alsoObject := object(after)
	if !isObject || !alsoObject {
		return []string{difference(path, before, after)}
	}
	names := map[string]bool{}
	for name := range was {
		names[name] = true
	}
	for name := range now {
		names[name] = true
	}
	var out []string
	for _, name := range sortedNames(names) {
		if !bytes.Equal(was[name], now[name]) {
			out = append(out, differences(path+"."+name, was[name], now[name])...)
		}
	}
	return out
}

func difference(path string, before, after json.RawMessage) string {
	a, b := short(string(before), widestValue), short(string(after), widestValue)
	switch {
	case before == nil:
		return line(path) + ": " + b
	case after == nil:
		return line(path) + ": " + a + " → nothing"
	case a == b: // they differ behind what is shown
		a, b = apart(string(before), string(after))
	}
	return line(path) + ": " + a + " → " + b
}

// apart shows two long values from just before where they differ.
func apart(a, b string) (string, string) {
	x, y := []rune(a), []rune(b)
	i := 0
	for i < len(x) && i < len(y) && x[i] == y[i] {
		i++
	}
	from := max(0, i-8)
	return "…" + short(string(x[from:]), widestValue), "…" + short(string(y[from:]), widestValue)
}

// object is a value's fields, if it is an object that has some.
func object(raw json.RawMessage) (map[string]json.RawMessage, bool) {
	if len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	var o map[string]json.RawMessage
	err := json.Unmarshal(raw, &o)
	return o, err == nil && len(o) > 0
}

func sortedNames(names map[string]bool) []string {
	out := make([]string, 0, len(names))
	for name := range names {
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
