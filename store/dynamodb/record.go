package dynamodb

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"maps"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/varvedb/varve/chat"
)

// content is what an item says, before it is brought into DynamoDB's limits:
// every attribute as JSON.
type content map[string]any

// row is an item with what it says, and the chunks that hold what did not fit
// into it.
type row struct {
	item   item
	says   content
	gen    string // what the keys of the chunks begin with
	chunks []item // to be written before it
}

// Limits of an item. DynamoDB's is 400 KB; the rest is for keys and for what
// Chainlit's layer may add, such as a feedback.
const (
	maxItem   = 350 << 10
	chunkSize = 350 << 10
	teaser    = 16 << 10 // what a long text leaves in the item for readers that know no chunks
	small     = 8 << 10  // an attribute that is never moved out
)

// found is an item as it was seen, and what it says. What lies in chunks need
// not be read for it: where the beginning stays, the chunks stay.
type found struct {
	item item // nil: there was none
	says content
}

// seal brings content into an item: plain attributes as Chainlit writes them,
// and beside them, for what those cannot hold, the JSON itself. What says the
// same as was found stays as it was found. gen names the chunks.
func seal(k key, says content, gen string, old found) row {
	r := row{item: k.attributes(), says: says, gen: gen}
	inline, moved := item{}, item{}
	for name, v := range says {
		if was, ok := old.item[name]; ok && reflect.DeepEqual(old.says[name], v) {
			r.item[name] = was
			carry(inline, old.item[exact], name)
			carry(moved, old.item[overflow], name)
			continue
		}
		p, ok := plain(v)
		r.item[name] = p
		if !ok {
			inline[name] = text(encodeJSON(v))
		}
	}
	for name, was := range old.item { // others' stay
		if _, ok := says[name]; !ok && name != indexPK && name != indexSK && !strings.HasPrefix(name, "varve") && r.item[name] == nil {
			r.item[name] = was
		}
	}
	r.moveOut(inline, moved, k)
	if len(inline) > 0 {
		r.item[exact] = object(inline)
	}
	if len(moved) > 0 {
		r.item[overflow] = object(moved)
	}
	return r
}

func carry(to item, from value, name string) {
	if v, ok := members(from)[name]; ok {
		to[name] = v
	}
}

// moveOut moves the largest attributes into chunks until the item fits, and
// notes in moved which.
func (r *row) moveOut(inline, moved item, k key) {
	size := weighItem(r.item) + weighItem(inline)
	if size <= maxItem {
		return
	}
	weight := func(name string) int {
		n := weigh(r.item[name])
		if full, ok := inline[name]; ok {
			n += weigh(full)
		}
		return n
	}
	names := slices.Collect(maps.Keys(r.says))
	slices.SortFunc(names, func(a, b string) int { return weight(b) - weight(a) })
	for _, name := range names {
		w := weight(name)
		if size <= maxItem || w <= small {
			break
		}
		if moved[name] != nil && w <= 2*teaser { // only its beginning is here
			continue
		}
		short, _ := plain(stub(r.says[name]))
		size -= w - weigh(short)
		r.item[name] = short
		delete(inline, name)
		parts := split(packed(r.says[name]))
		for i, part := range parts {
			chunk := chunkKey(k, r.gen, name, i).attributes()
			chunk["part"] = &types.AttributeValueMemberB{Value: part}
			r.chunks = append(r.chunks, chunk)
		}
		moved[name] = object(item{"gen": text(r.gen), "parts": number(strconv.Itoa(len(parts)))})
	}
}

// chunkKey is beside its item: one query reads both. The name goes in by its
// digest, because it may be long.
func chunkKey(k key, gen, name string, i int) key {
	return key{k.pk, chunkPrefix + gen + "#" + digest(name)[:16] + "#" + strconv.Itoa(i)}
}

// stub is what a reader that knows no chunks sees of a value that is in some.
func stub(v any) any {
	switch v := v.(type) {
	case string:
		return cut(v, teaser) + "…"
	case map[string]any:
		return map[string]any{}
	}
	return nil
}

// packed is a value as its chunks hold it: JSON, compressed, because DynamoDB
// counts every KB.
func packed(v any) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	io.WriteString(z, encodeJSON(v)) // into memory: cannot fail
	z.Close()
	return b.Bytes()
}

func unpacked(b []byte) (any, error) {
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	return decodeJSON(raw)
}

func split(b []byte) [][]byte { return slices.Collect(slices.Chunk(b, chunkSize)) }

// partOf is what a chunk holds.
func partOf(i item) ([]byte, bool) {
	b, ok := i["part"].(*types.AttributeValueMemberB)
	if !ok {
		return nil, false
	}
	return b.Value, true
}

