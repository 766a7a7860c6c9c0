package main

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/state"
)

type stateRetain struct {
	Table     string `arg:"" help:"The table."`
	Age       string `help:"Keep the table as it was at any time that is not longer ago: 30d, 12h." placeholder:"TIME"`
	Versions  int64  `help:"Keep so many newest versions of every row, however old." placeholder:"N"`
	Positions int64  `help:"Keep the table as it was at so many newest positions." placeholder:"N"`
}

// Run forgets what none of the bounds covers.
func (s *stateRetain) Run(ctx context.Context, p *program, c *cli) error {
	keep := state.Retention{Versions: s.Versions, Positions: s.Positions}
	if s.Age != "" {
		var err error
		if keep.Age, err = daysOr(s.Age); err != nil {
			return usage{err}
		}
	}
	return c.State.with(ctx, p, false, func(r rooms) error {
		rows, err := r.State.Open(ctx, s.Table)
		if err != nil {
			return err
		}
		gone, err := rows.Retain(ctx, keep)
		if err != nil {
			return err
		}
		horizon := rows.Table().Horizon
		if p.json {
			return writeJSON(p.stdout, map[string]int64{"removed": gone, "horizon": horizon})
		}
		p.say("forgotten: %d of the versions of %s, which can be told from position %d on", gone, line(rows.Table().Name), horizon)
		return nil
	})
}

// daysOr reads a time that may be in days, which Go has none of.
func daysOr(text string) (time.Duration, error) {
	if days, ok := strings.CutSuffix(text, "d"); ok {
		if n, err := strconv.ParseUint(days, 10, 16); err == nil {
			return time.Duration(n) * 24 * time.Hour, nil
		}
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, errs.Field(errs.Invalid, "age", "%q is no time; write 30d, 12h or 90m", text)
	}
	return d, nil
}
