package csv

import (
	"strconv"
	"strings"

	"github.com/varvedb/varve/query"
)

// guess is what a column may still be after the values that were seen.
type guess struct {
	some                         bool
	whole, number, boolean, time bool
}

func (g *guess) see(text string) {
	if !g.some {
		*g = guess{true, true, true, true, true}
	}
	if g.whole && !isWhole(text) {
		g.whole = false
	}
	if g.number && !isReal(text) {
		g.number = false
	}
	if g.boolean && booleans[text] == nil {
		g.boolean = false
	}
	if g.time && !isTime(text) {
		g.time = false
	}
}

// kind is the narrowest that holds all values and loses nothing of them.
func (g *guess) kind() query.Kind {
	switch {
	case g.whole:
		return query.Integer
	case g.number:
		return query.Real
	case g.boolean:
		return query.Boolean
	case g.time:
		return query.Time
	}
	return query.Text
}

// exact tells whether a text is a value of a kind, written so that nothing of it
// is lost but how it is written.
func exact(kind query.Kind, text string) bool {
	switch kind {
	case query.Integer:
		return isWhole(text)
	case query.Real:
		return isReal(text)
	case query.Boolean:
		return booleans[text] != nil
	case query.Time:
		return isTime(text)
	}
	return true
}

var booleans = map[string]any{"true": true, "True": true, "TRUE": true, "false": false, "False": false, "FALSE": false}

// isWhole takes integers of 64 bits as they are written: 007, +1 and -0 are
// numbers of something else.
func isWhole(text string) bool {
	digits := strings.TrimPrefix(text, "-")
	if digits == "" || digits[0] < '0' || digits[0] > '9' || digits[0] == '0' && len(text) > 1 {
		return false
	}
	_, err := strconv.ParseInt(text, 10, 64)
	return err == nil
}

// isReal takes decimal numbers that one of 64 bits is exactly, to the last digit
// that was written. Whole ones that are too long are numbers of something else.
func isReal(text string) bool {
	digits, exponent, point, ok := decimal(text)
	if !ok {
		return false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil || f-f != 0 {
		return false
	}
	if !point && !isWhole(text) {
		return false
	}
	d, e, _, _ := decimal(strconv.FormatFloat(f, 'e', -1, 64))
	return d == digits && (e == exponent || d == "")
}

// decimal reads a number: its digits without zeros at either end, and the power
// of ten of the first. point: it has a decimal point or an exponent.
func decimal(text string) (digits string, exponent int, point, ok bool) {
	mantissa := strings.TrimPrefix(text, "-")
	if i := strings.IndexAny(mantissa, "eE"); i >= 0 {
		n, err := strconv.Atoi(mantissa[i+1:])
		if err != nil {
			return "", 0, false, false
		}
		exponent, point, mantissa = n, true, mantissa[:i]
	}
	before, after, dotted := strings.Cut(mantissa, ".")
	if before == "" || dotted && after == "" || len(before) > 1 && before[0] == '0' || !isDigits(before) || !isDigits(after) {
		return "", 0, false, false
	}
	exponent += len(before) - 1
	digits = before + after
	trimmed := strings.TrimLeft(digits, "0")
	exponent -= len(digits) - len(trimmed)
	return strings.TrimRight(trimmed, "0"), exponent, point || dotted, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// isTime takes dates and times as ISO writes them, to the microsecond.
func isTime(text string) bool {
	if len(text) < len("2006-01-02") || text[4] != '-' || text[7] != '-' {
		return false
	}
	if i := strings.IndexAny(text, ".,"); i >= 0 {
		fraction := text[i+1:]
		if end := strings.IndexAny(fraction, "Z+-"); end >= 0 {
			fraction = fraction[:end]
		}
		if len(strings.TrimRight(fraction, "0")) > 6 {
			return false
		}
	}
	_, err := query.Type{Kind: query.Time}.Value(text)
	return err == nil
}
