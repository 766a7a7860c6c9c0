package query

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// tokenKind is what a token of the text form is.
type tokenKind int

const (
	tokenEnd    tokenKind = iota
	tokenName             // a name as it is meant, with its dots
	tokenWord             // a name that is a keyword, in lower case
	tokenText             // what stood in single quotes
	tokenNumber           // as it is written
	tokenSign             // = != < <= > >= ( ) , * [ ] { }
)

type token struct {
	kind tokenKind
	text string
	at   int // where it begins, in bytes
	end  int
}

// words are the keywords, in the order in which docs/query.md has them.
const words = "select from where order by limit offset join left on as and or not in is like contains null true false asc desc " +
	"outputs required nearest first native insert into typed strict quietly update set delete all sql predict"

func keyword(s string) bool {
	for w := range strings.FieldsSeq(words) {
		if strings.EqualFold(w, s) {
			return true
		}
	}
	return false
}

// lexer reads the tokens of a text, one at a time.
type lexer struct {
	text string
	next token
	err  error // why there is no next token
}

func newLexer(text string) *lexer {
	l := &lexer{text: text}
	l.scan(0)
	return l
}

// advance takes the next token.
func (l *lexer) advance() token {
	t := l.next
	l.scan(t.end)
	return t
}

// scan reads the token behind a place. What is no token is the end, with an
// error that is told when something is wanted there.
func (l *lexer) scan(at int) {
	l.err = nil
	for at < len(l.text) {
		r, n := utf8.DecodeRuneInString(l.text[at:])
		if !unicode.IsSpace(r) {
			break
		}
		at += n
	}
	l.next = token{kind: tokenEnd, at: at, end: at}
	if at == len(l.text) {
		return
	}
	switch c := l.text[at]; {
	case c == '\'':
		l.quoted(at)
	case c >= '0' && c <= '9', c == '-':
		l.number(at)
	case strings.IndexByte("=<>!(),[]{}*", c) >= 0:
		l.sign(at)
	default:
		l.name(at)
	}
	if l.err != nil {
		l.next = token{kind: tokenEnd, at: at, end: at}
	}
}

func (l *lexer) fail(at int, format string, args ...any) {
	if l.err == nil {
		l.err = placed(l.text, at, format, args...)
	}
}

// placed is an error with its place, counted in characters from 1.
func placed(text string, at int, format string, args ...any) error {
	near := text[min(at, len(text)):]
	if len([]rune(near)) > 20 {
		near = string([]rune(near)[:20]) + "…"
	}
	place := "at the end"
	if near != "" {
		place = "before " + quote(near)
	}
	detail := errs.New(errs.Invalid, format, args...)
	return errs.Field(errs.Invalid, "query", "character %d, %s: %s", utf8.RuneCountInString(text[:min(at, len(text))])+1, place, detail)
}

func quote(s string) string {
	raw, err := datum.Encode(s)
	if err != nil {
		return s
	}
	return string(raw)
}

// quoted reads a text in single quotes; two of them stand for one.
func (l *lexer) quoted(at int) {
	s, end, ok := unquoted(l.text, at)
	if !ok {
		l.fail(at, "the text that begins here does not end; close it with '")
	}
	l.next = token{kind: tokenText, text: s, at: at, end: end}
}

// unquoted reads what stands between two of the character that is at a place.
func unquoted(text string, at int) (s string, end int, ok bool) {
	mark := text[at]
	var b strings.Builder
	for i := at + 1; i < len(text); i++ {
		if text[i] != mark {
			b.WriteByte(text[i])
			continue
		}
		if i+1 == len(text) || text[i+1] != mark {
			return b.String(), i + 1, true
		}
		b.WriteByte(mark)
		i++
	}
	return "", len(text), false
}

