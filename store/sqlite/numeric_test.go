package sqlite

import "testing"

// The right column is what SQLite 3.40 does with such a text in a column of type UUID: it keeps it, or makes it a number.
func TestLooksNumeric(t *testing.T) {
	for text, want := range map[string]bool{
		"11111111-1111-4111-8111-111111111111": false,
		"12345678-0000":                        false,
		"1-1":                                  false,
		"0x10":                                 false,
		"1e":                                   false,
		"1_000":                                false,
		"nan":                                  false,
		"":                                     false,
		"12":                                   true,
		" 12 ":                                 true,
		"+5":                                   true,
		"5.":                                   true,
		".5":                                   true,
		"1e5":                                  true,
		"1e400":                                true,
	} {
		if got := looksNumeric(text); got != want {
			t.Errorf("looksNumeric(%q) = %v, want %v", text, got, want)
		}
	}
}
