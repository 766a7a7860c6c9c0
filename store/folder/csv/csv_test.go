package csv_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/query"
	"github.com/varvedb/varve/store/folder/csv"
)

// read infers and reads a file.
func read(text string) (*csv.Content, error) {
	shape, err := csv.Infer("f.csv", text)
	if err != nil {
		return nil, err
	}
	return csv.Read("f.csv", text, shape, true)
}

// told are the columns and rows of a file in one line.
func told(c *csv.Content) string {
	var b strings.Builder
	for _, column := range c.Columns {
		fmt.Fprintf(&b, "%s:%s ", column.Name, column.Type)
	}
	fmt.Fprintf(&b, "key=%s", c.Key)
	for _, row := range c.Rows {
		fmt.Fprintf(&b, " |")
		for _, v := range row {
			if s, ok := v.(string); ok {
				v = fmt.Sprintf("%q", s)
			}
			fmt.Fprintf(&b, " %v", v)
		}
	}
	return b.String()
}

func TestWhatAFileHolds(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"integers and text":              {"id,a\n1,x\n2,y\n", `id:integer a:text key=id | 1 "x" | 2 "y"`},
		"a header alone":                 {"a,b\n", `a:text b:text key=a`},
		"a header without a line end":    {"a,b", `a:text b:text key=a`},
		"a last line without an end":     {"a,b\n1,2", `a:integer b:integer key=a | 1 2`},
		"empty is NULL, quoted is text":  {"a,b\nx,\ny,\"\"\n", `a:text b:text key=a | "x" <nil> | "y" ""`},
		"only NULL is text":              {"a,b\n1,\n2,\n", `a:integer b:text key=a | 1 <nil> | 2 <nil>`},
		"NULL beside integers":           {"a,b\nx,1\ny,\n", `a:text b:integer key=a | "x" 1 | "y" <nil>`},
		"zeros that lead are no numbers": {"a\n007\n8\n", `a:text key=a | "007" | "8"`},
		"signs and spaces are none":      {"a,b,c\n+1,-0, 1\n", `a:text b:text c:text key=a | "+1" "-0" " 1"`},
		"integers over 64 bits":          {"a\n1180591620717411303424\n", `a:text key=a | "1180591620717411303424"`},
		"the largest integers":           {"a\n9223372036854775807\n-9223372036854775808\n", `a:integer key=a | 9223372036854775807 | -9223372036854775808`},
		"one over the largest":           {"a\n9223372036854775808\n", `a:text key=a | "9223372036854775808"`},
		"reals":                          {"a,b\nx,1.50\ny,-2e-3\nz,3\n", `a:text b:real key=a | "x" 1.5 | "y" -0.002 | "z" 3`},
		"reals with too many digits":     {"a\n0.12345678901234567890\n", `a:text key=a | "0.12345678901234567890"`},
		"integers that no real is":       {"a\n1.5\n9007199254740993\n", `a:text key=a | "1.5" | "9007199254740993"`},
		"no reals":                       {"a,b,c,d,e,f\n1.,.5,1e400,NaN,Infinity,0x1p-2\n", `a:text b:text c:text d:text e:text f:text key=a | "1." ".5" "1e400" "NaN" "Infinity" "0x1p-2"`},
		"booleans":                       {"a,b,c\nx,true,True\ny,false,FALSE\n", `a:text b:boolean c:boolean key=a | "x" true true | "y" false false`},
		"yes is text":                    {"a\nyes\nno\n", `a:text key=a | "yes" | "no"`},
		"times":                          {"a,b\nx,2026-01-02T03:04:05Z\ny,2026-01-02 03:04:05.123456\nz,2026-01-02\n", `a:text b:time key=a | "x" 2026-01-02 03:04:05 +0000 UTC | "y" 2026-01-02 03:04:05.123456 +0000 UTC | "z" 2026-01-02 00:00:00 +0000 UTC`},
		"times of nanoseconds":           {"a\n2026-01-02T03:04:05.123456789Z\n", `a:text key=a | "2026-01-02T03:04:05.123456789Z"`},
		"no times":                       {"a,b\n02.01.2026,2026-02-30\n", `a:text b:text key=a | "02.01.2026" "2026-02-30"`},
		"one word among numbers":         {"a,b\n1,1\n2,n/a\n", `a:integer b:text key=a | 1 "1" | 2 "n/a"`},
		"quotes do not make text":        {"a,b\n\"1\",\"2\"\n", `a:integer b:integer key=a | 1 2`},
		"quotes, separators, line ends":  {"a,b\n\"x \"\"y\"\"\",\"1,2\n3\r\n4\r5\"\n", `a:text b:text key=a | "x \"y\"" "1,2\n3\r\n4\r5"`},
		"CR LF":                          {"a,b\r\n1,2\r\n", `a:integer b:integer key=a | 1 2`},
		"a byte order mark":              {"\ufeffid,b\n1,2\n", `id:integer b:integer key=id | 1 2`},
		"a mark and quotes":              {"\ufeff\"id\",b\n1,2\n", `id:integer b:integer key=id | 1 2`},
		"semicolons":                     {"a;b\n1;2,5\n", `a:integer b:text key=a | 1 "2,5"`},
		"tabs":                           {"a\tb\n1\tx, y; z\n", `a:integer b:text key=a | 1 "x, y; z"`},
		"commas in a quoted header":      {"\"a, b, c\";d\n1;2\n", `a, b, c:integer d:integer key=a, b, c | 1 2`},
		"blank lines":                    {"\na,b\n\n1,2\n\n\n3,4\n\n", `a:integer b:integer key=a | 1 2 | 3 4`},
		"one column":                     {"a\nx\n\"\"\n\ny\n", `a:text key= | "x" | "" | "y"`},
		"names that are empty":           {",a,\n0,1,2\n", `column_1:integer a:integer column_3:integer key=column_1 | 0 1 2`},
		"the key is id":                  {"a,ID\nx,1\ny,2\n", `a:text ID:integer key=ID | "x" 1 | "y" 2`},
		"the key is the first":           {"a,id\nx,1\ny,1\n", `a:text id:integer key=a | "x" 1 | "y" 1`},
		"there is none":                  {"a,id\nx,1\nx,1\n", `a:text id:integer key= | "x" 1 | "x" 1`},
		"a real is no key":               {"a,b\n1.5,1\n", `a:real b:integer key= | 1.5 1`},
		"long text is no key":            {"a\n" + strings.Repeat("k", query.MaxKey+1) + "\n", "a:text key= | \"" + strings.Repeat("k", query.MaxKey+1) + "\""},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := read(c.text)
			if err != nil {
				t.Fatal(err)
			}
			if told(got) != c.want {
				t.Errorf("got  %s\nwant %s", told(got), c.want)
			}
			var again strings.Builder
			if err := got.Write(&again); err != nil || strings.TrimRight(again.String(), "\r\n") != strings.TrimRight(c.text, "\r\n") {
				t.Errorf("written back it is %q, %v", again.String(), err)
			}
		})
	}
}

