package config

import (
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
	"github.com/varvedb/varve/server"
)

// setting is one thing that can be told.
type setting struct {
	name string
	also []string // other names for it, which the file and the environment may use
	many bool
	set  func(*Config, []string) error
	get  func(Config) []string // without secrets
}

var settings = []setting{
	one("data", func(c *Config) *string { return &c.Data }, nil),
	{name: "url", also: []string{"databackend", "data-backend"}, set: func(c *Config, v []string) error { c.URL = v[0]; return nil },
		get: func(c Config) []string { return listed(redacted(c.URL)) }},
	{name: "database", many: true, set: setDatabases, get: func(c Config) []string {
		var list []string
		for _, d := range c.Databases {
			list = append(list, d.Name+"="+redacted(d.URL))
		}
		return list
	}},
	{name: "elements", set: func(c *Config, v []string) error { c.Elements = v[0]; return nil },
		get: func(c Config) []string { return listed(blob.Redacted(c.Elements)) }},
	{name: "metadata", also: []string{"metadata-store"}, set: func(c *Config, v []string) error { c.Metadata = v[0]; return nil },
		get: func(c Config) []string { return listed(redacted(c.Metadata)) }},
	{name: "artifacts", also: []string{"artifact-store"}, set: func(c *Config, v []string) error { c.Artifacts = v[0]; return nil },
		get: func(c Config) []string { return listed(blob.Redacted(c.Artifacts)) }},
	one("compute", func(c *Config) *string { return &c.Compute }, nil),
	{name: "listen", many: true, set: setListen, get: func(c Config) []string { return c.Listen }},
	one("public-url", func(c *Config) *string { return &c.PublicURL }, nil),
	{name: "link-life", set: func(c *Config, v []string) (err error) { c.LinkLife, err = parseLinkLife(v[0]); return err },
		get: func(c Config) []string { return []string{c.LinkLife.String()} }},
	{name: "cors-origin", many: true, set: func(c *Config, v []string) error { c.CORSOrigins = v; return nil },
		get: func(c Config) []string { return c.CORSOrigins }},
	size("max-body", func(c *Config) *int64 { return &c.MaxBody }),
	size("max-content", func(c *Config) *int64 { return &c.MaxContent }),
	{name: "retain", many: true, set: setRetain, get: func(c Config) []string {
		var list []string
		for _, r := range c.Retain {
			list = append(list, r.String())
		}
		return list
	}},
	{name: "log", many: true, set: setLog, get: func(c Config) []string { return []string{c.Log.String()} }},
	one("log-format", func(c *Config) *string { return &c.LogFormat }, func(s string) error {
		if s != "text" && s != "json" {
			return errs.New(errs.Invalid, "is text or json")
		}
		return nil
	}),
	{name: "key", set: func(c *Config, v []string) error { c.Key = v[0]; return nil },
		get: func(c Config) []string {
			if c.Key == "" {
				return nil
			}
			return []string{"xxxxx"}
		}},
}

func one(name string, at func(*Config) *string, check func(string) error) setting {
	return setting{name: name,
		set: func(c *Config, v []string) error {
			if check != nil {
				if err := check(v[0]); err != nil {
					return err
				}
			}
			*at(c) = v[0]
			return nil
		},
		get: func(c Config) []string { return listed(*at(&c)) }}
}

func size(name string, at func(*Config) *int64) setting {
	return setting{name: name,
		set: func(c *Config, v []string) error {
			n, err := parseSize(v[0])
			if err == nil {
				*at(c) = n
			}
			return err
		},
		get: func(c Config) []string { return []string{formatSize(*at(&c))} }}
}

// parseLinkLife reads a duration such as 30m, 12h or 2d.
func parseLinkLife(text string) (time.Duration, error) {
	life, err := time.ParseDuration(text)
	if days, ok := strings.CutSuffix(text, "d"); ok {
		life, err = time.ParseDuration(days + "h")
		life *= 24
	}
	if err != nil || life < time.Second || life > blob.MaxTTL {
		return 0, errs.New(errs.Invalid, "is a time such as 30m, 12h or 2d, a second at least and 6d at most")
	}
	return life, nil
}

