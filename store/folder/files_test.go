package folder_test

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store"
	"github.com/varvedb/varve/store/folder"
)

// place is a folder with a service on it.
type place struct {
	*testing.T
	dir string
	st  store.Store
	db  *query.Service
}

func at(t *testing.T, dir string, o folder.Options) *place {
	st := open(t, dir, o)
	return &place{t, dir, st, query.NewService(st.Query(), query.Options{})}
}

func (p *place) file(name, text string) {
	p.Helper()
	if err := os.WriteFile(filepath.Join(p.dir, name), []byte(text), 0o640); err != nil {
		p.Fatal(err)
	}
}

func (p *place) text(name string) string {
	p.Helper()
	raw, err := os.ReadFile(filepath.Join(p.dir, name))
	if err != nil {
		p.Fatal(err)
	}
	return string(raw)
}

func (p *place) holds(name, want string) {
	p.Helper()
	if got := p.text(name); got != want {
		p.Errorf("%s holds %q, want %q", name, got, want)
	}
}

func (p *place) ask(q query.Question) ([]query.Row, error) {
	r, err := p.db.Execute(p.Context(), q)
	if err != nil {
		return nil, err
	}
	return r.All()
}

func (p *place) do(q query.Question) []query.Row {
	p.Helper()
	rows, err := p.ask(q)
	if err != nil {
		p.Fatal(err)
	}
	return rows
}

// fails wants an error of a kind that says some words.
func (p *place) fails(kind errs.Kind, says string, q query.Question) {
	p.Helper()
	if _, err := p.ask(q); errs.KindOf(err) != kind || !strings.Contains(err.Error(), says) {
		p.Errorf("got %v, want %s: %s", err, kind, says)
	}
}

func (p *place) names() (names []string) {
	p.Helper()
	tables, err := p.db.Tables(p.Context())
	if err != nil {
		p.Fatal(err)
	}
	for _, t := range tables {
		if t.Reserved == "" {
			names = append(names, t.Name)
		}
	}
	return names
}

func TestFilesOfOthersAreTables(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	p.file("people.csv", "id;name;born;score\r\n7;\"Ada; L.\";1815-12-10;1.50\r\n8;Bob;;\r\n")
	p.file("Notes.CSV", "text,n\nfirst,1\nfirst,2\n")
	if got := p.names(); !reflect.DeepEqual(got, []string{"Notes", "people"}) {
		t.Fatal(got)
	}
	rows := p.do(query.From("people").Where(query.Gt("born", time.Date(1800, 1, 1, 0, 0, 0, 0, time.UTC))))
	if want := []query.Row{{"id": int64(7), "name": "Ada; L.", "born": time.Date(1815, 12, 10, 0, 0, 0, 0, time.UTC), "score": 1.5}}; !reflect.DeepEqual(rows, want) {
		t.Errorf("%v", rows)
	}
	p.do(query.Into("people").Rows(query.Row{"id": 9, "name": "", "score": 2}))
	p.do(query.Change("people").Set("name", "Bob \"B\"").Where(query.Eq("id", 8)))
	p.do(query.Remove("people").Where(query.Eq("id", 7)))
	p.holds("people.csv", "id;name;born;score\r\n8;\"Bob \"\"B\"\"\";;\r\n9;\"\";;2.0\r\n")
	if rows := p.do(query.From("people").Where(query.Eq("name", "")).Select("id", "born")); !reflect.DeepEqual(rows, []query.Row{{"id": int64(9), "born": nil}}) {
		t.Errorf("%v", rows)
	}
	if info, err := os.Stat(filepath.Join(p.dir, "people.csv")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("the rights became %v, %v", info.Mode(), err)
	}
	p.fails(errs.Unsupported, "no key", query.Into("Notes").Rows(query.Row{"text": "x"}))
	if rows := p.do(query.From("Notes").Select("n")); !reflect.DeepEqual(rows, []query.Row{{"n": int64(1)}, {"n": int64(2)}}) {
		t.Errorf("without a key: %v", rows)
	}
	if err := p.db.DropTable(t.Context(), "people"); !errors.Is(err, errs.Forbidden) {
		t.Errorf("a file of others was dropped: %v", err)
	}
}

