package chat

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/varvedb/varve/errs"
)

// Retention is a rule of how long threads are kept after their last activity.
// With a Tag it is about threads that have it, and they are under no rule
// without one; of several tags the one that keeps longest decides. A negative
// age is for ever.
type Retention struct {
	Tag string        `json:"tag,omitempty"`
	Age time.Duration `json:"age"`
}

// Forever is the age of threads that are kept whatever other rules say.
const Forever time.Duration = -1

// Retained is what an application of rules did, or would do.
type Retained struct {
	Threads int `json:"threads" doc:"deleted, with all that was in them"`
	Undated int `json:"undated" doc:"kept, since nothing tells when they were last used"`
}

// Retain deletes the threads whose last activity lies longer ago than the rules
// allow, as DeleteThread does. A thread that is used while it runs
// is kept. With dry it deletes nothing. each, unless nil, is told of every
// thread that goes. errs.Forbidden when acting for a user.
func (s *Service) Retain(ctx context.Context, rules []Retention, dry bool, each func(Thread)) (Retained, error) {
	var done Retained
	if Actor(ctx) != "" {
		return done, errs.New(errs.Forbidden, "only a caller that acts for no user may delete threads for their age")
	}
	shortest, err := checkRetention(rules)
	if err != nil || shortest < 0 {
		return done, err
	}
	defer s.swept()
	now := s.opt.Now().UTC()
	// Ids may stand in a column of type UUID, which has no empty value.
	least := "00000000-0000-0000-0000-000000000000"
	for after := (Place{LastActivity: FormatTime(now.Add(-shortest)), ID: least}); ; {
		q := ThreadQuery{After: &after, Limit: retainPart}
		threads, err := s.port().Threads(ctx, q)
		if err != nil {
			return done, err
		}
		for i := range threads {
			if err := s.retain(ctx, &threads[i], rules, now, dry, each, &done); err != nil {
				return done, err
			}
		}
		if len(threads) < q.Limit {
			return done, nil
		}
		last := threads[len(threads)-1]
		after = Place{last.LastActivity, last.ID}
	}
}

const retainPart = 1000

func (s *Service) retain(ctx context.Context, t *Thread, rules []Retention, now time.Time, dry bool, each func(Thread), done *Retained) error {
	age, ruled := ageFor(t.Tags, rules)
	if !ruled || age < 0 {
		return nil
	}
	if t.LastActivity == "" {
		done.Undated++
		return nil
	}
	limit := FormatTime(now.Add(-age))
	if t.LastActivity >= limit {
		return nil
	}
	if !dry {
		gone, err := s.outlived(ctx, t.ID, limit)
		if err != nil || !gone {
			return err
		}
	}
	done.Threads++
	if each != nil {
		each(*t)
	}
	return nil
}

// outlived deletes a thread unless it was used since it was listed. Who uses it
// between the two looks is in time for the deletion and not before it.
func (s *Service) outlived(ctx context.Context, id, limit string) (gone bool, err error) {
	h, err := s.port().Head(ctx, id)
	if err == nil && (h.Deleted || h.LastActivity >= limit) {
		return false, nil
	}
	if err == nil {
		err = s.port().DeleteThread(ctx, id, s.write(ctx))
	}
	if errs.KindOf(err) == errs.NotFound {
		return false, nil
	}
	return err == nil, err
}

// checkRetention returns the shortest of the ages, less than 0 when there is no
// end to any.
func checkRetention(rules []Retention) (shortest time.Duration, err error) {
	shortest = Forever
	for i, r := range rules {
		if r.Age >= 0 && r.Age < time.Hour {
			return 0, errs.Field(errs.Invalid, "age", "is shorter than an hour")
		}
		if slices.ContainsFunc(rules[:i], func(o Retention) bool { return o.Tag == r.Tag }) {
			return 0, errs.Field(errs.Invalid, "tag", "two rules are about the tag %q", r.Tag)
		}
		if r.Age >= 0 && (shortest < 0 || r.Age < shortest) {
			shortest = r.Age
		}
	}
	return shortest, nil
}

// ageFor is the rule for a thread with some tags; false: there is none.
func ageFor(tags []string, rules []Retention) (age time.Duration, ruled bool) {
	tagged := false
	for _, r := range rules {
		switch {
		case r.Tag == "" && !tagged:
			age, ruled = r.Age, true
		case r.Tag != "" && slices.Contains(tags, r.Tag):
			if !tagged || age >= 0 && (r.Age < 0 || r.Age > age) {
				age = r.Age
			}
			tagged, ruled = true, true
		}
	}
	return age, ruled
}

// ParseRetention reads a rule: an age such as "90d" or "36h", or one for a tag,
// "draft=7d"; "never" keeps for ever.
func ParseRetention(text string) (Retention, error) {
	var r Retention
	age := text
	if i := strings.LastIndex(text, "="); i >= 0 {
		if r.Tag, age = text[:i], text[i+1:]; r.Tag == "" {
			return r, errs.New(errs.Invalid, "the tag before = is missing")
		}
	}
	if age == "never" {
		r.Age = Forever
		return r, nil
	}
	var err error
	r.Age, err = ParseAge(age)
	return r, err
}

// ParseAge reads a duration in days, hours or minutes, the last as Go writes
// them: "90d", "36h", "1h30m".
func ParseAge(text string) (time.Duration, error) {
	wrong := errs.New(errs.Invalid, "%q is no age; write 90d or 36h, an hour at least", text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		n := 0
		for _, c := range days {
			if c < '0' || c > '9' || n > 36500 { // a hundred years
				return 0, wrong
			}
			n = n*10 + int(c-'0')
		}
		if n == 0 || n > 36500 {
			return 0, wrong
		}
		return time.Duration(n) * 24 * time.Hour, nil
	}
	age, err := time.ParseDuration(text)
	if err != nil || age < time.Hour {
		return 0, wrong
	}
	return age, nil
}

// String is the rule as ParseRetention reads it.
func (r Retention) String() string {
	age := r.Age.String()
	switch {
	case r.Age < 0:
		age = "never"
	case r.Age%(24*time.Hour) == 0:
		age = strconv.Itoa(int(r.Age/(24*time.Hour))) + "d"
	}
	if r.Tag == "" {
		return age
	}
	return r.Tag + "=" + age
}
