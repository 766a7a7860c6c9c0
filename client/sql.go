package client

import (
	"context"

	"github.com/varvedb/varve/errs"
)

// SQL asks a server one SELECT about everything it keeps, with ? for the
// arguments. Rows are by the names of columns, with numbers as JSON has them
// (float64). It needs the scope admin and acts for nobody. errs.TooLarge: more
// than 10,000 rows.
func (c *Client) SQL(ctx context.Context, sql string, args ...any) ([]map[string]any, error) {
	if sql == "" {
		return nil, errs.Field(errs.Invalid, "sql", "is empty")
	}
	return post[[]map[string]any](ctx, c, "/v1/sql", struct {
		SQL  string `json:"sql"`
		Args []any  `json:"args,omitempty"`
	}{sql, args})
}
