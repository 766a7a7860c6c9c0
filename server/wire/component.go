package wire

// TypeYAML is the media type of declarations of components in YAML.
const TypeYAML = "application/yaml"

// Names of the forms in which a version of a component is told.
const (
	FormRecord = "record" // as it is stored
	FormWhole  = "whole"  // as a declaration, with those inside it
	FormParts  = "parts"  // with what it leads to in pieces
)

// Newest stands in a path for the number of the newest version.
const Newest = "newest"

// HeaderMedia tells the media type of an artifact as it was put; Content-Type
// is what a browser may know of it.
const HeaderMedia = "Varve-Media-Type"

// List answers what is no page.
type List[T any] struct {
	Data []T `json:"data" nullable:"false"`
}

// ListOf is a list that is never null.
func ListOf[T any](data []T) List[T] {
	if data == nil {
		data = []T{}
	}
	return List[T]{data}
}
