package dynamodb

import (
	"math/big"
	"regexp"
	"strings"
)

// plainNumber is a number that DynamoDB gives back in the spelling in which it
// was written: no exponent, no zeros at either end, far from its 38 digits.
var plainNumber = regexp.MustCompile(`^(0|-?([1-9][0-9]{0,17}(\.[0-9]{0,17}[1-9])?|0\.[0-9]{0,17}[1-9]))$`)

// anyNumber is a decimal number in any of the spellings of JSON and DynamoDB.
var anyNumber = regexp.MustCompile(`^[+-]?[0-9]*\.?[0-9]*([eE][+-]?[0-9]{1,4})?$`)

// digits is what DynamoDB keeps of a number: 38 digits, exponents to 125. The
// limits here stay a little inside.
const (
	digits      = 38
	maxExponent = 120
)

// nearest is the number that DynamoDB stores for text, and whether it can
// store one at all.
func nearest(text string) (string, bool) {
	if plainNumber.MatchString(text) {
		return text, true
	}
	if !anyNumber.MatchString(text) {
		return "", false
	}
	f, _, err := big.ParseFloat(text, 10, 256, big.ToNearestEven)
	if err != nil {
		return "", false
	}
	if f.Sign() == 0 {
		return "0", true
	}
	rounded := f.Text('e', digits-1)
	_, exponent, _ := strings.Cut(rounded, "e")
	e, ok := new(big.Int).SetString(strings.TrimPrefix(exponent, "+"), 10)
	if !ok || e.CmpAbs(big.NewInt(maxExponent)) > 0 {
		return "", false
	}
	return rounded, true
}

// sameNumber tells whether two texts are one number to DynamoDB.
func sameNumber(a, b string) bool {
	if a == b {
		return true
	}
	if !anyNumber.MatchString(a) || !anyNumber.MatchString(b) {
		return false
	}
	x, _, err := big.ParseFloat(a, 10, 256, big.ToNearestEven)
	if err != nil {
		return false
	}
	y, _, err := big.ParseFloat(b, 10, 256, big.ToNearestEven)
	return err == nil && x.Text('e', digits-1) == y.Text('e', digits-1)
}
