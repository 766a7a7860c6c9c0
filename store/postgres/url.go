package postgres

import (
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/varvedb/varve/errs"
)

// schemaKey is the URL parameter for the schema of Chainlit's tables.
const schemaKey = "chat_schema"

// connections is the size of the pool where the URL does not say pool_max_conns:
// enough for the server to write many commits with one flush.
const connections = "16"

// shapeParam is the URL parameter for which of Chainlit's schemas is meant.
const shapeParam = "schema"

// asked is what a URL asks for beyond a connection.
type asked struct {
	chat     string // the schema of Chainlit's tables
	official bool   // its official tables
}

// parse reads a URL. Errors never quote it, since it may hold a password.
func parse(raw string) (config *pgxpool.Config, ask asked, err error) {
	bad := errs.Field(errs.Invalid, "url", "is not a PostgreSQL URL such as postgres://user@host:5432/database")
	u, err := url.Parse(raw)
	if err != nil {
		return nil, asked{}, bad
	}
	scheme, _, _ := strings.Cut(u.Scheme, "+")
	if scheme != "postgres" && scheme != "postgresql" {
		return nil, asked{}, bad
	}
	u.Scheme = scheme
	q := u.Query()
	ask.chat = q.Get(schemaKey)
	q.Del(schemaKey)
	switch q.Get(shapeParam) {
	case "":
	case officialShape:
		ask.official = true
	default:
		return nil, asked{}, errs.Field(errs.Invalid, "url", "has an unknown %s; it can be %s, or be left out", shapeParam, officialShape)
	}
	q.Del(shapeParam)
	if !q.Has("pool_max_conns") {
		q.Set("pool_max_conns", connections)
	}
	u.RawQuery = q.Encode()
	config, err = pgxpool.ParseConfig(u.String())
	if err != nil {
		return nil, asked{}, bad
	}
	// What goes past the driver's own cache of statements works through a pooler.
	config.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = patience
	}
	return config, ask, nil
}
