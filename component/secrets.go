package component

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/varvedb/varve/errs"
)

// secretMark begins a reference to a secret: the name of a variable of the
// environment of whoever runs the component.
const secretMark = "env:"

// Masked stands where a record holds what must not be shown.
const Masked = "***"

// checkSecrets refuses an object that holds a secret: records are copied,
// exported, compared and shown. The error names the place and never the value.
func checkSecrets(o Object) error {
	v, err := generic(map[string]any(o))
	if err != nil {
		return err
	}
	return checkSecretsIn("", v)
}

func checkSecretsIn(path string, v any) error {
	switch v := v.(type) {
	case map[string]any:
		for _, key := range sortedKeys(v) {
			at := under(path, key)
			if looksSecret(key) && !isReference(v[key]) {
				return errs.Field(errs.Invalid, at, "looks like a secret; write where it is to be found, as in \"env:NAME\", not what it is")
			}
			if err := checkSecretsIn(at, v[key]); err != nil {
				return err
			}
		}
	case []any:
		for i, item := range v {
			if err := checkSecretsIn(path+"["+strconv.Itoa(i)+"]", item); err != nil {
				return err
			}
		}
	case string:
		if holdsPassword(v) {
			return errs.Field(errs.Invalid, path, "is a URL with a password in it; leave the password out, or write \"env:NAME\" for the whole URL")
		}
	}
	return nil
}

// isReference tells whether a value says where a secret is and not what it is.
// An object and a list do where all that is in them does.
func isReference(v any) bool {
	switch v := v.(type) {
	case nil, bool:
		return true
	case string:
		name, ok := strings.CutPrefix(v, secretMark)
		return v == "" || v == Masked || ok && isVariable(name) || strings.HasPrefix(v, "<var:") && strings.HasSuffix(v, ">")
	case map[string]any:
		for _, item := range v {
			if !isReference(item) {
				return false
			}
		}
		return true
	case []any:
		return !slices.ContainsFunc(v, func(item any) bool { return !isReference(item) })
	}
	return false
}

func isVariable(s string) bool {
	for i, r := range s {
		if r != '_' && !unicode.IsLetter(r) && (i == 0 || !unicode.IsDigit(r)) {
			return false
		}
	}
	return s != ""
}

// looksSecret goes by the words of a key: "api_key", "apiKey", "X-API-Key",
// "Authorization", "db.password". "max_tokens" and "eos_token" are none.
func looksSecret(key string) bool {
	words := wordsOf(key)
	for i, w := range words {
		switch w {
		case "password", "passwd", "passphrase", "secret", "secrets", "apikey", "authorization", "credential", "credentials", "bearer":
			return true
		case "key":
			if i > 0 && slices.Contains([]string{"api", "access", "private", "secret", "signing", "encryption", "account"}, words[i-1]) {
				return true
			}
		case "token":
			if i == len(words)-1 && (i == 0 || !slices.Contains([]string{"eos", "bos", "pad", "unk", "mask", "sep", "cls", "stop", "start", "end", "special", "next", "per"}, words[i-1])) {
				return true
			}
		}
	}
	return false
}

// wordsOf cuts a key into its words, in lower case.
func wordsOf(key string) []string {
	var b strings.Builder
	last := rune(0)
	for _, r := range key {
		if unicode.IsUpper(r) && unicode.IsLower(last) {
			b.WriteByte(' ')
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			r = ' '
		}
		b.WriteRune(unicode.ToLower(r))
		last = r
		if last == ' ' {
			last = 0
		} else if unicode.IsUpper(r) {
			last = 'A'
		} else {
			last = 'a'
		}
	}
	return strings.Fields(b.String())
}

func holdsPassword(s string) bool {
	if !strings.Contains(s, "://") || !strings.Contains(s, "@") {
		return false
	}
	u, err := url.Parse(s)
	if err != nil {
		_, rest, _ := strings.Cut(s, "://")
		user, _, ok := strings.Cut(rest, "@")
		return ok && strings.Contains(user, ":")
	}
	password, ok := u.User.Password()
	return ok && password != ""
}

// masked is a document without what looks like a secret. Nothing that this
// room stores has any; what another program wrote may.
func masked(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if looksSecret(key) && !isReference(value) {
				v[key] = Masked
			} else {
				v[key] = masked(value)
			}
		}
	case []any:
		for i, item := range v {
			v[i] = masked(item)
		}
	case string:
		if holdsPassword(v) {
			return Masked
		}
	}
	return v
}
