package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/varvedb/varve/transfer"
)

// bar tells how far something long is: on a terminal a line that changes, with
// rate and time left; elsewhere a line now and then; in JSON nothing.
type bar struct {
	w       io.Writer
	person  bool
	verb    string
	started time.Time
	last    time.Time
	first   transfer.Count // what earlier runs did
	begun   bool
	shown   bool
}

func (p *program) bar(verb string) *bar {
	b := &bar{w: p.stderr, person: terminal(p.stderr), verb: verb, started: time.Now()}
	b.last = b.started
	if p.json {
		b.w = nil
	}
	return b
}

// How often something is said.
const (
	toPerson = 200 * time.Millisecond
	toLog    = 10 * time.Second
)

func (b *bar) show(p transfer.Progress) {
	now := time.Now()
	if !b.begun {
		b.begun, b.first = true, p.Done
	}
	every := toLog
	if b.person {
		every = toPerson
	}
	if b.w == nil || now.Sub(b.last) < every {
		return
	}
	b.last = now
	line := b.line(p, now.Sub(b.started))
	if b.person {
		fmt.Fprintf(b.w, "\r\x1b[K%s", line)
		b.shown = true
		return
	}
	fmt.Fprintln(b.w, line)
}

// end takes the changing line away.
func (b *bar) end() {
	if b.shown {
		fmt.Fprint(b.w, "\r\x1b[K")
	}
}

func (b *bar) line(p transfer.Progress, since time.Duration) string {
	seconds := max(since.Seconds(), 0.001)
	steps := float64(p.Done.Steps-b.first.Steps) / seconds
	text := fmt.Sprintf("%s %d threads, %d steps, %s, %.0f steps/s", b.verb, p.Done.Threads, p.Done.Steps, size(p.Done.Bytes), steps)
	if p.Total <= 0 {
		return text
	}
	share := min(float64(p.Done.Threads)/float64(p.Total), 1)
	left := ""
	if rate := float64(p.Done.Threads-b.first.Threads) / seconds; rate > 0 {
		left = ", " + (time.Duration(float64(p.Total-p.Done.Threads)/rate) * time.Second).Round(time.Second).String() + " left"
	}
	const width = 20
	full := int(share * width)
	return fmt.Sprintf("[%s%s] %3.0f%% %s%s", strings.Repeat("=", full), strings.Repeat(" ", width-full), share*100, text, left)
}

// size is a number of bytes for people.
func size(n int64) string {
	units := []string{"B", "KiB", "MiB", "GiB", "TiB"}
	f, unit := float64(n), 0
	for f >= 1024 && unit < len(units)-1 {
		f /= 1024
		unit++
	}
	if unit == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[unit])
}
