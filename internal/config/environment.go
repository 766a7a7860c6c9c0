package config

import (
	"slices"
	"strings"
)

const prefix = "VARVE_"

// others are variables of the Python package, which shares the prefix.
var others = []string{"VARVE_SERVER", "VARVE_API_KEY", "VARVE_BINARY", "VARVE_LAUNCH_WATCH"}

// environment returns what is set, by setting, and warnings about the rest.
// Unknown variables are no error: whoever made the environment may have meant
// something else, as Kubernetes does with the names of its services.
func environment(environ []string) (set map[string]string, warnings []string) {
	set = map[string]string{}
	for _, entry := range environ {
		name, value, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, prefix) || slices.Contains(others, name) {
			continue
		}
		key := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(name, prefix), "_", "-"))
		k, ok := find(key)
		switch {
		case key == "config":
			set[key] = value
		case !ok:
			warnings = append(warnings, "the variable "+name+" means nothing here")
		case set[k.name] != "" && set[k.name] != value && key != k.name:
			warnings = append(warnings, "the variable "+name+" is not used: "+k.variable()+" says something else")
		default:
			set[k.name] = value
		}
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
