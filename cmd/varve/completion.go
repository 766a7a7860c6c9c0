package main

import (
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"github.com/varvedb/varve/component"
)

type completionCommand struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

//go:embed completion/varve.bash
var bashCompletion string

//go:embed completion/varve.zsh
var zshCompletion string

//go:embed completion/varve.fish
var fishCompletion string

// Run prints a script for a shell. The scripts ask the hidden command complete
// for every word, so that they never lag behind the program.
func (c *completionCommand) Run(p *program) error {
	script := map[string]string{"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion}[c.Shell]
	_, err := io.WriteString(p.stdout, script)
	return err
}

type completeCommand struct {
	Words []string `arg:"" optional:"" passthrough:""`
}

// Run prints what the last of the words after `varve` could become, one a
// line. Nothing means: a file, or whatever the shell thinks.
func (c *completeCommand) Run(p *program, parsed *kong.Context) error {
	words := c.Words
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	for _, w := range complete(parsed.Model.Node, words) {
		if _, err := fmt.Fprintln(p.stdout, w); err != nil {
			return err
		}
	}
	return nil
}

// complete walks the model along the words and lists what fits the last one.
func complete(at *kong.Node, words []string) []string {
	if len(words) == 0 {
		words = []string{""}
	}
	last := words[len(words)-1]
	flags, arguments := slices.Clone(at.Flags), 0
	var open *kong.Flag // waits for its value
	for _, w := range words[:len(words)-1] {
		child := childOf(at, w)
		switch {
		case open != nil:
			open = nil
		case strings.HasPrefix(w, "-"):
			open = waiting(flags, w)
		case child != nil:
			at = child
			flags = append(flags, at.Flags...)
		default:
			arguments++
		}
	}
	if open != nil {
		return fitting(choices(open.Value), last)
	}
	if strings.HasPrefix(last, "-") {
		without := useless(at)
		flags = slices.DeleteFunc(flags, func(f *kong.Flag) bool { return without[f.Name] })
		return fitting(flagNames(flags), last)
	}
	var list []string
	for _, n := range at.Children {
		if !n.Hidden {
			list = append(list, n.Name)
		}
	}
	if arguments < len(at.Positional) {
		list = append(list, choices(at.Positional[arguments])...)
	}
	return fitting(list, last)
}

func childOf(n *kong.Node, name string) *kong.Node {
	for _, c := range n.Children {
		if c.Name == name {
			return c
		}
	}
	return nil
}

// waiting returns the flag that a word names, if its value is the next word.
func waiting(flags []*kong.Flag, word string) *kong.Flag {
	for _, f := range flags {
		if (word == "--"+f.Name || f.Short != 0 && word == "-"+string(f.Short)) && !f.IsBool() {
			return f
		}
	}
	return nil
}

func flagNames(flags []*kong.Flag) []string {
	var names []string
	for _, f := range flags {
		if !f.Hidden {
			names = append(names, "--"+f.Name)
		}
	}
	return names
}

// choices are the values of a flag or argument that has few.
func choices(v *kong.Value) []string {
	switch {
	case v.Enum != "":
		return v.EnumSlice()
	case v.Name == "log-format":
		return []string{"text", "json"}
	case v.Name == "type" && v.Flag == nil:
		return component.Types()
	case v.Name == "scope":
		return []string{"read", "write", "admin"}
	}
	return nil
}

func fitting(list []string, start string) []string {
	list = slices.DeleteFunc(list, func(s string) bool { return !strings.HasPrefix(s, start) })
	slices.Sort(list)
	return list
}