// number reads a number as JSON writes it.
func (l *lexer) number(at int) {
	end := at + 1
	for end < len(l.text) && (strings.IndexByte("0123456789.eE", l.text[end]) >= 0 ||
		strings.IndexByte("+-", l.text[end]) >= 0 && strings.IndexByte("eE", l.text[end-1]) >= 0) {
		end++
	}
	l.next = token{kind: tokenNumber, text: l.text[at:end], at: at, end: end}
	if !json.Valid([]byte(l.next.text)) {
		l.fail(at, "%s is no number", quote(l.next.text))
	} else if r, _ := utf8.DecodeRuneInString(l.text[end:]); end < len(l.text) && inName(r) {
		l.fail(at, "a name that begins with a digit is written in double quotes")
	}
}

func (l *lexer) sign(at int) {
	end := at + 1
	if two := l.text[at:min(at+2, len(l.text))]; two == "!=" || two == "<=" || two == ">=" || two == "<>" {
		end++
	}
	l.next = token{kind: tokenSign, text: l.text[at:end], at: at, end: end}
	switch l.next.text {
	case "!":
		l.fail(at, "\"!\" alone says nothing; write != or not")
	case "<>":
		l.next.text = "!="
	}
}

// inName tells whether a character may stand in a name without quotes.
func inName(r rune) bool {
	return r == '_' || r == '-' || r == '$' || unicode.IsLetter(r) || unicode.IsDigit(r) || unicode.IsMark(r)
}

// name reads parts with dots between them: bare, or in double quotes or
// backticks.
func (l *lexer) name(at int) {
	var parts []string
	end, bare := at, true
	for {
		part, next, ok := l.part(end)
		if !ok {
			return
		}
		bare = bare && l.text[end] != '"' && l.text[end] != '`'
		parts, end = append(parts, part), next
		if end+1 >= len(l.text) || l.text[end] != '.' || l.text[end+1] == '*' {
			break
		}
		end++
	}
	if strings.HasPrefix(l.text[end:], ".*") {
		parts, end, bare = append(parts, "*"), end+2, false
	}
	l.next = token{kind: tokenName, text: strings.Join(parts, "."), at: at, end: end}
	if bare && len(parts) == 1 && keyword(parts[0]) {
		l.next.kind, l.next.text = tokenWord, strings.ToLower(parts[0])
	}
}

// part reads one part of a name.
func (l *lexer) part(at int) (part string, end int, ok bool) {
	if c := l.text[at]; c == '"' || c == '`' {
		if part, end, ok = unquoted(l.text, at); !ok {
			l.fail(at, "the name that begins here does not end; close it with %c", c)
		}
		return part, end, ok
	}
	for end = at; end < len(l.text); {
		r, n := utf8.DecodeRuneInString(l.text[end:])
		if !inName(r) {
			break
		}
		end += n
	}
	if end == at {
		l.fail(at, "nothing begins with this character; names with it are written in double quotes, text in single ones")
	}
	return l.text[at:end], end, end > at
}

// typ reads the text of a type in place of the next token.
func (l *lexer) typ() (Type, error) {
	at := l.next.at
	end := at
	for end < len(l.text) && l.text[end] >= 'a' && l.text[end] <= 'z' {
		end++
	}
	if end < len(l.text) && l.text[end] == '[' {
		if close := strings.IndexByte(l.text[end:], ']'); close > 0 {
			end += close + 1
		}
	}
	t, err := ParseType(l.text[at:end])
	if err != nil {
		return t, placed(l.text, at, "%s", err)
	}
	l.scan(end)
	return t, nil
}

// json reads one value of JSON in place of the next token.
func (l *lexer) json() (json.RawMessage, error) {
	at := l.next.at
	d := json.NewDecoder(strings.NewReader(l.text[at:]))
	var raw json.RawMessage
	if err := d.Decode(&raw); err != nil {
		return nil, placed(l.text, at, "here JSON is wanted, as in {\"n\": 1}")
	}
	l.scan(at + int(d.InputOffset()))
	var b bytes.Buffer
	if err := json.Compact(&b, raw); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}
