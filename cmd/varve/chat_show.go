package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/varvedb/varve/chat"
)

type showCommand struct {
	Thread string `arg:"" help:"The thread's id."`
	Raw    bool   `help:"Show inputs too that people do not see."`
}

// Run shows one thread.
func (s *showCommand) Run(ctx context.Context, p *program, c *cli) error {
	return c.Chat.with(ctx, p, func(api chat.API) error {
		if s.Raw {
			ctx = chat.Raw(ctx)
		}
		t, err := api.Thread(ctx, s.Thread)
		if err != nil {
			return err
		}
		if p.json {
			return writeJSON(p.stdout, t)
		}
		_, err = io.WriteString(p.stdout, threadText(t))
		return err
	})
}

// threadText is a thread for people: steps in order, each indented under its
// parent.
func threadText(t chat.Thread) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n", line(cmp.Or(t.Name, "(no name)")))
	fmt.Fprintf(&b, "thread %s · %s · %s\n", line(t.ID), line(cmp.Or(t.UserIdentifier, t.UserID, "nobody's")), moment(t.CreatedAt))
	if len(t.Tags) > 0 {
		fmt.Fprintf(&b, "tags: %s\n", line(strings.Join(t.Tags, ", ")))
	}
	attached := map[string][]chat.Element{}
	for _, e := range t.Elements {
		attached[e.ForID] = append(attached[e.ForID], e)
	}
	depth := depths(t.Steps)
	for _, s := range t.Steps {
		writeStep(&b, s, strings.Repeat("  ", depth[s.ID]))
		writeElements(&b, attached[s.ID], strings.Repeat("  ", depth[s.ID]+1))
		delete(attached, s.ID)
	}
	for _, e := range t.Elements {
		if _, left := attached[e.ForID]; left {
			writeElements(&b, []chat.Element{e}, "")
		}
	}
	return b.String()
}

// depths tells how deep each step lies under others of the thread. A parent
// may be missing or come later; a circle ends at the number of steps.
func depths(steps []chat.Step) map[string]int {
	parent := make(map[string]string, len(steps))
	for _, s := range steps {
		parent[s.ID] = s.ParentID
	}
	depth := make(map[string]int, len(steps))
	for _, s := range steps {
		d := 0
		for at := s.ParentID; at != "" && d < min(len(steps), maxDepth); at = parent[at] {
			if _, here := parent[at]; !here {
				break
			}
			d++
		}
		depth[s.ID] = d
	}
	return depth
}

// maxDepth keeps deep nesting on the screen.
const maxDepth = 8

func writeStep(b *strings.Builder, s chat.Step, indent string) {
	head := []string{cmp.Or(s.Name, "step"), cmp.Or(s.Type, "undefined"), moment(s.CreatedAt)}
	if s.IsError != nil && *s.IsError {
		head = append(head, "failed")
	}
	if s.Favorite() {
		head = append(head, "favourite")
	}
	if s.Feedback != nil {
		head = append(head, verdict(*s.Feedback))
	}
	fmt.Fprintf(b, "\n%s%s\n", indent, line(strings.Join(head, " · ")))
	if s.Input != "" && s.Input != s.Output {
		writeBlock(b, indent+"  > ", s.Input)
	}
	writeBlock(b, indent+"  ", s.Output)
}

func verdict(f chat.Feedback) string {
	text := "thumbs down"
	if f.Value == 1 {
		text = "thumbs up"
	}
	if f.Comment != nil && *f.Comment != "" {
		text += ": " + *f.Comment
	}
	return text
}

func writeBlock(b *strings.Builder, indent, text string) {
	if text == "" {
		return
	}
	for _, l := range strings.Split(strings.TrimRight(block(text), "\n"), "\n") {
		fmt.Fprintf(b, "%s%s\n", indent, l)
	}
}

func writeElements(b *strings.Builder, list []chat.Element, indent string) {
	for _, e := range list {
		fmt.Fprintf(b, "%s[%s] %s %s\n", indent, line(cmp.Or(e.Type, "file")), line(cmp.Or(e.Name, e.ID)), line(e.MIME))
	}
}
