package dynamodb

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

type (
	value = types.AttributeValue
	item  = map[string]value
)

func text(s string) value     { return &types.AttributeValueMemberS{Value: s} }
func number(s string) value   { return &types.AttributeValueMemberN{Value: s} }
func boolean(b bool) value    { return &types.AttributeValueMemberBOOL{Value: b} }
func object(m item) value     { return &types.AttributeValueMemberM{Value: m} }
func array(l []value) value   { return &types.AttributeValueMemberL{Value: l} }
func null() value             { return &types.AttributeValueMemberNULL{Value: true} }
func isNull(v value) bool     { _, is := v.(*types.AttributeValueMemberNULL); return v == nil || is }
func stringOf(v value) string { s, _ := asText(v); return s }

func asText(v value) (string, bool) {
	s, ok := v.(*types.AttributeValueMemberS)
	if !ok {
		return "", false
	}
	return s.Value, true
}

// maxNesting is how deep DynamoDB's values may nest is 32; the attribute
// itself and our own maps around it take some of that.
const maxNesting = 28

// plain brings a JSON value into DynamoDB's types as Chainlit's layer does.
// exact is false when something of it got lost: a number beyond 38 digits or
// in another spelling, a level too deep, an empty key.
func plain(v any) (out value, exact bool) {
	return plainAt(v, 0)
}

func plainAt(v any, depth int) (value, bool) {
	switch v := v.(type) {
	case nil:
		return null(), true
	case bool:
		return boolean(v), true
	case string:
		return text(v), true
	case json.Number:
		n, ok := nearest(v.String())
		if !ok {
			return text(v.String()), false
		}
		return number(n), plainNumber.MatchString(v.String())
	case []any:
		return plainList(v, depth)
	case map[string]any:
		return plainObject(v, depth)
	}
	return null(), false
}

func plainList(v []any, depth int) (value, bool) {
	if depth == maxNesting {
		return null(), false
	}
	list, exact := make([]value, len(v)), true
	for i := range v {
		one, ok := plainAt(v[i], depth+1)
		list[i], exact = one, exact && ok
	}
	return array(list), exact
}

func plainObject(v map[string]any, depth int) (value, bool) {
	if depth == maxNesting {
		return null(), false
	}
	m, exact := make(item, len(v)), true
	for key := range v {
		if key == "" {
			exact = false
			continue
		}
		one, ok := plainAt(v[key], depth+1)
		m[key], exact = one, exact && ok
	}
	return object(m), exact
}

func decodeJSON(raw []byte) (v any, err error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}

// goValue brings a value of DynamoDB's, whoever wrote it, into JSON's types.
func goValue(v value) any {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberBOOL:
		return v.Value
	case *types.AttributeValueMemberN:
		return jsonNumber(v.Value)
	case *types.AttributeValueMemberL:
		list := make([]any, len(v.Value))
		for i := range v.Value {
			list[i] = goValue(v.Value[i])
		}
		return list
	case *types.AttributeValueMemberM:
		m := make(map[string]any, len(v.Value))
		for key := range v.Value {
			m[key] = goValue(v.Value[key])
		}
		return m
	}
	return goSet(v)
}

// goSet is goValue for what Chainlit only writes when an application puts
// bytes or sets into its metadata.
func goSet(v value) any {
	list := []any{}
	switch v := v.(type) {
	case *types.AttributeValueMemberB:
		return base64.StdEncoding.EncodeToString(v.Value)
	case *types.AttributeValueMemberSS:
		for _, s := range v.Value {
			list = append(list, s)
		}
	case *types.AttributeValueMemberNS:
		for _, n := range v.Value {
			list = append(list, jsonNumber(n))
		}
	case *types.AttributeValueMemberBS:
		for _, b := range v.Value {
			list = append(list, base64.StdEncoding.EncodeToString(b))
		}
	default:
		return nil
	}
	return list
}

func jsonNumber(n string) any {
	if json.Valid([]byte(n)) {
		return json.Number(n)
	}
	if near, ok := nearest(n); ok {
		return json.Number(near)
	}
	return n
}

// same tells whether two values are one to DynamoDB.
func same(a, b value) bool {
	switch a := a.(type) {
	case *types.AttributeValueMemberS:
		b, ok := b.(*types.AttributeValueMemberS)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberBOOL:
		b, ok := b.(*types.AttributeValueMemberBOOL)
		return ok && a.Value == b.Value
	case *types.AttributeValueMemberN:
		b, ok := b.(*types.AttributeValueMemberN)
		return ok && sameNumber(a.Value, b.Value)
	case *types.AttributeValueMemberL:
		b, ok := b.(*types.AttributeValueMemberL)
		if !ok || len(a.Value) != len(b.Value) {
			return false
		}
		for i := range a.Value {
			if !same(a.Value[i], b.Value[i]) {
				return false
			}
		}
		return true
	case *types.AttributeValueMemberM:
		b, ok := b.(*types.AttributeValueMemberM)
		return ok && sameItem(a.Value, b.Value)
	}
	return isNull(a) && isNull(b)
}

func sameItem(a, b item) bool {
	if len(a) != len(b) {
		return false
	}
	for key := range a {
		if other, ok := b[key]; !ok || !same(a[key], other) {
			return false
		}
	}
	return true
}

// weigh is about what a value counts for in the size of an item.
func weigh(v value) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		return len(v.Value)/2 + 2
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberL:
		n := 3
		for _, one := range v.Value {
			n += 1 + weigh(one)
		}
		return n
	case *types.AttributeValueMemberM:
		return 3 + weighItem(v.Value)
	}
	return 1
}

func weighItem(m item) int {
	n := 0
	for key := range m {
		n += 1 + len(key) + weigh(m[key])
	}
	return n
}

// cut is the beginning of a text, at most n bytes and no half character.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
