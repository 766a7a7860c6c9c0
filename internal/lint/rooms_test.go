package lint

import (
	"path"
	"slices"
	"strings"
	"testing"
)

// vocabulary imports nothing of ours, so that every room can speak it.
var vocabulary = []string{"errs", "page", "change"}

// rooms says what the code of a room may import of ours, beside the
// vocabulary. Imports go down only: nouns know no database, a database knows
// the ports it serves, the edges know the nouns, and only the lists at the top
// know which databases there are. A room that is missing here fails the test:
// where it stands is a decision.
var rooms = map[string][]string{
	"errs":   nil,
	"page":   nil,
	"change": nil,

	"chat":          nil,
	"chat/chattest": {"chat", "store"},

	"state":           {"internal/datum"},
	"state/statetest": {"chat", "state", "store"},
	"query":           {"internal/datum"},
	"query/querytest": {"chat", "state", "query", "store"},

	"artifact":              nil,
	"artifact/artifacttest": {"artifact"},

	"component":        {"artifact", "query"},
	"component/yaml":   {"component"},
	"component/bundle": {"artifact", "component"},

	"component/componenttest": {"artifact", "artifact/artifacttest", "component", "query", "store"},

	"todo": {"state"},
	"lake": {"state"},

	"store":                   {"artifact", "chat", "state", "query", "component"},
	"store/internal/sqlmeta":  {"artifact", "store/internal/sqlcore"},
	"store/internal/sqlquery": {"state", "query"},
	"store/internal/rowquery": {"query"},
	"store/internal/sqlcore":  {"chat", "state", "query", "component", "store"},
	"store/memory":            {"artifact", "chat", "state", "query", "component", "store", "store/internal/rowquery", "internal/goid"},
	"store/sqlite":            {"artifact", "analytics", "chat", "state", "query", "component", "store", "store/internal/sqlcore", "store/internal/sqlquery", "store/internal/sqlmeta", "internal/goid"},
	"store/postgres":          {"artifact", "chat", "state", "query", "component", "store", "store/internal/sqlcore", "store/internal/sqlquery", "store/internal/sqlmeta", "internal/goid"},

	"store/mysql": {"artifact", "chat", "state", "query", "component", "store", "store/internal/sqlcore", "store/internal/sqlquery", "store/internal/sqlmeta"},

	// The store on the file beside is given to it; tests give it SQLite.
	"store/duckdb": {"query", "store", "store/sqlite", "store/internal/sqlquery", "internal/duck"},

	"store/dkdc":     {"artifact", "state", "query", "component", "store", "store/sqlite"},
	"store/dynamodb": {"artifact", "chat", "state", "query", "component", "store", "internal/amazon"},

	// The store beside is given to it; tests give it SQLite.
	"store/folder":         {"query", "store", "store/sqlite", "store/folder/csv", "store/folder/parquet", "store/internal/rowquery"},
	"store/folder/csv":     {"query", "store/internal/rowquery"},
	"store/folder/parquet": {"query"},

	"blob/media":    nil,
	"blob":          {"chat", "blob/media"},
	"blob/blobtest": {"blob", "blob/media"},
	"blob/s3":       {"blob", "internal/amazon"},
	"blob/azure":    {"blob"},
	"blob/gcs":      {"blob"},

	"server/wire": {"chat", "state", "lake", "query"},
	"server/keys": nil,
	"server":      {"analytics", "artifact", "chat", "component", "component/yaml", "erasure", "state", "lake", "query", "server/wire", "server/keys", "blob/media"},
	"client":      {"artifact", "chat", "component", "erasure", "query", "state", "lake", "server/wire"},

	"transfer":                 {"chat"},
	"transfer/archive":         {"chat", "transfer"},
	"transfer/archive/parquet": {"chat", "transfer/archive"},
	"transfer/exports":         {"chat", "erasure", "transfer", "transfer/archive", "transfer/archive/parquet"},
	"transfer/archive/literal": {"chat", "transfer/archive"},

	"analytics":        nil,
	"analytics/duckdb": {"analytics", "chat", "state", "internal/duck"},

	"erasure": {"chat"},

	"":    {"analytics", "artifact", "chat", "component", "erasure", "query", "state", "todo", "lake", "store", "blob"},
	"all": {"", "analytics", "analytics/duckdb", "chat", "store", "blob", "blob/s3", "blob/azure", "blob/gcs", "store/memory", "store/sqlite", "store/dkdc", "store/duckdb", "store/folder", "store/postgres", "store/mysql", "store/dynamodb", "transfer/exports"},

	"cmd/varve": {"", "analytics", "all", "artifact", "chat", "component", "component/bundle", "component/yaml", "query", "state", "todo", "lake", "store", "blob", "transfer", "transfer/archive", "transfer/archive/parquet", "transfer/archive/literal", "transfer/exports", "server", "server/keys", "server/wire", "client", "erasure", "internal/config"},
	"bench":     {"", "analytics", "analytics/duckdb", "internal/duck", "all", "chat", "chat/chattest", "state", "store", "store/sqlite", "store/duckdb", "store/postgres", "store/memory", "blob", "transfer", "server", "server/keys", "client", "internal/pgtest", "internal/mytest"},
	// A program of its own to measure beside.
	"bench/floor/hello": nil,

	"internal/amazon":     nil,
	"internal/config":     {"", "chat", "blob", "server"},
	"internal/reference":  nil,
	"internal/goid":       nil,
	"internal/datum":      nil,
	"internal/duck":       nil,
	"internal/pgtest":     {"internal/daemon"},
	"internal/mytest":     {"internal/daemon"},
	"internal/dynamotest": {"internal/daemon"},
	"internal/daemon":     nil,
	"internal/buckettest": {"internal/daemon"},
	"internal/lint":       nil,
}

