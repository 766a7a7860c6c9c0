package postgres_test

import (
	"os"
	"strings"
	"testing"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/internal/pgtest"
)

// bare is what a database of somebody else's can do that was left as it is.
var bare = chat.Features{Transactions: true}

// fixture makes a database with tables of somebody else's. edits are run on it.
func fixture(t testing.TB, name string, edits ...string) string {
	t.Helper()
	url := pgtest.New(t)
	pgtest.Exec(t, url, fixtureSQL(t, name))
	for _, edit := range edits {
		pgtest.Exec(t, url, edit)
	}
	return url
}

func fixtureSQL(t testing.TB, name string) string {
	t.Helper()
	sql, err := os.ReadFile("testdata/" + name + ".sql")
	if err != nil {
		t.Fatal(err)
	}
	return string(sql)
}

func TestForeign(t *testing.T) {
	anyID := bare
	anyID.AnyID = true
	for _, variant := range []struct {
		name, schema string
		features     chat.Features
		edits        []string
	}{
		{"documented", "documented", bare, nil},
		{"oldest published", "oldest", bare, nil},
		{"before commands, modes and defaultOpen", "documented", bare, []string{
			`ALTER TABLE steps DROP COLUMN command, DROP COLUMN modes, DROP COLUMN "defaultOpen"`,
			`ALTER TABLE elements DROP COLUMN props`}},
		{"with what people add", "documented", bare, []string{
			`ALTER TABLE steps ADD "autoCollapse" BOOLEAN, ADD tenant TEXT NOT NULL, ADD n INT NOT NULL`,
			`ALTER TABLE elements ADD "autoPlay" BOOLEAN, ADD "playerConfig" JSONB`,
			`ALTER TABLE threads ALTER metadata SET DEFAULT '{}', ALTER metadata SET NOT NULL, ADD pinned BOOLEAN NOT NULL`}},
		{"text everywhere", "text", anyID, nil},
	} {
		t.Run(strings.ReplaceAll(variant.name, " ", "_"), func(t *testing.T) {
			suites(t, variant.features, fixture(t, variant.schema, variant.edits...))
		})
	}
}

func TestBouncer(t *testing.T) {
	t.Run("own", func(t *testing.T) { suites(t, full, pgtest.Bouncer(t, pgtest.New(t))) })
	t.Run("foreign", func(t *testing.T) { suites(t, bare, pgtest.Bouncer(t, fixture(t, "documented"))) })
}
