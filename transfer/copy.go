package transfer

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

// Copy is a copy of all conversations of one database into another.
type Copy struct {
	From, To Side
	Options
	// DryRun reads and counts, and writes nothing.
	DryRun bool
	// Keep leaves what the destination has as it is: what is the same is counted
	// in Kept, what is not is named in Differing. Replace puts the source's in the
	// place of what is not the same, and counts it in Replaced too.
	Keep, Replace bool
	// Journal is the file that remembers how far the copy is while it runs, so
	// that the next run goes on there; "": none.
	Journal string

	// Done is what was copied, with what earlier runs of this copy did.
	Done Count
	// Kept and Replaced are of what the destination had.
	Kept, Replaced Count
	// Differing are things that the destination has otherwise, and keeps; at most
	// [MaxNamed] are named.
	Differing []string
	Differ    int64
	// Resumed tells that an earlier run was taken up.
	Resumed bool
	// Refused are threads that the destination would not take, and why; at most
	// [MaxNamed] are named.
	Refused  []string
	Refusals int64
	// Missing counts elements that name bytes which the source does not have.
	Missing int64
	// Rows is how long the rows of this run took, Indexes how long what the
	// destination made of them at the end.
	Rows, Indexes time.Duration
	// Verdict is what [Verify] would tell, where all was there already and this
	// run has compared it; nil where Verify is to be asked.
	Verdict *Verdict
	// Here is how much of Done this run did.
	Here Count
	// Mended counts texts with characters that no database takes.
	Mended int64
	// Strangers counts users that threads named and that had no row.
	Strangers int64
}

// MaxNamed is how many differences and refusals are named; the rest is counted.
const MaxNamed = 20

// How much is in hand at a time: what one transaction writes.
const (
	batchBytes   = 4 << 20
	batchThreads = 2000
	firstThreads = 16
	mostThreads  = 512
)

// Run copies. When it is broken off, by an error or otherwise, the next run
// with the same sides goes on where this one stopped.
func (c *Copy) Run(ctx context.Context) error {
	from, err := c.From.mover()
	if err != nil {
		return err
	}
	to, err := c.To.mover()
	if err != nil {
		return err
	}
	path := c.Journal
	if c.DryRun {
		path = ""
	}
	j, err := openJournal(path, c.From.Name, c.To.Name, c.Since)
	if err != nil {
		return err
	}
	c.Resumed = j.After != ""
	c.Done, c.Kept, c.Replaced = j.Done, j.Kept, j.Replaced
	if c.Resumed && c.Keep && !c.To.Store.Features().Transactions {
		c.Replace = true // a thread that was half written is not to stay so
	}
	r := &run{Copy: c, from: from, to: to, journal: j, owners: newOwners(c.From.Store, c.To.Store),
		seen: verifier{hashA: sha256.New(), hashB: sha256.New()}}
	if err := r.users(ctx); err != nil {
		return err
	}
	if c.Progress != nil {
		if r.total, err = total(ctx, c.From, c.Since); err != nil {
			return err
		}
	}
	if err := r.prepared(ctx, r.threads); err != nil {
		return err
	}
	c.Strangers = r.owners.made
	if c.Verdict, err = r.verdict(ctx); err != nil {
		return err
	}
	return j.end()
}

// prepared runs fn between Prepare and Settle where the destination has them.
func (r *run) prepared(ctx context.Context, fn func(context.Context) error) error {
	p, ok := r.to.(chat.Preparer)
	ok = ok && !r.DryRun
	if ok {
		if err := p.Prepare(ctx); err != nil {
			return err
		}
	}
	start := time.Now()
	err := fn(ctx)
	r.Rows = time.Since(start)
	if err != nil || !ok {
		return err
	}
	start = time.Now()
	err = p.Settle(ctx)
	r.Indexes = time.Since(start)
	return err
}

// run is what a Copy needs while it runs.
type run struct {
	*Copy
	from, to chat.Mover
	journal  *journal
	owners   *owners
	total    int64
	seen     verifier   // what was compared with what the destination has
	refusing sync.Mutex // reading and writing both refuse
}

// refuse notes what is not copied.
func (r *run) refuse(why string) {
	r.refusing.Lock()
	defer r.refusing.Unlock()
	if r.Refusals++; len(r.Refused) < MaxNamed {
		r.Refused = append(r.Refused, why)
	}
}

