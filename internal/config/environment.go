package config

import (
	"slices"
	"strings"
)

const prefix = "VARVE_"

// others are variables of the Python package, which shares the prefix.
var others = []string{"VARVE_SERVER", "VARVE_API_KEY", "VARVE_BINARY", "VARVE_LAUNCH_WATCH"}

// variable is one of the environment.
type variable struct{ name, value string }

// environment returns what is set, by setting, and warnings about the rest.
// Unknown variables are no error: whoever made the environment may have meant
// something else, as Kubernetes does with the names of its services. Of several
// names of one setting its own goes before.
func environment(environ []string) (set map[string]variable, warnings []string) {
	set = map[string]variable{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(others, name) {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), "_", "-"))
		k, ok := find(key)
		if key == "config" {
			k.name, ok = key, true
		}
		if !ok {
			warnings = append(warnings, "the variable "+name+" means nothing here")
			continue
		}
		used, unused := variable{name, value}, set[k.name]
		if value == "" || unused.value != "" && key != k.name && unused.name != name {
			used, unused = unused, used
		}
		if used.value != unused.value && unused.value != "" && used.name != unused.name {
			warnings = append(warnings, "the variable "+unused.name+" is not used: "+used.name+" says something else")
		}
		set[k.name] = used
	}
	return set, warnings
}

// lookup finds a variable; the last one counts, as in package os.
func lookup(environ []string, name string) (value string) {
	for _, entry := range environ {
		if n, v, _ := strings.Cut(entry, "="); n == name {
			value = v
		}
	}
	return value
}
