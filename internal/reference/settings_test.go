package reference

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/varvedb/varve/internal/config"
)

func TestThePageOfSettingsNamesEachAndItsExampleLoads(t *testing.T) {
	page := text(t, "../../docs/configuration.md")
	for _, name := range config.Names() {
		if !strings.Contains(page, "\n| `"+name+"` |") {
			t.Errorf("docs/configuration.md does not explain %q", name)
		}
	}
	for _, part := range config.Parts() {
		if !strings.Contains(page, "`"+part+"`") {
			t.Errorf("docs/configuration.md does not name the part %q", part)
		}
	}
	_, rest, _ := strings.Cut(page, "```yaml\n")
	example, _, ok := strings.Cut(rest, "```")
	if !ok {
		t.Fatal("docs/configuration.md has no example")
	}
	file := filepath.Join(t.TempDir(), "varve.yaml")
	if err := os.WriteFile(file, []byte(example), 0o600); err != nil {
		t.Fatal(err)
	}
	c, warnings, err := config.Load(config.Sources{File: file})
	if err != nil || len(warnings) > 0 {
		t.Fatalf("the example does not load: %v %v", err, warnings)
	}
	if lines := strings.Count(example, "\n"); lines < 3 || !c.Set("data") {
		t.Errorf("the example of %d lines sets too little", lines)
	}
}
