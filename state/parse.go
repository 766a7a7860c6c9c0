package state

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"slices"

	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/internal/datum"
)

// maxDocument bounds a JSON Schema.
const maxDocument = 1 << 20

// ParseSchema reads a declaration from a JSON Schema of an object. Its title
// is the table's name and its properties, in their order, are the columns:
//
//	{
//	  "title": "todos", "type": "object",
//	  "x-key": ["id"], "x-owner": "user_id",
//	  "properties": {
//	    "id":       {"type": "string"},
//	    "user_id":  {"type": ["string", "null"]},
//	    "priority": {"type": "integer"},
//	    "body":     {"type": "string", "x-was": ["text"]},
//	    "due":      {"type": "string", "format": "date-time"},
//	    "picture":  {"type": "string", "contentEncoding": "base64"},
//	    "labels":   {"type": "array"}
//	  }
//	}
//
// string is text, number real; array, object, several types and none are JSON.
// What else a schema says, such as minimum or required, is not kept and not
// enforced. errs.Invalid, naming the property, for what is no declaration.
func ParseSchema(document []byte) (Schema, error) {
	if len(document) > maxDocument {
		return Schema{}, errs.New(errs.TooLarge, "the schema has %d bytes; at most %d", len(document), maxDocument)
	}
	var d struct {
		Title      string          `json:"title"`
		Type       string          `json:"type"`
		Key        []string        `json:"x-key"`
		Owner      string          `json:"x-owner"`
		Properties json.RawMessage `json:"properties"`
	}
	if _, err := datum.Compact(document); err != nil {
		return Schema{}, err
	}
	if err := json.Unmarshal(document, &d); err != nil {
		return Schema{}, errs.New(errs.Invalid, "the schema must be a JSON object with a text title, a list x-key and an object of properties")
	}
	if d.Type != "" && d.Type != "object" {
		return Schema{}, errs.Field(errs.Invalid, "type", "must be object: a row has columns")
	}
	columns, err := properties(d.Properties)
	if err != nil {
		return Schema{}, err
	}
	s := Schema{Name: d.Title, Columns: columns, Key: d.Key, Owner: d.Owner}
	return s, s.check()
}

// properties reads an object member by member, since their order counts.
func properties(raw []byte) ([]Column, error) {
	d := json.NewDecoder(bytes.NewReader(raw))
	if t, err := d.Token(); errors.Is(err, io.EOF) || err == nil && t != json.Delim('{') {
		return nil, errs.Field(errs.Invalid, "properties", "is missing or no object; it names the columns")
	}
	var columns []Column
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return nil, errs.Field(errs.Invalid, "properties", "is no JSON object")
		}
		c := Column{Name: name.(string)}
		var p property
		if err := d.Decode(&p); err != nil {
			return nil, errs.Field(errs.Invalid, c.Name, "must be an object that says its type")
		}
		if c.Type, err = p.column(c.Name); err != nil {
			return nil, err
		}
		c.Was = p.Was
		columns = append(columns, c)
	}
	return columns, nil
}

type property struct {
	Type     json.RawMessage `json:"type"`
	Format   string          `json:"format"`
	Encoding string          `json:"contentEncoding"`
	Was      []string        `json:"x-was"`
}

func (p property) column(name string) (Type, error) {
	var types []string
	if len(p.Type) > 0 && p.Type[0] == '"' {
		types = make([]string, 1)
		if err := json.Unmarshal(p.Type, &types[0]); err != nil {
			return "", errs.Field(errs.Invalid, name, "has a type that is no text")
		}
	} else if len(p.Type) > 0 {
		if err := json.Unmarshal(p.Type, &types); err != nil {
			return "", errs.Field(errs.Invalid, name, "has a type that is neither text nor a list of texts")
		}
	}
	types = slices.DeleteFunc(types, func(t string) bool { return t == "null" })
	if len(types) != 1 {
		return JSON, nil
	}
	switch types[0] {
	case "string":
		switch {
		case p.Format == "date-time":
			return Time, nil
		case p.Encoding == "base64":
			return Bytes, nil
		}
		return Text, nil
	case "integer":
		return Integer, nil
	case "number":
		return Real, nil
	case "boolean":
		return Boolean, nil
	case "array", "object":
		return JSON, nil
	}
	return "", errs.Field(errs.Invalid, name, "has a type %q; JSON Schema has string, integer, number, boolean, array, object and null", shown(types[0]))
}
