package lint

import (
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	dropped = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// A page that moved takes the links to it along.
func TestLinksLeadSomewhere(t *testing.T) {
	pages := map[string]string{}
	err := walk(func(name string, text []byte) error {
		if path.Ext(name) == ".md" {
			pages[name] = string(text)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range pages {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			target, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(target, ":") || strings.HasPrefix(target, "/") {
				continue // another site, or a path of somebody's application
			}
			to := name
			if target != "" {
				to = path.Join(path.Dir(name), target)
			}
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: %s leads nowhere", name, m[1])
			} else if anchor != "" && !hasHeading(pages[to], anchor) {
				t.Errorf("%s: %s has no heading %q", name, to, anchor)
			}
		}
	}
}

// hasHeading looks for a heading under the anchor that Git hosts give it.
func hasHeading(page, anchor string) bool {
	for _, m := range heading.FindAllStringSubmatch(page, -1) {
		slug := dropped.ReplaceAllString(strings.ToLower(m[1]), "")
		if strings.ReplaceAll(slug, " ", "-") == anchor {
			return true
		}
	}
	return false
}