// What Varve wrote into a column keeps its type, whatever it looks like.
func TestTypesStayWhatTheyWere(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	p.file("docs.csv", "id,code,n\n1,abc,5\n")
	p.do(query.Change("docs").Set("code", "42").All())
	p.do(query.Into("docs").Rows(query.Row{"id": 2, "code": "true"}))
	p.holds("docs.csv", "id,code,n\n1,42,5\n2,true,\n")
	again := at(t, p.dir, folder.Options{})
	if rows := again.do(query.From("docs").Select("code")); !reflect.DeepEqual(rows, []query.Row{{"code": "42"}, {"code": "true"}}) {
		t.Errorf("%v", rows)
	}
	again.file("docs.csv", "id,code,n\n1,42,n/a\n") // another program's values count
	if rows := again.do(query.From("docs")); !reflect.DeepEqual(rows, []query.Row{{"id": int64(1), "code": int64(42), "n": "n/a"}}) {
		t.Errorf("%v", rows)
	}
	again.file("docs.csv", "id,size\n1,2\n") // and so do its columns
	if rows := p.do(query.From("docs")); !reflect.DeepEqual(rows, []query.Row{{"id": int64(1), "size": int64(2)}}) {
		t.Errorf("%v", rows)
	}
}

func TestDeclaredFilesAreHeldToTheirTypes(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	p.do(query.Into("docs").Rows(query.Row{"id": "007", "n": 1, "t": ""}, query.Row{"id": "8", "n": nil, "t": nil}))
	text := p.text("docs.csv")
	if !strings.HasPrefix(text, "id,n,t,_fold\n007,1,\"\",") || !strings.Contains(text, "\n8,,,") {
		t.Fatalf("%q", text)
	}
	p.file("docs.csv", "t,id,_fold,n\n,9,train,3\n") // columns may move
	if rows := p.do(query.From("docs")); !reflect.DeepEqual(rows, []query.Row{{"id": "9", "n": int64(3), "t": nil, "_fold": "train"}}) {
		t.Errorf("%v", rows)
	}
	p.file("docs.csv", "id,n,t,_fold\na,1,,\nb,many,,\n")
	p.fails(errs.Invalid, `docs.csv, line 3: the column "n" is of type integer`, query.From("docs"))
	p.file("docs.csv", "id,n,t,_fold\na,1,,\na,2,,\n")
	p.fails(errs.Invalid, `docs.csv, line 3: the key "id" is that of line 2 too`, query.From("docs"))
}

func TestABrokenFileLeavesTheOthers(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	p.file("good.csv", "id\n1\n")
	p.file("cut.csv", "id,a\n1,x\n2\n")
	p.file("quote.csv", "id,a\n1,\"x\n")
	p.file("empty.csv", "")
	p.file("twice.csv", "id,id\n")
	p.file("excel.csv", "PK\x03\x04")
	p.file("broken.parquet", "PAR1 and nothing")
	p.file(strings.Repeat("n", query.MaxName+1)+".csv", "id\n1\n")
	p.file("varve_x.csv", "id\n1\n")
	p.file("plain.txt", "id\n1\n")
	p.file("._good.csv", "\x00")
	if got := p.names(); !reflect.DeepEqual(got, []string{"good"}) {
		t.Errorf("%v", got)
	}
	for table, says := range map[string]string{"cut": "cut.csv, line 3", "quote": "quote.csv, line 2", "empty": "empty.csv is empty", "twice": "twice.csv, line 1", "excel": "excel.csv is a spreadsheet", "broken": "broken.parquet cannot be read"} {
		p.fails(errs.Invalid, says, query.From(table))
		p.fails(errs.Invalid, says, query.Into(table).Rows(query.Row{"id": 5}))
	}
	p.fails(errs.NotFound, "varve_x", query.From("varve_x"))
	if rows := p.do(query.From("good")); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
	p.file("cut.csv", "id,a\n1,x\n2,y\n")
	if rows := p.do(query.From("cut")); len(rows) != 2 {
		t.Errorf("mended: %v", rows)
	}
}

func TestTwoFilesOfOneName(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	p.file("a.csv", "id\n1\n")
	p.file("A.csv", "id\n2\n")
	p.file("b.csv", "id\n1\n")
	p.file("b.parquet", "")
	p.file("c.csv", "id\n1\n")
	p.file("100%.csv", "id\n1\n")
	if got := p.names(); !reflect.DeepEqual(got, []string{"100%", "c"}) {
		t.Errorf("%v", got)
	}
	p.fails(errs.Invalid, `"A.csv" and "a.csv"`, query.From("a"))
	p.fails(errs.Invalid, `"b.csv" and "b.parquet"`, query.From("b"))
	p.fails(errs.Invalid, `"b.csv" and "b.parquet"`, query.Into("b").Rows(query.Row{"id": 2}))
	p.do(query.Into("100%").Rows(query.Row{"id": 2}))
	p.holds("100%.csv", "id\n1\n2\n")
	p.file("100%25.csv", "id\n1\n")
	p.fails(errs.Invalid, "100%25.csv", query.From("100%"))
}