func TestWhatIsNoFile(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"nothing":                    {"", "f.csv is empty"},
		"blank lines":                {"\n\r\n", "is empty"},
		"a mark":                     {"\ufeff", "is empty"},
		"a row with too few":         {"a,b\n1,2\n3\n", "line 3: has 1 fields, and the first line has 2"},
		"a row with too many":        {"a,b\n1,2,3\n", "line 2: has 3 fields"},
		"a name that is there twice": {"a,b,a\n", `columns 1 and 3 are both called "a"`},
		"names that case tells":      {"a,A\n", "columns 1 and 2 are both called"},
		"a quote that is not closed": {"a,b\n1,2\n3,\"x\ny\n", "line 3: the file ends inside the quoted field 2"},
		"a quote in the middle":      {"a\nx\"y\n", "line 2: a quote stands inside field 1"},
		"something after a quote":    {"a\n\"x\"y\n", "line 2: something follows the closing quote"},
		"CR alone":                   {"a,b\r1,2\r", "line 1: a carriage return stands alone"},
		"NUL":                        {"a,b\n1,\x00\n", "line 2: there is the character NUL"},
		"no UTF-8":                   {"a,b\n1,2\n3,caf\xe9\n", "line 3: there are bytes that are not UTF-8"},
		"UTF-16":                     {"\xff\xfea\x00", "is UTF-16"},
		"a spreadsheet":              {"PK\x03\x04...", "is a spreadsheet"},
		"a Parquet file":             {"PAR1...", "should end in .parquet"},
		"gzip":                       {"\x1f\x8b...", "is compressed"},
		"a line after lines":         {"a,b\n\"1\n2\n3\",4\n5\n", "line 5: has 1 fields"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := read(c.text)
			if errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), "f.csv") {
				t.Errorf("%v, want %q", err, c.says)
			}
		})
	}
	big := "a\n" + strings.Repeat("x", query.MaxText+1) + "\n"
	if _, err := read(big); errs.KindOf(err) != errs.TooLarge || !strings.Contains(err.Error(), "line 2: field 1") {
		t.Errorf("a gigantic field: %v", err)
	}
	if c, err := read("a,b\n" + strings.Repeat("x", 1<<20) + ",1\n"); err != nil || len(c.Rows[0][0].(string)) != 1<<20 {
		t.Errorf("a line of a megabyte: %v", err)
	}
}