func listed(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// split takes a variable apart. A URL may hold commas, so databases are parted
// by blanks only.
func (k setting) split(value string) []string {
	switch {
	case !k.many:
		return []string{value}
	case k.name == "database":
		return strings.Fields(value)
	}
	return strings.FieldsFunc(value, func(r rune) bool { return r == ',' || r == ' ' || r == '\t' || r == '\n' })
}

// set changes one setting; where is for people.
func (c *Config) set(k setting, values []string, where string) error {
	if len(values) == 0 || slices.Contains(values, "") {
		return errs.Field(errs.Invalid, k.name, "must not be empty (%s)", where)
	}
	if len(values) > 1 && !k.many {
		return errs.Field(errs.Invalid, k.name, "takes one value (%s)", where)
	}
	if err := k.set(c, values); err != nil {
		return errs.Field(errs.Invalid, k.name, "%s (%s)", err, where)
	}
	c.origin[k.name] = where
	return nil
}

func setDatabases(c *Config, values []string) error {
	c.Databases = nil
	for _, v := range values {
		name, address, ok := strings.Cut(v, "=")
		if !ok || name == "" || address == "" || strings.ContainsAny(name, "/\\: \t") || name == "." || name == ".." {
			return errs.New(errs.Invalid, "is NAME=URL, with no slash, colon or blank in NAME")
		}
		if name == server.DefaultDatabase {
			return errs.New(errs.Invalid, "%q is the database of --url", name)
		}
		if slices.ContainsFunc(c.Databases, func(d Database) bool { return d.Name == name }) {
			return errs.New(errs.Invalid, "names %q twice", name)
		}
		c.Databases = append(c.Databases, Database{name, address})
	}
	return nil
}

func setRetain(c *Config, values []string) error {
	c.Retain = nil
	for _, v := range values {
		r, err := chat.ParseRetention(v)
		if err != nil {
			return errs.New(errs.Invalid, "is an age such as 90d, or TAG=7d, or TAG=never")
		}
		if slices.ContainsFunc(c.Retain, func(o chat.Retention) bool { return o.Tag == r.Tag }) {
			return errs.New(errs.Invalid, "has two rules for the same threads")
		}
		c.Retain = append(c.Retain, r)
	}
	return nil
}

func setListen(c *Config, values []string) error {
	for _, v := range values {
		if v == "unix" || strings.HasPrefix(v, "unix:") && len(v) > len("unix:") {
			continue
		}
		if _, port, err := net.SplitHostPort(v); err != nil || port == "" {
			return errs.New(errs.Invalid, "is HOST:PORT, :PORT, unix, or unix:PATH")
		}
	}
	c.Listen = values
	return nil
}

// redacted is a URL for people.
func redacted(s string) string {
	if s == "" {
		return ""
	}
	if strings.HasPrefix(s, "unix:") {
		return s
	}
	if strings.HasPrefix(s, "http:") || strings.HasPrefix(s, "https:") {
		u, err := url.Parse(s)
		if err != nil {
			return "xxxxx"
		}
		if u.RawQuery != "" {
			u.RawQuery = "xxxxx" // a server has no parameters, so it is a mistake, and may be a key
		}
		return u.Redacted()
	}
	src, err := varve.ParseURL(s)
	if err != nil {
		return "xxxxx"
	}
	return src.Redacted()
}

// Line is one setting as people see it.
type Line struct {
	Name   string   `json:"name"`
	Values []string `json:"values"`
	Origin string   `json:"origin"` // a flag, a variable, FILE:LINE, or "default"
}

// Lines lists every setting, secrets masked.
func (c Config) Lines() []Line {
	lines := make([]Line, 0, len(settings))
	for _, k := range settings {
		l := Line{Name: k.name, Values: k.get(c), Origin: c.origin[k.name]}
		if l.Values == nil {
			l.Values = []string{}
		}
		if l.Origin == "" {
			l.Origin = "default"
		}
		lines = append(lines, l)
	}
	return lines
}

// Names lists the settings.
func Names() []string {
	names := make([]string, len(settings))
	for i, k := range settings {
		names[i] = k.name
	}
	return names
}

// find finds a setting by one of its names, in which "_" is as good as "-".
func find(name string) (setting, bool) {
	name = strings.ReplaceAll(name, "_", "-")
	i := slices.IndexFunc(settings, func(k setting) bool { return k.name == name || slices.Contains(k.also, name) })
	if i < 0 {
		return setting{}, false
	}
	return settings[i], true
}
