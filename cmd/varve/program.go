package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/alecthomas/kong"
	"golang.org/x/term"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/config"
)

// program is one run of varve and what it has to do with the world.
type program struct {
	examining      bool // databases are opened for a doctor
	retaining      bool // databases are opened to be kept: what is old goes
	environ        []string
	stdin          io.Reader
	stdout, stderr io.Writer

	json   bool
	config config.Config
	levels *levels
	log    *slog.Logger
	// reload reads the configuration again, with the same flags.
	reload func() (config.Config, error)
}

// Exit codes.
const (
	exitFailure = 1
	exitUsage   = 2
)

// usage is an error of the one who typed, not of what was done.
type usage struct{ error }

func (u usage) Unwrap() error { return u.error }

// failed ends a run with a code after everything was said.
type failed int

func (f failed) Error() string { return fmt.Sprintf("exit code %d", int(f)) }

// run parses the arguments and runs the command they name.
func (p *program) run(ctx context.Context, args []string) error {
	var c cli
	helped := false
	parser, err := p.parser(&c, &helped)
	if err != nil {
		return errs.Wrap(errs.Internal, err, "the command line")
	}
	p.json = asksForJSON(args) // for errors of the parser
	parsed, err := parser.Parse(args)
	if helped {
		return nil
	}
	if err != nil {
		return usage{errs.Field(errs.Invalid, "", "%s; see `varve --help`", err)}
	}
	p.json = c.JSON
	if err := p.configure(parsed, c.Config); err != nil {
		return usage{err}
	}
	parsed.BindTo(ctx, (*context.Context)(nil))
	return parsed.Run(p, &c)
}

func (p *program) parser(c *cli, helped *bool) (*kong.Kong, error) {
	return kong.New(c, kong.Name("varve"),
		kong.Description("Keeps the data of AI applications: conversations, state, and models next to their data. Settings come from flags, VARVE_… variables and varve.yaml, in this order."),
		kong.Writers(p.stdout, p.stderr),
		kong.Exit(func(int) { *helped = true }),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, FlagsLast: true}), kong.Help(help))
}

// help prints the help of a command with the settings that it has a use for.
func help(o kong.HelpOptions, parsed *kong.Context) error {
	without := useless(parsed.Selected())
	for _, f := range parsed.Model.Flags {
		f.Hidden = f.Hidden || without[f.Name]
	}
	return kong.DefaultHelpPrinter(o, parsed)
}

// useless are the settings that a command, or one that it belongs to, has no use
// for. They may be said all the same, since variables and the file say them to
// every command.
func useless(at *kong.Node) map[string]bool {
	names := map[string]bool{}
	for ; at != nil; at = at.Parent {
		if at.Tag == nil {
			continue
		}
		for name := range strings.SplitSeq(at.Tag.Get("without"), ",") {
			names[name] = true
		}
	}
	return names
}

// asksForJSON looks for --json before anything is parsed.
func asksForJSON(args []string) bool {
	for _, a := range args {
		if a == "--" {
			return false
		}
		if a == "--json" {
			return true
		}
	}
	return false
}

// configure puts flags, environment and file together and starts the log.
func (p *program) configure(parsed *kong.Context, file string) error {
	sources := config.Sources{File: file, Environ: p.environ, Flags: settingFlags(parsed)}
	c, warnings, err := config.Load(sources)
	if err != nil {
		return err
	}
	p.config = c
	p.reload = func() (config.Config, error) {
		c, _, err := config.Load(sources)
		return c, err
	}
	p.levels = newLevels(c.Log)
	if !c.Set("log") && parsed.Selected().Name != "serve" {
		p.levels = newLevels(config.Levels{Default: slog.LevelWarn}) // who typed a command reads its answer
	}
	p.log = newLog(p.stderr, c.LogFormat, p.levels)
	for _, w := range warnings {
		p.log.Warn(w)
	}
	return nil
}

// settingFlags collects the flags on the command line that are settings: those
// tagged config.
func settingFlags(parsed *kong.Context) map[string][]string {
	flags := map[string][]string{}
	for _, at := range parsed.Path {
		if at.Flag == nil || !at.Flag.Tag.Has("config") {
			continue
		}
		switch v := parsed.FlagValue(at.Flag).(type) {
		case string:
			flags[at.Flag.Name] = []string{v}
		case []string:
			flags[at.Flag.Name] = v
		}
	}
	return flags
}

// exit tells people what went wrong and returns the code to end with.
func (p *program) exit(err error) int {
	var code failed
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	if p.json {
		writeJSON(p.stderr, map[string]any{"error": tell(err)})
	} else {
		fmt.Fprintln(p.stderr, "varve:", oneLine(err.Error()))
	}
	if u := (usage{}); errors.As(err, &u) {
		return exitUsage
	}
	return exitFailure
}

type told struct {
	Kind   errs.Kind `json:"kind"`
	Field  string    `json:"field,omitempty"`
	Detail string    `json:"detail"`
}

func tell(err error) told {
	var e *errs.Error
	if !errors.As(err, &e) {
		return told{Kind: errs.KindOf(err), Detail: oneLine(err.Error())}
	}
	bare := *e
	bare.Field = ""
	return told{Kind: e.Kind, Field: e.Field, Detail: oneLine(bare.Error())}
}

func oneLine(s string) string { return strings.Join(strings.Fields(s), " ") }

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// terminal tells whether a person sits at the other end.
func terminal(v any) bool {
	if in, ok := v.(*input); ok {
		v = in.file
	}
	f, ok := v.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}
