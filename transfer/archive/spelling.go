package archive

import (
	"bytes"
	"cmp"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/varvedb/varve/chat"
)

// spell brings a thread into the one form in which an archive has it: the order
// of rows, spellings of times and numbers, and nothing for what is empty are a
// database's own. What hides an input stays, in a word that every reader knows.
// Addresses of stored bytes are left out: they are a server's, and signed ones
// open a door.
func spell(t *chat.Thread) {
	t.LastActivity = ""
	moment(&t.CreatedAt)
	t.ThreadCreatedAt = t.CreatedAt
	object(&t.Metadata)
	if len(t.Tags) == 0 {
		t.Tags = nil
	}
	for i := range t.Steps {
		spellStep(&t.Steps[i], t.ID)
	}
	for i := range t.Elements {
		spellElement(&t.Elements[i], t.ID)
	}
	for i := range t.Loose {
		t.Loose[i].ThreadID = t.ID
	}
	slices.SortFunc(t.Steps, func(a, b chat.Step) int {
		return cmp.Or(cmp.Compare(a.CreatedAt, b.CreatedAt), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(t.Elements, func(a, b chat.Element) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(t.Loose, func(a, b chat.Feedback) int { return cmp.Compare(a.ForID, b.ForID) })
}

func spellStep(s *chat.Step, threadID string) {
	s.ThreadID = threadID
	for _, at := range []*string{&s.CreatedAt, &s.Start, &s.End} {
		moment(at)
	}
	if s.ShowInput = chat.ShowInput(strings.ToLower(string(s.ShowInput))); s.ShowInput == "none" {
		s.ShowInput = "false"
	}
	object(&s.Metadata)
	if len(s.Tags) == 0 {
		s.Tags = nil
	}
	raw(&s.Modes)
	if raw(&s.Generation); string(s.Generation) == "{}" {
		s.Generation = nil
	}
	extra(&s.Extra)
	if s.Feedback != nil {
		f := *s.Feedback
		f.ForID, f.ThreadID = s.ID, threadID
		s.Feedback = &f
	}
}

func spellElement(e *chat.Element, threadID string) {
	e.ThreadID = threadID
	if e.ObjectKey != "" {
		e.URL = ""
	}
	if object(&e.Props); len(e.Props) == 0 {
		e.Props = nil
	}
	raw(&e.PlayerConfig)
	extra(&e.Extra)
}

func spellUser(u *chat.User) {
	u.DisplayName = ""
	moment(&u.CreatedAt)
	object(&u.Metadata)
}

func moment(s *string) {
	if at, ok := chat.NormalTime(*s); ok {
		*s = at
	}
}

func object(o *chat.Object) {
	own := make(chat.Object, len(*o))
	for key, v := range *o {
		own[key] = value(v)
	}
	*o = own
}

// value spells the numbers in a JSON value, in a copy of its own: what a store
// handed out may still be the store's.
func value(v any) any {
	switch v := v.(type) {
	case json.Number:
		return json.Number(number(string(v)))
	case map[string]any:
		own := make(map[string]any, len(v))
		for key, item := range v {
			own[key] = value(item)
		}
		return own
	case []any:
		own := make([]any, len(v))
		for i, item := range v {
			own[i] = value(item)
		}
		return own
	}
	return v
}

// raw spells a JSON value: its keys come in order.
func raw(text *json.RawMessage) {
	if len(*text) == 0 {
		return
	}
	d := json.NewDecoder(bytes.NewReader(*text))
	d.UseNumber()
	var v any
	if d.Decode(&v) != nil {
		return
	}
	if v == nil {
		*text = nil
		return
	}
	if out, err := json.Marshal(value(v)); err == nil {
		*text = out
	}
}

func extra(m *map[string]json.RawMessage) {
	var own map[string]json.RawMessage
	for key, v := range *m {
		if raw(&v); v == nil {
			continue
		}
		if own == nil {
			own = map[string]json.RawMessage{}
		}
		own[key] = v
	}
	*m = own
}

// maxPlain is how many digits a number may have that is written out.
const maxPlain = 40

// number spells a number in JSON the one way that databases can be brought to:
// as it was written, but without an exponent where it is not far, since some
// keep numbers as decimals and write them out.
func number(n string) string {
	if plainInteger(n) {
		return n
	}
	sign := ""
	if strings.HasPrefix(n, "-") {
		sign, n = "-", n[1:]
	}
	n, power, far := strings.Cut(strings.ToLower(n), "e")
	exponent := 0
	if far {
		var err error
		if exponent, err = strconv.Atoi(power); err != nil {
			return sign + n + "e" + power // farther than any reader goes
		}
	}
	whole, fraction, _ := strings.Cut(n, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	point := len(digits) - len(fraction) + exponent // where it stands, counted from the first digit
	switch {
	case digits == "":
		return zero(len(fraction) - exponent)
	case point > maxPlain || point < -maxPlain || len(digits) > maxPlain:
		return sign + scientific(strings.TrimRight(digits, "0"), point-1)
	case point >= len(digits):
		return sign + digits + strings.Repeat("0", point-len(digits))
	case point > 0:
		return sign + digits[:point] + "." + digits[point:]
	}
	return sign + "0." + strings.Repeat("0", -point) + digits
}

// zero is nothing with so many digits behind its point.
func zero(digits int) string {
	if digits <= 0 || digits > maxPlain {
		return "0"
	}
	return "0." + strings.Repeat("0", digits)
}

func scientific(digits string, exponent int) string {
	if len(digits) > 1 {
		digits = digits[:1] + "." + digits[1:]
	}
	return digits + "e" + strconv.Itoa(exponent)
}

// plainInteger tells whether a number is in its spelling already.
func plainInteger(n string) bool {
	if len(n) > maxPlain || n == "-0" {
		return false
	}
	for i := 0; i < len(n); i++ {
		if (n[i] < '0' || n[i] > '9') && n[i] != '-' {
			return false
		}
	}
	return true
}
