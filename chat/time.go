package chat

import (
	"strings"
	"time"
)

// timeForm is how times are stored and answered: UTC, six digits, so that
// their text sorts as they do.
const timeForm = "2006-01-02T15:04:05.000000Z"

// FormatTime gives a time in the form in which it is stored.
func FormatTime(t time.Time) string { return t.UTC().Format(timeForm) }

// NormalTime brings a time in one of the forms that Chainlit, browsers and
// databases write (with or without fraction, "Z", offset, "T") into the stored
// form. Without a zone it is UTC. false: it is no time, or out of the years
// 0–9999.
func NormalTime(s string) (string, bool) {
	if fixed(s) {
		return s, true
	}
	if len(s) < len("2006-01-02T15:04") || len(s) > 40 {
		return "", false
	}
	if s[10] == ' ' {
		s = s[:10] + "T" + s[11:]
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05Z07", "2006-01-02T15:04"} {
		t, err := time.Parse(form, strings.Replace(s, "z", "Z", 1))
		if err != nil {
			continue
		}
		if t = t.UTC(); t.Year() < 0 || t.Year() > 9999 {
			return "", false
		}
		return t.Format(timeForm), true
	}
	return "", false
}

// normalTime rewrites a time in place where it can be read; other text stays,
// since a message is worth more than its time.
func normalTime(s *string) {
	if t, ok := NormalTime(*s); ok {
		*s = t
	}
}

// fixed tells whether a time has the stored form already, for the cost of a
// look instead of a parse. Of days that not every month has it does not know.
func fixed(s string) bool {
	const form = "0000-00-00T00:00:00.000000Z"
	if len(s) != len(form) {
		return false
	}
	for i := range len(form) {
		if form[i] == '0' {
			if s[i] < '0' || s[i] > '9' {
				return false
			}
		} else if s[i] != form[i] {
			return false
		}
	}
	month, day := s[5:7], s[8:10]
	return "01" <= month && month <= "12" && "01" <= day && day <= "28" &&
		s[11:13] < "24" && s[14:16] < "60" && s[17:19] < "60"
}