// unseal reads an item. What stands beside the plain attributes counts only
// while it says the same: Chainlit's layer writes those and does not know the
// rest. chunk gives what a chunk holds.
func unseal(i item, chunk func(key) ([]byte, bool)) (says content, whole bool) {
	says, whole = make(content, len(i)), true
	for name, v := range i {
		if !bookkeeping(name) {
			says[name] = goValue(v)
		}
	}
	for name, v := range members(i[exact]) {
		if full, err := decodeJSON([]byte(stringOf(v))); err == nil {
			if p, _ := plain(full); same(p, i[name]) {
				says[name] = full
			}
		}
	}
	for name, v := range members(i[overflow]) {
		full, ok := joined(keyOf(i), name, v, chunk)
		if !ok {
			whole = false
			continue
		}
		if p, _ := plain(stub(full)); same(p, i[name]) {
			says[name] = full
		}
	}
	return says, whole
}

func joined(k key, name string, at value, chunk func(key) ([]byte, bool)) (any, bool) {
	gen, parts := chunksOf(at)
	var all []byte
	for i := range parts {
		part, ok := chunk(chunkKey(k, gen, name, i))
		if !ok {
			return nil, false
		}
		all = append(all, part...)
	}
	full, err := unpacked(all)
	return full, err == nil
}

func chunksOf(at value) (gen string, parts int) {
	m := members(at)
	n, _ := m["parts"].(*types.AttributeValueMemberN)
	if n != nil {
		parts, _ = strconv.Atoi(n.Value)
	}
	return stringOf(m["gen"]), parts
}

// chunkKeys are the chunks that an item names.
func chunkKeys(i item) (keys []key) {
	for name, v := range members(i[overflow]) {
		gen, parts := chunksOf(v)
		for n := range parts {
			keys = append(keys, chunkKey(keyOf(i), gen, name, n))
		}
	}
	return keys
}

// dropped are the chunks that old names and i does not.
func dropped(old, i item) (keys []key) {
	stay := map[key]bool{}
	for _, k := range chunkKeys(i) {
		stay[k] = true
	}
	return slices.DeleteFunc(chunkKeys(old), func(k key) bool { return stay[k] })
}

func members(v value) item {
	if m, ok := v.(*types.AttributeValueMemberM); ok {
		return m.Value
	}
	return nil
}

// bookkeeping are attributes that say nothing about a conversation.
func bookkeeping(name string) bool {
	switch name {
	case pk, sk, indexPK, indexSK, version, exact, overflow:
		return true
	}
	return false
}

func encodeJSON(v any) string {
	raw, _ := json.Marshal(v) // of decoded JSON: cannot fail
	return string(raw)
}

// field brings the field that p points to into a JSON value; ok is false when
// it says nothing.
func field(p any) (v any, ok bool) {
	switch p := p.(type) {
	case *string:
		return *p, *p != ""
	case *chat.ShowInput:
		switch *p {
		case "true", "false":
			return *p == "true", true
		}
		return string(*p), *p != ""
	case **bool:
		if *p != nil {
			return **p, true
		}
	case **int64:
		if *p != nil {
			return json.Number(strconv.FormatInt(**p, 10)), true
		}
	case *[]string:
		return texts(*p), *p != nil
	case *chat.Object:
		return map[string]any(*p), *p != nil
	case *json.RawMessage:
		v, err := decodeJSON(*p)
		return v, len(*p) > 0 && err == nil
	}
	return nil, false
}

func texts(l []string) []any {
	out := make([]any, len(l))
	for i := range l {
		out[i] = l[i]
	}
	return out
}

// setField is field's way back. What another layer wrote in another type comes
// as its JSON.
func setField(p, v any) {
	if v == nil {
		return
	}
	switch p := p.(type) {
	case *string:
		*p = asString(v)
	case *chat.ShowInput:
		*p = chat.ShowInput(asString(v))
	case **bool:
		if b, ok := v.(bool); ok {
			*p = &b
		}
	case **int64:
		if n, ok := v.(json.Number); ok {
			if f, err := strconv.ParseFloat(n.String(), 64); err == nil {
				*p = chat.Ptr(int64(f))
			}
		}
	case *[]string:
		if l, ok := v.([]any); ok {
			*p = make([]string, len(l))
			for i := range l {
				(*p)[i] = asString(l[i])
			}
		}
	case *chat.Object:
		if m, ok := v.(map[string]any); ok {
			*p = m
		}
	case *json.RawMessage:
		*p = json.RawMessage(encodeJSON(v))
	}
}

func asString(v any) string {
	if s, ok := v.(string); ok {
		return s
	}
	return encodeJSON(v)
}
