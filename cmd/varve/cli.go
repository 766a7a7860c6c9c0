package main

// cli is the command line. Flags tagged config are settings: they have no
// default here, because variables and the file come before it.
type cli struct {
	Config string `help:"The YAML file with settings (default: varve.yaml if it is there)." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print records as JSON, and errors too."`
	settings

	Serve   serveCommand   `cmd:"" help:"Answer over HTTP."`
	Version versionCommand `cmd:"" help:"Tell the version."`
}

// settings are the settings of every command.
type settings struct {
	Data      string   `config:"" help:"The data folder (default: ./varve-data)." placeholder:"DIR"`
	URL       string   `config:"" name:"url" help:"The database: sqlite:FILE, postgres://…, memory: (default: the one in the data folder)." placeholder:"URL"`
	Log       []string `config:"" help:"What to log: debug, info, warn or error, and PART=LEVEL." placeholder:"LEVELS"`
	LogFormat string   `config:"" help:"text or json." placeholder:"FORMAT"`
}
