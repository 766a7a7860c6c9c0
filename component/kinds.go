package component

import (
	"encoding/json"

	"github.com/varvedb/varve/errs"
)

// Component is one of the structs of this file, by its pointer.
type Component interface {
	// Type is the type_id of the struct.
	Type() string
	base() *Base
}

// Base is what all components have.
//
// The tags of fields say what the room does with them: "breaks" makes a new
// version when the field changes; "derived" is not declared but found out, and
// no change of it is one; "required" may not be empty; "child=T" holds
// components of type T, "child=*" any.
type Base struct {
	Identifier string `json:"identifier"`
	// Version is nil until the component is stored. In a declaration it names
	// a version that is there, or the next one.
	Version *int   `json:"version,omitempty"`
	UUID    string `json:"uuid,omitempty"`
	// Description is for people.
	Description string `json:"description,omitempty"`
	// Upstream are components that must be there first.
	Upstream []Child `json:"upstream,omitempty" component:"child=*"`
	// Extra are fields that a newer version of Varve wrote.
	Extra map[string]json.RawMessage `json:"-"`
}

func (b *Base) base() *Base { return b }

// NameOf is the type and identifier of a component. errs.Invalid: it is nil.
func NameOf(c Component) (Name, error) {
	if c == nil || isNil(c) {
		return Name{}, errs.New(errs.Invalid, "only components can be applied, and nil is none")
	}
	return nameOf(c), nil
}

func nameOf(c Component) Name { return Name{c.Type(), c.base().Identifier} }

// Object is a JSON object whose keys are not this room's. Values of keys that
// name secrets are references to them, as in "env:OPENAI_API_KEY".
type Object map[string]any

// Model computes an output from an input. It is data: Kind names who runs it
// and Config tells it how.
type Model struct {
	Base
	Kind      string `json:"kind,omitempty" component:"breaks"`
	Signature string `json:"signature,omitempty" component:"breaks"` // "singleton", "*args", "**kwargs", "*args,**kwargs"
	// Revision is raised by who changes what the record cannot see: the code
	// of a function, the weights behind an address.
	Revision     string           `json:"revision,omitempty" component:"breaks"`
	Config       Object           `json:"config,omitempty" component:"breaks"`
	Artifacts    map[string]Bytes `json:"artifacts,omitempty" component:"breaks"`
	DataType     Child            `json:"datatype,omitzero" component:"breaks,child=datatype"`
	OutputSchema Child            `json:"output_schema,omitzero" component:"breaks,child=schema"`
	Flatten      bool             `json:"flatten,omitempty" component:"breaks"` // each element of an output is a row
	// Select, with variables, is the model itself when it is a stored query.
	Select        json.RawMessage `json:"select,omitempty" component:"breaks"`
	Models        []Child         `json:"models,omitempty" component:"breaks,child=model"` // run one after the other
	PredictKwargs Object          `json:"predict_kwargs,omitempty" component:"breaks"`
	ComputeKwargs Object          `json:"compute_kwargs,omitempty"`
	BatchSize     int             `json:"max_batch_size,omitempty"`
	Workers       int             `json:"num_workers,omitempty"`
	Trainer       Child           `json:"trainer,omitzero" component:"child=trainer"`
	Validation    Child           `json:"validation,omitzero" component:"child=validation"`
	MetricValues  Object          `json:"metric_values,omitempty" component:"derived"`
}

// Listener keeps a model's outputs current over the rows of a query.
type Listener struct {
	Base
	Key           json.RawMessage `json:"key,omitempty" component:"breaks,required"` // which fields go in, and as what
	Model         Child           `json:"model,omitzero" component:"breaks,required,child=model"`
	Select        json.RawMessage `json:"select,omitempty" component:"breaks"`
	PredictKwargs Object          `json:"predict_kwargs,omitempty" component:"breaks"`
	ChunkSize     int             `json:"chunk_size,omitempty"`
}

// VectorIndex finds the nearest of a listener's outputs.
type VectorIndex struct {
	Base
	Indexing     Child  `json:"indexing_listener,omitzero" component:"breaks,required,child=listener"`
	Compatible   Child  `json:"compatible_listener,omitzero" component:"child=listener"`
	Measure      string `json:"measure,omitempty" component:"breaks"` // "cosine", "dot", "l2"
	MetricValues Object `json:"metric_values,omitempty" component:"derived"`
}

// DataType says how values are kept.
type DataType struct {
	Base
	Of            string `json:"type,omitempty" component:"breaks,required"` // as in query: "text", "vector[384]"
	Encodable     string `json:"encodable,omitempty" component:"breaks"`
	BytesEncoding string `json:"bytes_encoding,omitempty" component:"breaks"`
	MediaType     string `json:"media_type,omitempty"`
}

// Schema names the fields of rows.
type Schema struct {
	Base
	Fields map[string]FieldType `json:"fields,omitempty" component:"breaks,required"`
}

