package archive

import "testing"

func TestNumbersHaveOneSpelling(t *testing.T) {
	for _, c := range []struct{ written, want string }{
		{"0", "0"}, {"-0", "0"}, {"-0.0", "0.0"}, {"12", "12"}, {"-12", "-12"},
		{"1.50", "1.50"}, {"0.05", "0.05"}, {"0.050", "0.050"}, {"-0.5", "-0.5"},
		{"15e-1", "1.5"}, {"1.50e1", "15.0"}, {"1e2", "100"}, {"1.5E+3", "1500"}, {"-2e-3", "-0.002"}, {"0e5", "0"}, {"0.0e0", "0.0"},
		{"123456789012345678901234567890", "123456789012345678901234567890"},
		{"1e300", "1e300"}, {"1" + zeros(300), "1e300"}, {"1.25e-300", "1.25e-300"}, {"0." + zeros(299) + "125", "1.25e-300"},
	} {
		got := number(c.written)
		if got != c.want {
			t.Errorf("%s became %s, not %s", c.written, got, c.want)
		}
		if again := number(got); again != got {
			t.Errorf("%s became %s the second time", got, again)
		}
	}
}

func zeros(n int) string {
	s := make([]byte, n)
	for i := range s {
		s[i] = '0'
	}
	return string(s)
}
