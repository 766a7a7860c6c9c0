package lint

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// What a reader of the repository cannot open, it must not point at: a folder
// of somebody's machine, a number in somebody's tracker, a page that was never
// published here.
var outside = []*regexp.Regexp{
	regexp.MustCompile(`(?:^|[\s"'(=])/(?:work|home|Users|root)/[a-z]`),
	regexp.MustCompile(`(?i)\b(?:issue|ticket|bug|pr) ?#\d`),
	regexp.MustCompile(`(?i)\bdecisions? \d`),
	regexp.MustCompile(`\b(?:DESIGN|DECISIONS|FIELD|STYLE)\.md\b`),
	regexp.MustCompile(`\bcontracts/\w`),
	regexp.MustCompile(`(?i)\bcontract(?:'s)? §`),
}

func TestNothingPointsOutsideTheRepository(t *testing.T) {
	err := walk(func(name string, text []byte) error {
		if strings.HasSuffix(name, "internal/lint/words_test.go") {
			return nil
		}
		for n, line := range bytes.Split(text, []byte("\n")) {
			for _, p := range outside {
				if found := p.Find(line); found != nil {
					t.Errorf("%s:%d: %q", name, n+1, found)
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