// FieldType is the type of a field: its text, or a DataType.
type FieldType struct {
	Type     string // as in query: "text", "vector[384]"
	DataType Child
}

// Table is a table of the databackend.
type Table struct {
	Base
	Schema  Child  `json:"schema,omitzero" component:"breaks,required,child=schema"`
	Primary string `json:"primary_id,omitempty" component:"breaks"` // "id"
}

// Dataset is the rows of a query, or a sample of them; pinned, they stay as
// they were when it was applied.
type Dataset struct {
	Base
	Select     json.RawMessage `json:"select,omitempty" component:"breaks,required"`
	SampleSize int             `json:"sample_size,omitempty" component:"breaks"`
	Seed       int64           `json:"random_seed,omitempty" component:"breaks"`
	Pin        bool            `json:"pin,omitempty" component:"breaks"`
	RawData    Bytes           `json:"raw_data,omitzero" component:"derived"` // of a pinned one: a row of JSON on each line
	Created    string          `json:"creation_date,omitempty" component:"derived"`
}

// Metric compares predictions with targets.
type Metric struct {
	Base
	Kind   string `json:"kind,omitempty" component:"breaks"` // "accuracy", "f1", …; default: its identifier
	Config Object `json:"config,omitempty" component:"breaks"`
}

// Validation is metrics over data sets.
type Validation struct {
	Base
	Metrics  []Child         `json:"metrics,omitempty" component:"breaks,child=metric"`
	Key      json.RawMessage `json:"key,omitempty" component:"breaks"`
	Datasets []Child         `json:"datasets,omitempty" component:"breaks,child=dataset"`
}

// Trainer fits a model.
type Trainer struct {
	Base
	Kind          string          `json:"kind,omitempty" component:"breaks"`
	Key           json.RawMessage `json:"key,omitempty" component:"breaks"`
	Select        json.RawMessage `json:"select,omitempty" component:"breaks"`
	Signature     string          `json:"signature,omitempty" component:"breaks"`
	Config        Object          `json:"config,omitempty" component:"breaks"`
	ComputeKwargs Object          `json:"compute_kwargs,omitempty"`
	MetricValues  Object          `json:"metric_values,omitempty" component:"derived"`
}

// Application is components that are applied together.
type Application struct {
	Base
	Components []Child  `json:"components,omitempty" component:"child=*"`
	Namespace  []string `json:"namespace,omitempty"`
}

// Template is components with variables, as in "<var:size>"; see
// [Template.Fill]. Storing it does no work.
type Template struct {
	Base
	Body      json.RawMessage  `json:"template,omitempty" component:"breaks,required"`
	Variables []string         `json:"template_variables,omitempty" component:"breaks"`
	Info      Object           `json:"info,omitempty"`
	Blobs     map[string]Bytes `json:"blobs,omitempty" component:"breaks"`
}

// CronJob runs a query again and again.
type CronJob struct {
	Base
	Schedule string          `json:"schedule,omitempty" component:"breaks,required"` // five fields, as cron has them
	Run      json.RawMessage `json:"run,omitempty" component:"breaks,required"`
}

// Type implements Component.
func (*Model) Type() string { return "model" }

// Type implements Component.
func (*Listener) Type() string { return "listener" }

// Type implements Component.
func (*VectorIndex) Type() string { return "vector_index" }

// Type implements Component.
func (*DataType) Type() string { return "datatype" }

// Type implements Component.
func (*Schema) Type() string { return "schema" }

// Type implements Component.
func (*Table) Type() string { return "table" }

// Type implements Component.
func (*Dataset) Type() string { return "dataset" }

// Type implements Component.
func (*Metric) Type() string { return "metric" }

// Type implements Component.
func (*Validation) Type() string { return "validation" }

// Type implements Component.
func (*Trainer) Type() string { return "trainer" }

// Type implements Component.
func (*Application) Type() string { return "application" }

// Type implements Component.
func (*Template) Type() string { return "template" }

// Type implements Component.
func (*CronJob) Type() string { return "cronjob" }

// Types lists the type_ids.
func Types() []string {
	return []string{"application", "cronjob", "dataset", "datatype", "listener", "metric", "model",
		"schema", "table", "template", "trainer", "validation", "vector_index"}
}

// blank makes an empty component of a type. "encoder" is what a datatype was
// called once.
func blank(typ string) (Component, bool) {
	switch typ {
	case "model":
		return &Model{}, true
	case "listener":
		return &Listener{}, true
	case "vector_index":
		return &VectorIndex{}, true
	case "datatype", "encoder":
		return &DataType{}, true
	case "schema":
		return &Schema{}, true
	case "table":
		return &Table{}, true
	case "dataset":
		return &Dataset{}, true
	case "metric":
		return &Metric{}, true
	case "validation":
		return &Validation{}, true
	case "trainer":
		return &Trainer{}, true
	case "application":
		return &Application{}, true
	case "template":
		return &Template{}, true
	case "cronjob":
		return &CronJob{}, true
	}
	return nil, false
}
