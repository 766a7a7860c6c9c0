package main

import (
	"strings"
)

type configCommand struct{}

// Run prints what the program was told and where, secrets masked.
func (configCommand) Run(p *program) error {
	lines := p.config.Lines()
	if p.json {
		return writeJSON(p.stdout, map[string]any{"data": lines})
	}
	rows := [][]string{{"SETTING", "VALUE", "FROM"}}
	for _, l := range lines {
		rows = append(rows, []string{l.Name, strings.Join(l.Values, " "), l.Origin})
	}
	return writeTable(p.stdout, rows, "")
}
