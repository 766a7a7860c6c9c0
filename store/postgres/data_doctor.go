package postgres

import (
	"context"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// missingData is what tables of the databackend need that Varve makes.
func (l *layout) missingData() []remedy {
	if l.has(dataVersion) {
		return nil
	}
	m := l.migrations()[dataVersion-1]
	return []remedy{l.ddl("there is no catalogue of the databackend", "no tables can be made through Varve in this database",
		append(split(l.render(m.sql, true)), record(l, dataVersion, m.name))...)}
}

// emptyData drops the catalogue of the databackend, and refuses where it names
// tables: their vectors and files would be bytes and texts that nobody knows.
func (s *Store) emptyData(ctx context.Context, l *layout) ([]string, error) {
	if !l.has(dataVersion) {
		return nil, nil
	}
	name := ""
	err := s.direct().Run(ctx, sqlcore.Query{SQL: `SELECT name FROM ` + l.varve("varve_data_table") + ` LIMIT 1`, Each: func(r sqlcore.Row) error {
		name, _ = r.Text(0)
		return nil
	}})
	if err == nil && name != "" {
		err = errs.New(errs.Conflict, "the table %q was made through Varve; copy it to another database and drop it first", name)
	}
	return []string{`DROP TABLE IF EXISTS ` + l.varve("varve_data_table")}, err
}
