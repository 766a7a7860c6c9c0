package query_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/varvedb/varve/query"
)

var block = regexp.MustCompile("(?s)\n```(query|json)\n(.*?)\n```\n")

// What the page shows must be read by the code.
func TestTheExamplesOfThePageAreQueries(t *testing.T) {
	page, err := os.ReadFile("../docs/query.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := block.FindAllStringSubmatch(string(page), -1)
	if len(blocks) < 10 {
		t.Fatalf("the page has %d examples", len(blocks))
	}
	for _, b := range blocks {
		q, err := query.Parse(b[2])
		if b[1] == "json" {
			q, err = query.Decode([]byte(b[2]))
		}
		if err != nil {
			t.Errorf("%s\n%v", b[2], err)
			continue
		}
		if text, err := query.Format(q); err == nil {
			if again, err := query.Parse(text); err != nil {
				t.Errorf("%s is printed as %s: %v, %v", b[2], text, again, err)
			}
		}
	}
}