// libraries says which rooms may use a library that is not Go's own: each has
// one owner, so that its weight reaches nobody else. Tests and benchmarks may
// use any of them.
var libraries = map[string][]string{
	"github.com/google/uuid":                {"chat"},
	"cloud.google.com/go/auth":              {"blob/gcs"},
	"cloud.google.com/go/storage":           {"blob/gcs"},
	"google.golang.org/api":                 {"blob/gcs"},
	"github.com/Azure/azure-sdk-for-go":     {"blob/azure"},
	"github.com/aws/aws-sdk-go-v2":          {"internal/amazon", "store/dynamodb", "blob/s3"},
	"github.com/aws/smithy-go":              {"internal/amazon", "store/dynamodb", "blob/s3"},
	"github.com/jackc/pgx/v5":               {"store/postgres"},
	"github.com/duckdb/duckdb-go/v2":        {"internal/duck"},
	"github.com/apache/arrow-go/v18":        {"internal/duck"},
	"github.com/go-sql-driver/mysql":        {"store/mysql"},
	"github.com/ncruces/go-sqlite3":         {"store/sqlite"},
	"github.com/danielgtaylor/huma/v2":      {"server"},
	"github.com/prometheus/client_golang":   {"server"},
	"github.com/parquet-go/parquet-go":      {"transfer/archive/parquet", "store/folder/parquet"},
	"gocloud.dev":                           {"blob", "blob/s3", "blob/azure", "blob/gcs"},
	"github.com/alecthomas/kong":            {"cmd/varve"},
	"go.yaml.in/yaml/v3":                    {"internal/config", "component/yaml"},
	"github.com/google/go-cmp":              nil,
	"github.com/getkin/kin-openapi":         nil,
	"github.com/santhosh-tekuri/jsonschema": nil,
	"github.com/rogpeppe/go-internal":       nil,
	"golang.org/x/text":                     {"chat", "lake"},
	"golang.org/x/term":                     {"cmd/varve"},
	"golang.org/x/sync/errgroup":            {"analytics/duckdb"},
}

// proofs are packages that only tests and benchmarks import.
var proofs = []string{"bench", "artifact/artifacttest", "chat/chattest", "state/statetest", "component/componenttest", "query/querytest", "internal/pgtest", "internal/mytest", "internal/dynamotest", "internal/daemon", "internal/buckettest"}

func TestRoomsImportDownwards(t *testing.T) {
	for _, s := range allSources(t) {
		allowed, known := rooms[s.room]
		if !known {
			t.Errorf("%s: room %q has no place in the table of %s/internal/lint", s.path, s.room, module)
			continue
		}
		for _, p := range s.imports() {
			to, ours := within(p)
			if !ours || s.test && testMayImport(s.room, to) {
				continue
			}
			if s.test || !slices.Contains(allowed, to) && !(slices.Contains(vocabulary, to) && !slices.Contains(vocabulary, s.room)) {
				t.Errorf("%s: %q may not import %q", s.path, s.room, to)
			}
		}
	}
}

// testMayImport: a test may stand any room beside its own, save that adapters
// stay strangers to each other, unless one is built on another; only memory,
// which is the definition of a store, is held against them.
func testMayImport(from, to string) bool {
	if strings.HasPrefix(to, "cmd/") && from != to {
		return false
	}
	if path.Dir(from) == "store" && path.Dir(to) == "store" {
		return from == to || to == "store/memory" || slices.Contains(rooms[from], to)
	}
	return true
}

func TestLibrariesHaveOneOwner(t *testing.T) {
	for _, s := range allSources(t) {
		if s.test || slices.Contains(proofs, s.room) {
			continue
		}
		for _, p := range s.imports() {
			if _, ours := within(p); ours || !strings.Contains(strings.Split(p, "/")[0], ".") {
				continue
			}
			owners, known := ownersOf(p)
			if !known {
				t.Errorf("%s: %s is a new dependency: enter its owner in internal/lint and its reason in docs/design.md", s.path, p)
			} else if !slices.Contains(owners, s.room) {
				t.Errorf("%s: %s belongs to %q, not to %q", s.path, p, owners, s.room)
			}
		}
	}
}

// within is the room that an import path of this module names.
func within(p string) (room string, ours bool) {
	if p == module {
		return "", true
	}
	return strings.CutPrefix(p, module+"/")
}

// ownersOf finds a library by the longest of its prefixes in the table.
func ownersOf(p string) (owners []string, known bool) {
	for ; p != "."; p = path.Dir(p) {
		if owners, known = libraries[p]; known {
			return owners, true
		}
	}
	return nil, false
}

// The tables themselves must not rot: a name that no longer exists forbids
// nothing.
func TestTheTablesNameWhatExists(t *testing.T) {
	exist, used := map[string]bool{}, map[string]bool{}
	for _, s := range allSources(t) {
		exist[s.room] = true
		for _, p := range s.imports() {
			for ; p != "."; p = path.Dir(p) {
				used[p] = true
			}
		}
	}
	for room := range rooms {
		if !exist[room] {
			t.Errorf("the table of rooms names %q, which does not exist", room)
		}
	}
	for library := range libraries {
		if !used[library] {
			t.Errorf("the table of libraries names %s, which nothing imports", library)
		}
	}
}
