package postgres

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/varvedb/varve/change"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/internal/sqlcore"
)

// Chat implements store.Tx.
func (in inner) Chat() chat.Store { return rooms{at: in} }

var _ store.Tx = inner{}

// horizon is the first position that a transaction still running may yet
// write: the number of the oldest one is the upper part of all its positions.
func (l *layout) horizon() string {
	return `(pg_snapshot_xmin(pg_current_snapshot())::text::bigint+` + l.varve("varve_base") + `())<<22`
}

// log returns the layout of a database that keeps a log.
func (s *Store) logged(ctx context.Context) (*layout, error) {
	l, err := outer{s: s}.ground(ctx)
	if err != nil {
		return nil, err
	}
	if !l.founded() {
		return nil, errs.New(errs.Unsupported, "this database keeps no change log; `varve doctor` shows what would be added")
	}
	return l, nil
}

// Changes implements change.Log.
func (s *Store) Changes(ctx context.Context, after int64, limit int) ([]change.Event, error) {
	l, err := s.logged(ctx)
	if err != nil {
		return nil, err
	}
	var events []change.Event
	err = outer{s: s}.Run(ctx, sqlcore.Query{
		SQL: `SELECT position,tbl,key,coalesce(last,''),op,to_char(at AT TIME ZONE 'UTC','YYYY-MM-DD"T"HH24:MI:SS.US"Z"') FROM ` + l.varve("varve_change") +
			` WHERE position>$1 AND position<` + l.horizon() + ` ORDER BY position LIMIT $2`,
		Args: []any{after, limit},
		Each: func(r sqlcore.Row) error {
			got := r.(row)
			at, err := time.Parse(time.RFC3339Nano, got.text(5))
			if err != nil {
				return errs.Wrap(errs.Internal, err, "a note of the change log has no time")
			}
			events = append(events, change.Event{Position: position(got.text(0)), Table: got.text(1), Key: got.text(2),
				Last: got.text(3), Op: change.Op(got.text(4)), At: at})
			return nil
		}})
	return events, err
}

// Head implements change.Log.
func (s *Store) Head(ctx context.Context) (int64, error) {
	l, err := s.logged(ctx)
	if err != nil {
		return 0, err
	}
	var head int64
	err = outer{s: s}.Run(ctx, sqlcore.Query{
		SQL: `SELECT coalesce(max(position),0) FROM ` + l.varve("varve_change") + ` WHERE position<` + l.horizon(),
		Each: func(r sqlcore.Row) error {
			head = position(r.(row).text(0))
			return nil
		}})
	return head, err
}

var _ change.Stamper = (*Store)(nil)

// Stamp implements change.Stamper: where the log and every table have come to,
// in one round trip.
func (s *Store) Stamp(ctx context.Context) (stamp string, err error) {
	l, err := s.logged(ctx)
	if err != nil {
		return "", err
	}
	sql := `SELECT coalesce(max(position),0)::text`
	if l.has(stateVersion) {
		sql += `||';'||coalesce((SELECT string_agg(concat_ws(' ',name,edition,generation,horizon,seq),',' ORDER BY name) FROM ` + l.varve("varve_table") + `),'')`
	}
	err = outer{s: s}.Run(ctx, sqlcore.Query{
		SQL: sql + ` FROM ` + l.varve("varve_change") + ` WHERE position<` + l.horizon(),
		Each: func(r sqlcore.Row) error {
			stamp = r.(row).text(0)
			return nil
		}})
	return stamp, err
}

func position(text string) int64 {
	n, _ := strconv.ParseInt(text, 10, 64) // of a BIGINT: cannot fail
	return n
}

// secret returns a secret, of whichever process was first to make it.
func (l *layout) secret(ctx context.Context, at access, name string) ([]byte, error) {
	fresh := make([]byte, 32)
	rand.Read(fresh)
	var text string
	err := at.write(ctx, sqlcore.Query{
		SQL:  `INSERT INTO ` + l.varve("varve_meta") + ` (key,value) VALUES ($1,$2) ON CONFLICT (key) DO NOTHING`,
		Args: []any{"secret." + name, hex.EncodeToString(fresh)},
	}, sqlcore.Query{
		SQL:  `SELECT value FROM ` + l.varve("varve_meta") + ` WHERE key=$1`,
		Args: []any{"secret." + name},
		Each: func(r sqlcore.Row) error {
			text, _ = r.Text(0)
			return nil
		}})
	if err != nil {
		return nil, err
	}
	secret, err := hex.DecodeString(text)
	if err != nil {
		return nil, errs.New(errs.Internal, "the secret %q in varve_meta is damaged", name)
	}
	return secret, nil
}
