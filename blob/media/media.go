// Package media says how bytes that anybody may have written are shown in a
// browser: under which type, whether at all, and under what name.
package media

import (
	"fmt"
	"mime"
	"strings"
	"unicode/utf8"
)

// Safe returns the type to answer with, and whether a browser may show it:
// images, audio, video, PDF and plain text. SVG and what else is XML, by
// whatever name, carries scripts and forms.
func Safe(mediaType string) (string, bool) {
	t, params, err := mime.ParseMediaType(mediaType)
	if err != nil || !strings.Contains(t, "/") {
		return "application/octet-stream", false
	}
	switch {
	case strings.HasSuffix(t, "+xml"):
	case strings.HasPrefix(t, "image/"), strings.HasPrefix(t, "audio/"), strings.HasPrefix(t, "video/"), t == "application/pdf":
		return t, true
	case t == "text/plain":
		charset := params["charset"]
		if charset == "" {
			charset = "utf-8"
		}
		return mime.FormatMediaType(t, map[string]string{"charset": charset}), true
	}
	if formatted := mime.FormatMediaType(t, params); formatted != "" {
		return formatted, false
	}
	return "application/octet-stream", false
}

// Disposition is the header Content-Disposition of RFC 6266: shown or saved,
// and the name twice, as a fallback that every reader understands and as it is
// in the encoding of RFC 8187.
func Disposition(shown bool, name string) string {
	disposition := "attachment"
	if shown {
		disposition = "inline"
	}
	name = fileName(name)
	if name == "" {
		return disposition
	}
	var plain, encoded strings.Builder
	for _, r := range name {
		switch {
		case r >= 0x20 && r < 0x7F && r != '"' && r != '\\' && r != '%':
			plain.WriteRune(r)
		default:
			plain.WriteByte('_')
		}
	}
	for _, b := range []byte(name) {
		if strings.IndexByte("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$&+-.^_`|~", b) >= 0 {
			encoded.WriteByte(b)
		} else {
			fmt.Fprintf(&encoded, "%%%02X", b)
		}
	}
	value := fmt.Sprintf(`%s; filename="%s"`, disposition, plain.String())
	if encoded.String() != plain.String() {
		value += "; filename*=UTF-8''" + encoded.String()
	}
	return value
}

// fileName takes from a name what would name another folder or end a header.
func fileName(name string) string {
	name = strings.ToValidUTF8(name, string(utf8.RuneError))
	return strings.Map(func(r rune) rune {
		switch {
		case r == '/' || r == '\\':
			return '_'
		case r < 0x20 || r == 0x7F:
			return -1
		}
		return r
	}, name)
}

// Name is the file name in a Content-Disposition, or "".
func Name(disposition string) string {
	_, params, err := mime.ParseMediaType(disposition)
	if err != nil {
		return ""
	}
	return fileName(params["filename"])
}
