package query

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/varvedb/varve/errs"
)

// Fold is the column that says to which part of a data set a row belongs:
// [FoldTrain] or [FoldValid], unless the user says otherwise.
const (
	Fold      = "_fold"
	FoldTrain = "train"
	FoldValid = "valid"
)

// Column is one column of a table.
type Column struct {
	Name string `json:"name"`
	Type Type   `json:"type"`
	// Required: it may not be NULL. Tables that Varve makes require their key
	// only; those of others may require more.
	Required bool `json:"required,omitempty"`
}

// UnmarshalJSON reads a column, and names it where its type is wrong.
func (c *Column) UnmarshalJSON(raw []byte) error {
	var f struct {
		Name     string `json:"name"`
		Type     string `json:"type"`
		Required bool   `json:"required"`
	}
	if err := json.Unmarshal(raw, &f); err != nil {
		return err
	}
	t, err := ParseType(f.Type)
	var wrong *errs.Error
	if errors.As(err, &wrong) {
		return errs.Field(wrong.Kind, f.Name, "%s", wrong.Detail)
	}
	c.Name, c.Type, c.Required = f.Name, t, f.Required
	return err
}

// Table is a table as a database holds it.
type Table struct {
	Name    string   `json:"name"`
	Columns []Column `json:"columns"`
	// Key names the column by which rows are found; of type text or integer.
	// "": rows cannot be named one by one, and only reads are served.
	Key string `json:"key"`
	// Generated: the database numbers the rows itself where the key is NULL in
	// what is inserted. Varve makes no such table.
	Generated bool `json:"generated,omitempty"`
	// Documents: rows may have other fields than the table's columns, as in a
	// document database. Columns are then only those that are declared.
	Documents bool `json:"documents,omitempty"`
	// Reserved is the room whose rows these are, [ChatRoom] or [StateRoom], or ""
	// for a table of the user's own. They are read here and written there.
	Reserved string `json:"reserved,omitempty"`
	// Owner names the column, of type text, with the user to whom a row of a
	// reserved table belongs; rows where it is NULL belong to nobody. "": only
	// those who may see everything see the table.
	Owner string `json:"owner,omitempty"`
	// Created: Varve made it, so Drop may take it away.
	Created bool `json:"created,omitempty"`
}

// Index is the number of the column with a name, or -1. Names are compared as
// they are written.
func (t *Table) Index(name string) int {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return i
		}
	}
	return -1
}

// Like is the number of a column whose name is the same but for case, or -1:
// most databases cannot hold both.
func (t *Table) Like(name string) int {
	for i := range t.Columns {
		if strings.EqualFold(t.Columns[i].Name, name) {
			return i
		}
	}
	return -1
}

// TakenKey is what [Store.Insert] answers for a key that a row has already, or
// another row of the same insert: every store says it alike.
func TakenKey(t *Table, key string) error {
	return errs.Field(errs.Exists, t.Key, "the table %q cannot have two rows with the key %q", t.Name, key)
}