// users are copied by every run: they are few.
func (r *run) users(ctx context.Context) error {
	r.Done.Users, r.Kept.Users, r.Replaced.Users = 0, 0, 0
	look := newLookup(r.To.Store)
	return users(ctx, r.From.Store, func(u chat.User) error {
		if stays, err := r.keepUser(ctx, look, u); stays || err != nil {
			return err
		}
		r.Done.Users++
		if r.DryRun {
			return nil
		}
		if at, ok := chat.NormalTime(u.CreatedAt); ok {
			u.CreatedAt = at
		}
		stored, err := r.To.Store.PutUser(ctx, u, chat.Write{Now: time.Now()})
		if errs.KindOf(err) == errs.Invalid || errs.KindOf(err) == errs.Exists || errs.KindOf(err) == errs.Conflict {
			r.refuse(fmt.Sprintf("user %q: %v", u.Identifier, err))
			return nil
		}
		if err == nil {
			r.owners.know(stored)
		}
		return err
	})
}

// batch is some threads on their way, and the position behind them.
type batch struct {
	threads  []chat.Thread
	after    string
	files    Count
	kept     Count
	replaced Count
}

// threads reads in one goroutine what it writes in this one.
func (r *run) threads(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	read := make(chan batch, 1)
	failed := make(chan error, 1)
	go func() {
		defer close(read)
		failed <- r.read(ctx, read)
	}()
	var err error
	for b := range read {
		if err == nil {
			if err = r.write(ctx, b); err != nil {
				cancel()
			}
		}
	}
	if reading := <-failed; err == nil {
		err = reading
	}
	return err
}

// read hands out batches in the order of positions.
func (r *run) read(ctx context.Context, out chan<- batch) error {
	h := hand{out: out, batch: batch{after: r.journal.After}}
	page := firstThreads
	for {
		list, next, err := ids(ctx, r.From, r.Since, h.batch.after, page)
		if err != nil {
			return err
		}
		heaviest := 0
		for len(list) > 0 {
			part := list[:min(len(list), page)]
			list = list[len(part):]
			weight, err := r.gather(ctx, part, &h.batch)
			if err != nil {
				return err
			}
			heaviest = max(heaviest, weight)
			if h.size += weight; h.full() && len(list) > 0 {
				if err := h.pass(ctx, h.batch.after); err != nil { // the page is not done: the position stays
					return err
				}
			}
		}
		if h.batch.after = next; next == "" || h.full() {
			if err := h.pass(ctx, next); err != nil || next == "" {
				return err
			}
		}
		page = paced(page, heaviest)
	}
}

// hand collects a batch until it is worth a transaction.
type hand struct {
	out   chan<- batch
	batch batch
	size  int
}

func (h *hand) full() bool { return h.size >= batchBytes || len(h.batch.threads) >= batchThreads }

func (h *hand) pass(ctx context.Context, after string) error {
	select {
	case h.out <- h.batch:
	case <-ctx.Done():
		return errs.Wrap(errs.Unavailable, ctx.Err(), "the copy was given up")
	}
	h.batch, h.size = batch{after: after}, 0
	return nil
}

// gather reads threads into a batch and returns their weight.
func (r *run) gather(ctx context.Context, ids []string, b *batch) (weight int, err error) {
	found, err := r.from.Whole(ctx, ids)
	if err != nil {
		return 0, err
	}
	there, err := r.there(ctx, ids, found)
	for i := 0; err == nil && i < len(found); i++ {
		weight += weigh(&found[i])
		err = r.prepare(ctx, &found[i], there, b)
		if ofTheThread(err) {
			r.refuse(fmt.Sprintf("thread %q: %v", found[i].ID, err))
			err = nil
		}
	}
	return weight, err
}

// paced is how many threads to read at once, so that neither many small ones
// cost a question each nor some large ones fill the memory.
func paced(page, weight int) int {
	switch {
	case weight > batchBytes/4:
		return max(1, page/2)
	case weight < batchBytes/16:
		return min(mostThreads, page*2)
	}
	return page
}

// weigh is about how much memory a thread takes.
func weigh(t *chat.Thread) int {
	n := 1000
	for i := range t.Steps {
		n += 500 + len(t.Steps[i].Input) + len(t.Steps[i].Output)
	}
	return n + 500*len(t.Elements)
}

