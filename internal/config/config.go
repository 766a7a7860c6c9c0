// Package config is how the varve program is told what to do: flags before
// VARVE_… variables before one YAML file before defaults.
//
//	c, warnings, err := config.Load(config.Sources{Environ: os.Environ(), Flags: flags})
//
// Every setting has one name, which is the flag's: --public-url is
// VARVE_PUBLIC_URL and the key public-url. What is set further up replaces
// what is set below, lists too. Errors say where the wrong value came from and
// never repeat it: it may be a secret.
package config

import (
	"log/slog"
	"time"

	"github.com/varvedb/varve"
	"github.com/varvedb/varve/blob"
	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/server"
)

// Config is what the program was told.
type Config struct {
	Data        string     // the data folder
	URL         string     // the default database's, or a server's; "": the one in Data
	Databases   []Database // further ones
	Elements    string     // a folder or the URL of a bucket; "": elements/ in Data
	Metadata    string     // a database for components; "": that of URL
	Artifacts   string     // a folder or the URL of a bucket; "": beside the database
	Compute     string     // what runs jobs; "": this process
	Listen      []string   // TCP addresses, "unix", or "unix:PATH"
	PublicURL   string
	LinkLife    time.Duration // how long signed addresses of elements work
	CORSOrigins []string
	MaxBody     int64
	MaxContent  int64
	Retain      []chat.Retention // when threads are deleted for their age; nil: never
	Log         Levels
	LogFormat   string // "text" or "json"
	Key         string // an API key, for calls to a server

	origin map[string]string // by setting: where it was set
}

// Database is a further database of a server.
type Database struct{ Name, URL string }

// Default is a Config of defaults.
func Default() Config {
	return Config{
		Data:       varve.DefaultData,
		Listen:     []string{"127.0.0.1:8484"},
		LinkLife:   blob.DefaultTTL,
		MaxBody:    server.DefaultMaxBody,
		MaxContent: server.DefaultMaxContent,
		Log:        Levels{Default: slog.LevelInfo, Parts: map[string]slog.Level{"server": slog.LevelWarn}},
		LogFormat:  "text",
		origin:     map[string]string{},
	}
}

// Set tells whether a setting was set anywhere.
func (c Config) Set(name string) bool { return c.origin[name] != "" }

// Sources are what Load reads.
type Sources struct {
	File    string              // the YAML file; "": VARVE_CONFIG, else varve.yaml if it is there
	Environ []string            // as os.Environ gives it
	Flags   map[string][]string // by setting
}

// Load puts the sources together. The warnings are for people.
func Load(s Sources) (c Config, warnings []string, err error) {
	c = Default()
	env, warnings := environment(s.Environ)
	file, needed := s.File, true
	if file == "" {
		file = env["config"].value
	}
	if file == "" {
		file, needed = DefaultFile, false
	}
	if err := c.readFile(file, needed); err != nil {
		return c, warnings, err
	}
	for _, k := range settings {
		if v := env[k.name]; v.value != "" {
			if err := c.set(k, k.split(v.value), v.name); err != nil {
				return c, warnings, err
			}
		}
	}
	for _, k := range settings {
		if values, ok := s.Flags[k.name]; ok {
			if err := c.set(k, values, "--"+k.name); err != nil {
				return c, warnings, err
			}
		}
	}
	warnings = append(warnings, c.elementsOfChainlit(s.Environ)...)
	return c, append(warnings, c.linkLifeOfChainlit(s.Environ)...), nil
}

// linkLifeOfChainlit takes the variable that Chainlit's storage clients read,
// in seconds, when nothing else says how long links work.
func (c *Config) linkLifeOfChainlit(environ []string) (warnings []string) {
	const name = "STORAGE_EXPIRY_TIME"
	text := lookup(environ, name)
	if c.Set("link-life") || text == "" {
		return nil
	}
	life, err := parseLinkLife(text + "s")
	if err != nil {
		return []string{name + " is not used: a number of seconds up to 518400, six days, is needed"}
	}
	c.LinkLife, c.origin["link-life"] = life, name
	return nil
}

// elementsOfChainlit takes the bucket of Chainlit's own variables when no other
// place is named.
func (c *Config) elementsOfChainlit(environ []string) (warnings []string) {
	if c.Set("elements") {
		return nil
	}
	address, several := blob.ChainlitURL(func(name string) string { return lookup(environ, name) })
	if several {
		return []string{"Chainlit's variables name more than one bucket: none of them is used; choose by VARVE_ELEMENTS"}
	}
	if address != "" {
		c.Elements = address
		c.origin["elements"] = "BUCKET_NAME"
	}
	return nil
}