func TestDeclaredColumns(t *testing.T) {
	shape := csv.Shape{Key: "k", Columns: []query.Column{{Name: "k", Type: query.Type{Kind: query.Text}}, {Name: "n", Type: query.Type{Kind: query.Integer}}, {Name: "v", Type: query.Type{Kind: query.Vector, Shape: []int{2}}}}}
	c, err := csv.Read("f.csv", "v,k,n\n\"[1,2.5]\",007,5\n", shape, false)
	if err != nil || told(c) != `v:vector[2] k:text n:integer key=k | [1 2.5] "007" 5` {
		t.Fatalf("%v, %v", told(c), err)
	}
	for text, says := range map[string]string{
		"k,n,v\na,x,\n":            `line 2: the column "n" is of type integer`,
		"k,n,v\na,1,\nb,1.5,\n":    `line 3: the column "n"`,
		"k,n,v\na,1,\"[1,2,3]\"\n": `the column "v" is of type vector[2]`,
		"k,n,v\na,1,\na,2,\n":      `line 3: the key "k" is that of line 2 too: "a"`,
		"k,n,v\n,1,\n":             `line 2: the key "k" is empty`,
		"k,n\na,1\n":               "there are 2 columns of the table's 3",
		"k,n,x\na,1,\n":            `the column "x" is not one of the table's`,
	} {
		if _, err := csv.Read("f.csv", text, shape, false); errs.KindOf(err) != errs.Invalid || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v, want %q", text, err, says)
		}
	}
}

// A change writes the fields that change and nothing else.
func TestChangesLeaveTheRest(t *testing.T) {
	c, err := read("\ufeffid;\"a\";b;c\r\n1;\"x\";1.50;TRUE\r\n2;y;2.0;False")
	if err != nil {
		t.Fatal(err)
	}
	if c.Lines[0], err = c.Changed(c.Lines[0], []query.Assign{{Column: 1, Value: "a;b"}}); err != nil {
		t.Fatal(err)
	}
	line, err := c.Line([]any{int64(3), nil, 4.0, true})
	if err != nil {
		t.Fatal(err)
	}
	c.Lines = append(c.Lines, line)
	var b strings.Builder
	if err := c.Write(&b); err != nil || b.String() != "\ufeffid;\"a\";b;c\r\n1;\"a;b\";1.50;TRUE\r\n2;y;2.0;False\r\n3;;4.0;true\r\n" {
		t.Errorf("%q, %v", b.String(), err)
	}
}