func TestNamesStayInTheFolder(t *testing.T) {
	root := scratch(t)
	if err := os.WriteFile(filepath.Join(root, "secret.csv"), []byte("id\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := at(t, filepath.Join(root, "data"), folder.Options{})
	for table, file := range map[string]string{"../up": "%2E.%2Fup.csv", "a/b": "a%2Fb.csv", `c\d`: "c%5Cd.csv", ".hidden": "%2Ehidden.csv", "nul": "%6Eul.csv", "con.x": "%63on.x.csv", "dot.": "dot%2E.csv", "50%": "50%25.csv", "a b": "a b.csv", "é.csv": "é.csv.csv", "%2F": "%252F.csv"} {
		p.do(query.Into(table).Rows(query.Row{"n": 1}))
		p.text(file)
		if rows := p.do(query.From(table)); len(rows) != 1 {
			t.Errorf("%q: %v", table, rows)
		}
	}
	if all, err := os.ReadDir(root); err != nil || len(all) != 2 {
		t.Errorf("%v, %v", all, err)
	}
	p.file("in.csv", "id\n1\n")
	for link, to := range map[string]string{"out.csv": "../secret.csv", "absolute.csv": filepath.Join(root, "secret.csv"), "nowhere.csv": "gone", "within.csv": "in.csv", "dir.csv": "."} {
		if err := os.Symlink(to, filepath.Join(p.dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(p.dir, "folder.csv"), 0o700); err != nil {
		t.Fatal(err)
	}
	p.fails(errs.Forbidden, "a link out of the folder", query.From("out"))
	p.fails(errs.Forbidden, "a link out of the folder", query.From("absolute"))
	p.fails(errs.Forbidden, "a link to what is not there", query.From("nowhere"))
	p.fails(errs.Invalid, "is no file", query.From("dir"))
	p.fails(errs.NotFound, "folder", query.From("folder"))
	if rows := p.do(query.From("within")); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
	p.fails(errs.Forbidden, "a link, which a write would replace", query.Into("within").Rows(query.Row{"id": 2}))
}

func TestFilesThatAreTooMuch(t *testing.T) {
	p := at(t, scratch(t), folder.Options{Memory: 1000})
	p.file("small.csv", "id,t\n1,"+strings.Repeat("x", 500)+"\n")
	p.file("other.csv", "id,t\n1,"+strings.Repeat("y", 600)+"\n")
	p.file("large.csv", "id,t\n1,"+strings.Repeat("z", 1000)+"\n")
	p.fails(errs.TooLarge, "DuckDB", query.From("large"))
	for range 3 { // one takes the place of the other
		if n := len(p.do(query.From("small"))) + len(p.do(query.From("other"))); n != 2 {
			t.Errorf("%d rows", n)
		}
	}
	p.fails(errs.TooLarge, "?memory=", query.From("small").Join("other", "id", "id"))
	if got := p.names(); !reflect.DeepEqual(got, []string{"other", "small"}) {
		t.Errorf("%v", got)
	}
	p.fails(errs.TooLarge, "small.csv would have", query.Into("small").Rows(query.Row{"id": 2, "t": strings.Repeat("x", 600)}))
	if rows := p.do(query.From("small")); len(rows) != 1 {
		t.Errorf("%v", rows)
	}
	if left, err := filepath.Glob(filepath.Join(p.dir, folder.Own, "new-*")); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// A file that another program wrote in the same moment, as long as it was and
// with the same times, is read anew.
func TestAFileThatLooksTheSame(t *testing.T) {
	p := at(t, scratch(t), folder.Options{})
	for _, when := range []time.Time{time.Now(), time.Now().Truncate(time.Second), time.Now().Add(time.Hour)} {
		for _, n := range []string{"1", "2", "3"} {
			p.file("docs.csv", "id,n\na,"+n+"\n")
			if err := os.Chtimes(filepath.Join(p.dir, "docs.csv"), when, when); err != nil {
				t.Fatal(err)
			}
			if rows := p.do(query.From("docs").Where(query.Eq("n", int64(n[0]-'0')))); len(rows) != 1 {
				t.Errorf("%s at %v is not seen", n, when)
			}
		}
	}
}
