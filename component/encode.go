package component

import (
	"encoding/json"

	"github.com/varvedb/varve/errs"
)

// Encode writes a component as a declaration, in canonical JSON: [Decode]
// reads it. Children that are components stand in it whole.
func Encode(c Component) ([]byte, error) {
	doc, err := document(c, encoder{derived: true, whole: true, identity: true})
	if err != nil {
		return nil, err
	}
	return appendCanonical(nil, doc)
}

// Declarations writes components so that a service elsewhere can apply them:
// each as [Encode] does, but a child that is bound to one version is the
// reference to it, fields that only a newer Varve knows are left to the records
// that have them, and bytes are what keep makes of them. What can be told
// without a database is checked: errs.Invalid, as from [Service.Apply].
func Declarations(cs []Component, keep func(Bytes) (Bytes, error)) ([]json.RawMessage, error) {
	if _, err := declared(cs, 0); err != nil {
		return nil, err
	}
	out := make([]json.RawMessage, len(cs))
	for i, c := range cs {
		doc, err := document(c, encoder{derived: true, whole: true, identity: true, bound: true, keep: keep})
		if err != nil {
			return nil, at(nameOf(c).String(), err)
		}
		if out[i], err = appendCanonical(nil, doc); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// encodeRecord writes what is stored: children are references, and so is
// content of more than inline bytes.
func encodeRecord(c Component, inline int) ([]byte, error) {
	doc, err := document(c, encoder{derived: true, inline: inline})
	if err != nil {
		return nil, err
	}
	if values(doc) > maxValues {
		return nil, tooMany()
	}
	return appendCanonical(nil, doc)
}

// encoder says which form of a component is meant.
type encoder struct {
	derived  bool                       // with what was not declared but found out
	whole    bool                       // children in place of references to them
	identity bool                       // with version and UUID
	sums     bool                       // digests in place of bytes
	inline   int                        // digests in place of more bytes than that; 0: of none
	bound    bool                       // references to versions in place of these, and no Extra
	keep     func(Bytes) (Bytes, error) // what stands for bytes; nil: they themselves
	breaking bool                       // fields that break, and nothing else
	// broken is the hash of a child's breaking fields, for breaking.
	broken func(s slot) (string, error)
}

// document is a component as parse would have read it.
func document(c Component, e encoder) (map[string]any, error) {
	b := c.base()
	doc := map[string]any{"type_id": c.Type(), "identifier": b.Identifier}
	if e.identity && b.Version != nil {
		v, err := generic(*b.Version)
		if err != nil {
			return nil, err
		}
		doc["version"] = v
	}
	if e.identity && b.UUID != "" {
		doc["uuid"] = b.UUID
	}
	for _, f := range fieldsOf(c) {
		if f.empty() || f.derived && !e.derived || !f.breaks && e.breaking {
			continue
		}
		v, err := e.field(f)
		if err != nil {
			return nil, at(f.name, err)
		}
		doc[f.name] = v
	}
	if e.breaking || e.bound {
		return doc, nil
	}
	for name, raw := range b.Extra {
		v, err := parse(raw)
		if err != nil {
			return nil, at(name, err)
		}
		doc[name] = v
	}
	return doc, nil
}

func (e encoder) field(f field) (any, error) {
	switch v := f.value.Interface().(type) {
	case Child:
		return e.child(slot{f.name, &v, f.child, f.breaks})
	case []Child:
		list := make([]any, len(v))
		for i := range v {
			var err error
			if list[i], err = e.child(slot{f.name, &v[i], f.child, f.breaks}); err != nil {
				return nil, err
			}
		}
		return list, nil
	case map[string]FieldType:
		o := map[string]any{}
		for name, t := range v {
			o[name] = t.Type
			if !t.DataType.IsZero() {
				var err error
				if o[name], err = e.child(slot{f.name, &t.DataType, "datatype", f.breaks}); err != nil {
					return nil, err
				}
			}
		}
		return o, nil
	case Bytes:
		return e.bytes(v)
	case map[string]Bytes:
		o := map[string]any{}
		for name, b := range v {
			var err error
			if o[name], err = e.bytes(b); err != nil {
				return nil, err
			}
		}
		return o, nil
	case json.RawMessage:
		return parse(v)
	}
	return generic(f.value.Interface())
}

func (e encoder) child(s slot) (any, error) {
	switch {
	case e.broken != nil:
		hash, err := e.broken(s)
		return map[string]any{"ref": s.child.link(), "break": hash}, err
	case e.whole && s.child.Component != nil && !(e.bound && s.child.bound()):
		return document(s.child.Component, e)
	}
	return s.child.link(), nil
}

func (e encoder) bytes(b Bytes) (any, error) {
	if e.sums || e.inline > 0 && len(b.Data) > e.inline {
		return blobMark + b.Sum(), nil
	}
	if e.keep != nil {
		var err error
		if b, err = e.keep(b); err != nil {
			return nil, err
		}
	}
	raw, err := b.MarshalJSON()
	if err != nil {
		return nil, errs.Wrap(errs.Internal, err, "bytes could not be written")
	}
	return parse(raw)
}
