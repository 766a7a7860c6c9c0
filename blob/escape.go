package blob

import (
	"fmt"
	"regexp"
	"strings"
)

// like is what the library takes for a character that it wrote itself.
var like = regexp.MustCompile(`^__0x\+?[0-9A-Fa-f]+__`)

// Escape is the name of a key's object where the library writes a few names
// otherwise than they are: what a driver does beside the library must name the
// same object. awkward are the characters that the kind of bucket does not take.
func Escape(key string, awkward func(rune) bool) string {
	var b strings.Builder
	for i, c := range key {
		if awkward(c) || c == '/' && strings.HasSuffix(key[:i], "..") || c == '_' && like.MatchString(key[i:]) {
			fmt.Fprintf(&b, "__%#x__", c)
		} else {
			b.WriteRune(c)
		}
	}
	return b.String()
}
