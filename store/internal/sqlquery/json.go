package sqlquery

import (
	"encoding/json"
	"strconv"
	"strings"
)

// At follows a path into JSON, nil where it leads nowhere or to null. Numbers
// are as they were written. Of members of one name the last counts.
func At(raw []byte, path []string) json.RawMessage {
	s := scanner{raw: raw}
	for _, part := range path {
		s.space()
		found := false
		switch s.peek() {
		case '{':
			found = s.member(part)
		case '[':
			found = s.element(part)
		}
		if !found {
			return nil
		}
	}
	s.space()
	from := s.at
	if !s.skip() || string(s.raw[from:s.at]) == "null" {
		return nil
	}
	return json.RawMessage(s.raw[from:s.at])
}

// Scalar is the value of JSON that is a string, number or boolean: string,
// float64 or bool; nil for all else.
func Scalar(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	switch raw[0] {
	case '"':
		var s string
		if json.Unmarshal(raw, &s) != nil {
			return nil
		}
		return s
	case 't', 'f':
		return raw[0] == 't'
	case 'n', '{', '[':
		return nil
	}
	f, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		return nil
	}
	return f
}

// Has tells whether JSON is a list with a value at its top.
func Has(raw []byte, value any) bool {
	s := scanner{raw: raw}
	s.space()
	if s.peek() != '[' {
		return false
	}
	s.at++
	for s.space(); s.peek() != ']'; s.space() {
		from := s.at
		if !s.skip() {
			return false
		}
		if Scalar(s.raw[from:s.at]) == value {
			return true
		}
		if s.space(); s.peek() != ',' {
			return false
		}
		s.at++
	}
	return false
}

// Matches tells whether a text is like a pattern: % stands for any text, _ for
// one character, and \ takes one of %, _ and \ as it is.
func Matches(text, pattern string) bool {
	// After the last % only, what was matched is given up again: what follows
	// an earlier one was found as early as it can be.
	var again, from string
	retry := false
	for {
		if strings.HasPrefix(pattern, "%") {
			pattern = pattern[1:]
			again, from, retry = pattern, text, true
			continue
		}
		if rest, after, ok := step(text, pattern); ok {
			text, pattern = rest, after
			continue
		}
		if text == "" && pattern == "" {
			return true
		}
		if !retry || from == "" {
			return false
		}
		from = from[width(from):]
		text, pattern = from, again
	}
}

// step matches one character.
func step(text, pattern string) (rest, after string, ok bool) {
	if text == "" || pattern == "" {
		return "", "", false
	}
	if pattern[0] == '_' {
		return text[width(text):], pattern[1:], true
	}
	n := 0
	if pattern[0] == '\\' && len(pattern) > 1 && strings.IndexByte(`%_\`, pattern[1]) >= 0 {
		n = 1
	}
	return text[1:], pattern[n+1:], text[0] == pattern[n]
}

// width is the length of the first character.
func width(s string) int {
	n := 1
	for n < len(s) && n < 4 && s[0] >= 0xc0 && s[n]&0xc0 == 0x80 {
		n++
	}
	return n
}

// scanner walks over JSON. What is not well-formed leads nowhere.
type scanner struct {
	raw []byte
	at  int
}

func (s *scanner) peek() byte {
	if s.at < len(s.raw) {
		return s.raw[s.at]
	}
	return 0
}

func (s *scanner) space() {
	for s.at < len(s.raw) && strings.IndexByte(" \t\r\n", s.raw[s.at]) >= 0 {
		s.at++
	}
}

// member goes to the value of a member of the object that begins here.
func (s *scanner) member(name string) bool {
	place := -1
	s.at++
	for s.space(); s.peek() == '"'; s.space() {
		from := s.at
		if !s.skip() {
			return false
		}
		key := s.raw[from:s.at]
		if s.space(); s.peek() != ':' {
			return false
		}
		s.at++
		s.space()
		value := s.at
		if !s.skip() {
			return false
		}
		if sameText(key, name) {
			place = value
		}
		if s.space(); s.peek() == ',' {
			s.at++
		}
	}
	if place < 0 || s.peek() != '}' {
		return false
	}
	s.at = place
	return true
}

// sameText tells whether a string of JSON is a text.
func sameText(raw []byte, text string) bool {
	inner := raw[1 : len(raw)-1]
	if strings.IndexByte(string(inner), '\\') < 0 {
		return string(inner) == text
	}
	var s string
	return json.Unmarshal(raw, &s) == nil && s == text
}

// element goes to an element of the list that begins here.
func (s *scanner) element(part string) bool {
	n, ok := Index(part)
	if !ok {
		return false
	}
	s.at++
	for s.space(); s.peek() != ']'; s.space() {
		if n == 0 {
			return s.at < len(s.raw)
		}
		n--
		if !s.skip() {
			return false
		}
		if s.space(); s.peek() != ',' {
			return false
		}
		s.at++
	}
	return false
}

// Index is the place in a list that a part of a path may mean.
func Index(part string) (int, bool) {
	if part == "" || len(part) > 9 || strings.Trim(part, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.Atoi(part)
	return n, err == nil
}

// skip goes behind the value that begins here.
func (s *scanner) skip() bool {
	switch s.peek() {
	case '"':
		return s.text()
	case '{', '[':
		return s.nested()
	}
	from := s.at
	for s.at < len(s.raw) && strings.IndexByte(",:]} \t\r\n", s.raw[s.at]) < 0 {
		s.at++
	}
	return s.at > from
}

func (s *scanner) text() bool {
	for s.at++; s.at < len(s.raw); s.at++ {
		switch s.raw[s.at] {
		case '\\':
			s.at++
		case '"':
			s.at++
			return true
		}
	}
	return false
}

func (s *scanner) nested() bool {
	for depth := 0; s.at < len(s.raw); {
		switch s.raw[s.at] {
		case '"':
			if !s.text() {
				return false
			}
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		s.at++
		if depth == 0 {
			return true
		}
	}
	return false
}
