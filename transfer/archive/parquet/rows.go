package parquet

import (
	"encoding/json"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/transfer/archive"
)

// The rows of the tables. Columns are called what the fields are called
// elsewhere. Objects and what Varve does not know are JSON in text; a time that
// cannot be read as one stands in "other", under its name, beside the keys that
// Varve does not know.
type userRow struct {
	ID         string `parquet:"id"`
	Identifier string `parquet:"identifier"`
	CreatedAt  *int64 `parquet:"createdAt,optional,timestamp(microsecond)"`
	Metadata   string `parquet:"metadata"`
	Other      string `parquet:"other,optional"`
}

type threadRow struct {
	ID             string   `parquet:"id"`
	CreatedAt      *int64   `parquet:"createdAt,optional,timestamp(microsecond)"`
	Name           string   `parquet:"name,optional"`
	UserID         string   `parquet:"userId,optional"`
	UserIdentifier string   `parquet:"userIdentifier,optional"`
	Tags           []string `parquet:"tags,list"`
	Metadata       string   `parquet:"metadata"`
	Other          string   `parquet:"other,optional"`
}

type stepRow struct {
	ThreadID      string   `parquet:"threadId"`
	ID            string   `parquet:"id"`
	ParentID      string   `parquet:"parentId,optional"`
	Name          string   `parquet:"name"`
	Type          string   `parquet:"type"`
	Input         string   `parquet:"input"`
	Output        string   `parquet:"output"`
	CreatedAt     *int64   `parquet:"createdAt,optional,timestamp(microsecond)"`
	Start         *int64   `parquet:"start,optional,timestamp(microsecond)"`
	End           *int64   `parquet:"end,optional,timestamp(microsecond)"`
	IsError       *bool    `parquet:"isError,optional"`
	Streaming     *bool    `parquet:"streaming,optional"`
	WaitForAnswer *bool    `parquet:"waitForAnswer,optional"`
	DefaultOpen   *bool    `parquet:"defaultOpen,optional"`
	AutoCollapse  *bool    `parquet:"autoCollapse,optional"`
	ShowInput     string   `parquet:"showInput,optional"`
	Language      string   `parquet:"language,optional"`
	Command       string   `parquet:"command,optional"`
	Icon          string   `parquet:"icon,optional"`
	Tags          []string `parquet:"tags,list"`
	Metadata      string   `parquet:"metadata"`
	Generation    string   `parquet:"generation,optional"`
	Modes         string   `parquet:"modes,optional"`
	Other         string   `parquet:"other,optional"`
}

type elementRow struct {
	ThreadID     string `parquet:"threadId"`
	ID           string `parquet:"id"`
	ForID        string `parquet:"forId,optional"`
	Type         string `parquet:"type"`
	Name         string `parquet:"name"`
	MIME         string `parquet:"mime,optional"`
	Display      string `parquet:"display"`
	Size         string `parquet:"size,optional"`
	URL          string `parquet:"url,optional"`
	ObjectKey    string `parquet:"objectKey,optional"`
	ChainlitKey  string `parquet:"chainlitKey,optional"`
	Language     string `parquet:"language,optional"`
	Page         *int64 `parquet:"page,optional"`
	AutoPlay     *bool  `parquet:"autoPlay,optional"`
	Props        string `parquet:"props,optional"`
	PlayerConfig string `parquet:"playerConfig,optional"`
	SHA256       string `parquet:"sha256,optional"` // of the bytes in the archive
	Bytes        *int64 `parquet:"bytes,optional"`  // how many they are
	Other        string `parquet:"other,optional"`
}

type feedbackRow struct {
	ThreadID string  `parquet:"threadId"`
	ForID    string  `parquet:"forId"`
	ID       string  `parquet:"id"`
	Value    int32   `parquet:"value"`
	Comment  *string `parquet:"comment,optional"`
}

// others collects what has no column.
type others map[string]json.RawMessage

// time gives the microseconds of a time, or keeps its text.
func (o *others) time(key, text string) *int64 {
	if text == "" {
		return nil
	}
	if at, ok := chat.NormalTime(text); ok {
		if t, err := time.Parse(time.RFC3339Nano, at); err == nil {
			return chat.Ptr(t.UnixMicro())
		}
	}
	o.keep(key, form(text))
	return nil
}