// prepare brings a thread into the form in which it is written, and its bytes
// to the destination: rows never name bytes that are not there.
func (r *run) prepare(ctx context.Context, t *chat.Thread, there presence, b *batch) error {
	old := there.threads[t.ID]
	warnings, err := t.Check()
	if err != nil {
		return err
	}
	r.Mended += int64(len(warnings))
	if err := r.owners.settle(ctx, t, r.DryRun); err != nil {
		return err
	}
	r.address(t)
	same := false
	if old != nil {
		there.own = keysOf(old)
		if same = r.compare(t, old, there); !same && !r.Replace {
			return nil
		}
	}
	for i := range t.Elements {
		n, err := r.bytes(ctx, &t.Elements[i], there)
		if err != nil {
			return err
		}
		if n >= 0 {
			b.files.Files++
			b.files.Bytes += n
		}
	}
	switch {
	case same:
		b.kept.thread(t)
		return nil
	case old != nil:
		b.replaced.thread(t)
	}
	b.threads = append(b.threads, *t)
	return nil
}

func (r *run) address(t *chat.Thread) {
	for i := range t.Elements {
		if e := &t.Elements[i]; r.Addresses != nil && e.ObjectKey != "" {
			e.URL = r.Addresses(t.ID, e.ID)
		}
	}
}

// bytes copies the bytes of an element and returns how many; -1: none had to be.
func (r *run) bytes(ctx context.Context, e *chat.Element, there presence) (int64, error) {
	if e.ObjectKey == "" || r.From.Files == nil || r.To.Files == nil {
		return -1, nil
	}
	if kept, err := r.bytesThere(e, there); kept || err != nil {
		return -1, err
	}
	content, err := r.From.Files.Open(ctx, e.ObjectKey)
	if errs.KindOf(err) == errs.NotFound {
		r.Missing++
		return -1, nil
	}
	if err != nil {
		return 0, err
	}
	defer content.Body.Close()
	if r.DryRun {
		return content.Size, nil
	}
	// Where this process ends before the row, the sweep finds the bytes.
	if to, ok := r.To.Store.(chat.Orphans); ok {
		if err := to.Expect(ctx, e.ObjectKey, chat.Write{Now: time.Now().UTC()}); err != nil {
			return 0, err
		}
	}
	return r.To.Files.Write(ctx, e.ObjectKey, content.Body, e.MIME)
}

func (r *run) write(ctx context.Context, b batch) error {
	var done Count
	for i := range b.threads {
		done.thread(&b.threads[i])
	}
	done.add(b.files)
	if !r.DryRun {
		refused, err := r.load(ctx, b.threads)
		if err != nil {
			return err
		}
		for i := range refused {
			var not Count
			not.thread(&refused[i])
			done.Subtract(not)
		}
	}
	r.Done.add(done)
	r.Here.add(done)
	r.Kept.add(b.kept)
	r.Replaced.add(b.replaced)
	all := r.Done
	all.add(r.Kept)
	r.tell(Progress{Done: all, Total: r.total})
	r.journal.After, r.journal.Done, r.journal.Kept, r.journal.Replaced = b.after, r.Done, r.Kept, r.Replaced
	if b.after == "" {
		return nil
	}
	return r.journal.keep()
}

// load writes threads; those that the destination will not take it finds one
// by one, names and passes over.
func (r *run) load(ctx context.Context, threads []chat.Thread) (refused []chat.Thread, err error) {
	if len(threads) == 0 {
		return nil, nil
	}
	err = r.to.Load(ctx, threads, chat.Write{Now: time.Now().UTC()})
	if err == nil || !ofTheThread(err) {
		return nil, err
	}
	if len(threads) == 1 && errs.KindOf(err) == errs.Conflict {
		// Another copy may have written the thread meanwhile: now it is seen.
		err = r.to.Load(ctx, threads, chat.Write{Now: time.Now().UTC()})
		if err == nil || !ofTheThread(err) {
			return nil, err
		}
	}
	if len(threads) == 1 {
		r.refuse(fmt.Sprintf("thread %q: %v", threads[0].ID, err))
		return threads, nil
	}
	for _, half := range [][]chat.Thread{threads[:len(threads)/2], threads[len(threads)/2:]} {
		more, err := r.load(ctx, half)
		if err != nil {
			return nil, err
		}
		refused = append(refused, more...)
	}
	return refused, nil
}

// ofTheThread tells errors that another thread would not meet.
func ofTheThread(err error) bool {
	switch errs.KindOf(err) {
	case errs.Invalid, errs.Conflict, errs.Exists, errs.TooLarge, errs.Unsupported, errs.Gone:
		return true
	}
	return false
}