func (o *others) keep(key string, value json.RawMessage) {
	if *o == nil {
		*o = others{}
	}
	(*o)[key] = value
}

func (o others) String() string {
	if len(o) == 0 {
		return ""
	}
	return string(form(o))
}

// form is the JSON of what was decoded from JSON, in which keys are sorted.
func form(v any) json.RawMessage {
	raw, _ := json.Marshal(v) // cannot fail
	return raw
}

func object(o chat.Object) string {
	if o == nil {
		return "{}"
	}
	return string(form(o))
}

func fromUser(u chat.User) userRow {
	var o others
	return userRow{ID: u.ID, Identifier: u.Identifier, CreatedAt: o.time("createdAt", u.CreatedAt), Metadata: object(u.Metadata), Other: o.String()}
}

func fromThread(t *chat.Thread) threadRow {
	var o others
	r := threadRow{ID: t.ID, CreatedAt: o.time("createdAt", t.CreatedAt), Name: t.Name, UserID: t.UserID, UserIdentifier: t.UserIdentifier,
		Tags: t.Tags, Metadata: object(t.Metadata)}
	r.Other = o.String()
	return r
}

func fromStep(s *chat.Step) stepRow {
	var o others
	for key, v := range s.Extra {
		o.keep(key, v)
	}
	r := stepRow{ThreadID: s.ThreadID, ID: s.ID, ParentID: s.ParentID, Name: s.Name, Type: s.Type, Input: s.Input, Output: s.Output,
		CreatedAt: o.time("createdAt", s.CreatedAt), Start: o.time("start", s.Start), End: o.time("end", s.End),
		IsError: s.IsError, Streaming: s.Streaming, WaitForAnswer: s.WaitForAnswer, DefaultOpen: s.DefaultOpen, AutoCollapse: s.AutoCollapse,
		ShowInput: string(s.ShowInput), Language: s.Language, Command: s.Command, Icon: s.Icon, Tags: s.Tags,
		Metadata: object(s.Metadata), Generation: string(s.Generation), Modes: string(s.Modes)}
	r.Other = o.String()
	return r
}

func fromElement(e *chat.Element, f archive.File, stored bool) elementRow {
	var o others
	for key, v := range e.Extra {
		o.keep(key, v)
	}
	r := elementRow{ThreadID: e.ThreadID, ID: e.ID, ForID: e.ForID, Type: e.Type, Name: e.Name, MIME: e.MIME, Display: e.Display,
		Size: e.Size, URL: e.URL, ObjectKey: e.ObjectKey, ChainlitKey: e.ChainlitKey, Language: e.Language, Page: e.Page,
		AutoPlay: e.AutoPlay, PlayerConfig: string(e.PlayerConfig), Other: o.String()}
	if len(e.Props) > 0 {
		r.Props = object(e.Props)
	}
	if stored {
		r.SHA256, r.Bytes = f.SHA256, &f.Size
	}
	return r
}

func fromFeedback(f *chat.Feedback) feedbackRow {
	return feedbackRow{ThreadID: f.ThreadID, ForID: f.ForID, ID: f.ID, Value: int32(f.Value), Comment: f.Comment}
}

// user is what a row says. Text that should be JSON and is not is
// errs.Invalid.
func (r *userRow) user() (chat.User, error) {
	u := chat.User{ID: r.ID, Identifier: r.Identifier}
	o, err := readOther(r.Other)
	if err == nil {
		u.CreatedAt, err = o.moment("createdAt", r.CreatedAt)
	}
	if err == nil {
		u.Metadata, err = readObject("metadata", r.Metadata)
	}
	return u, err
}

func (r *threadRow) thread() (chat.Thread, error) {
	t := chat.Thread{ID: r.ID, Name: r.Name, UserID: r.UserID, UserIdentifier: r.UserIdentifier, Tags: tags(r.Tags)}
	o, err := readOther(r.Other)
	if err == nil {
		t.CreatedAt, err = o.moment("createdAt", r.CreatedAt)
	}
	if err == nil {
		t.Metadata, err = readObject("metadata", r.Metadata)
	}
	return t, err
}

func (r *stepRow) step() (chat.Step, error) {
	s := chat.Step{ThreadID: r.ThreadID, ID: r.ID, ParentID: r.ParentID, Name: r.Name, Type: r.Type, Input: r.Input, Output: r.Output,
		IsError: r.IsError, Streaming: r.Streaming, WaitForAnswer: r.WaitForAnswer, DefaultOpen: r.DefaultOpen, AutoCollapse: r.AutoCollapse,
		ShowInput: chat.ShowInput(r.ShowInput), Language: r.Language, Command: r.Command, Icon: r.Icon, Tags: tags(r.Tags)}
	o, err := readOther(r.Other)
	for _, at := range []struct {
		key string
		of  *int64
		to  *string
	}{{"createdAt", r.CreatedAt, &s.CreatedAt}, {"start", r.Start, &s.Start}, {"end", r.End, &s.End}} {
		if err == nil {
			*at.to, err = o.moment(at.key, at.of)
		}
	}
	if err == nil {
		s.Metadata, err = readObject("metadata", r.Metadata)
	}
	if err == nil {
		s.Generation, err = readRaw("generation", r.Generation)
	}
	if err == nil {
		s.Modes, err = readRaw("modes", r.Modes)
	}
	s.Extra = o
	return s, err
}

func (r *elementRow) element() (e chat.Element, f archive.File, err error) {
	e = chat.Element{ThreadID: r.ThreadID, ID: r.ID, ForID: r.ForID, Type: r.Type, Name: r.Name, MIME: r.MIME, Display: r.Display,
		Size: r.Size, URL: r.URL, ObjectKey: r.ObjectKey, ChainlitKey: r.ChainlitKey, Language: r.Language, Page: r.Page, AutoPlay: r.AutoPlay}
	if r.SHA256 != "" {
		if r.Bytes == nil {
			return e, f, errs.Field(errs.Invalid, "bytes", "must say how many bytes there are where sha256 does")
		}
		f = archive.File{SHA256: r.SHA256, Size: *r.Bytes}
	}
	o, err := readOther(r.Other)
	e.Extra = o
	if err == nil && r.Props != "" {
		e.Props, err = readObject("props", r.Props)
	}
	if err == nil {
		e.PlayerConfig, err = readRaw("playerConfig", r.PlayerConfig)
	}
	return e, f, err
}

func (r *feedbackRow) feedback() chat.Feedback {
	return chat.Feedback{ThreadID: r.ThreadID, ForID: r.ForID, ID: r.ID, Value: int(r.Value), Comment: r.Comment}
}

// tags: a list without any is none.
func tags(list []string) []string {
	if len(list) == 0 {
		return nil
	}
	return list
}

func readOther(text string) (others, error) {
	if text == "" {
		return nil, nil
	}
	var o others
	if err := json.Unmarshal([]byte(text), &o); err != nil {
		return nil, errs.Field(errs.Invalid, "other", "is not an object in JSON")
	}
	return o, nil
}

// moment is the text of a time, which may have been kept as it was.
func (o *others) moment(key string, micros *int64) (string, error) {
	if raw, ok := (*o)[key]; ok {
		delete(*o, key)
		if len(*o) == 0 {
			*o = nil
		}
		var text string
		if err := json.Unmarshal(raw, &text); err != nil {
			return "", errs.Field(errs.Invalid, "other", "has a %s that is no text", key)
		}
		return text, nil
	}
	if micros == nil {
		return "", nil
	}
	t := time.UnixMicro(*micros).UTC()
	if t.Year() < 0 || t.Year() > 9999 {
		return "", errs.Field(errs.Invalid, key, "is out of the years 0 to 9999")
	}
	return chat.FormatTime(t), nil
}

func readObject(field, text string) (chat.Object, error) {
	if text == "" {
		return chat.Object{}, nil
	}
	var o chat.Object
	if err := json.Unmarshal([]byte(text), &o); err != nil || o == nil {
		return nil, errs.Field(errs.Invalid, field, "is not an object in JSON")
	}
	return o, nil
}

func readRaw(field, text string) (json.RawMessage, error) {
	if text != "" && !json.Valid([]byte(text)) {
		return nil, errs.Field(errs.Invalid, field, "is not JSON")
	}
	return json.RawMessage(text), nil
}
