package main

// cli is the command line. Flags tagged config are settings: they have no
// default here, because variables and the file come before it. Settings that a
// command has no use for are tagged without, and its help does not list them.
type cli struct {
	Config string `help:"The YAML file with settings (default: varve.yaml if it is there)." placeholder:"FILE"`
	JSON   bool   `name:"json" help:"Print records as JSON, and errors too."`
	settings

	Serve      serveCommand      `cmd:"" help:"Answer over HTTP."`
	Chat       chatCommand       `cmd:"" without:"metadata,artifacts,compute" help:"Look at conversations, copy and delete them."`
	Copy       copyCommand       `cmd:"" without:"url,elements,metadata,artifacts,compute" help:"Copy all conversations of a database into another, and compare both."`
	Todo       todoCommand       `cmd:"" without:"elements,metadata,artifacts,compute" help:"Keep a to-do list."`
	Lake       lakeCommand       `cmd:"" without:"metadata,artifacts,compute" help:"Keep files, with all their versions."`
	State      stateCommand      `cmd:"" without:"elements,metadata,artifacts,compute" help:"Look at versioned tables."`
	SQL        sqlCommand        `cmd:"" name:"sql" help:"Ask in SQL about everything: tables, their history, conversations. Read-only."`
	Query      queryCommand      `cmd:"" help:"Ask about tables, or change their rows, in words or as JSON; without a question, list them."`
	Apply      applyCommand      `cmd:"" help:"Apply components: models, listeners, tables and what else a file declares."`
	Plan       planCommand       `cmd:"" help:"Tell what apply would do, field by field."`
	Show       showComponents    `cmd:"" help:"Show components: all, those of a type, versions, a record."`
	Load       loadCommand       `cmd:"" help:"Print a component, with those inside it, as a declaration."`
	Remove     removeCommand     `cmd:"" help:"Remove a component, or one version of it."`
	Unhide     unhideCommand     `cmd:"" help:"Show versions again that remove --force has hidden."`
	Purge      purgeCommand      `cmd:"" help:"Remove hidden versions that nobody uses any more."`
	Export     exportComponent   `cmd:"" help:"Write a component with all that it is made of, for apply elsewhere."`
	Drop       dropCommand       `cmd:"" help:"Forget all components."`
	Artifact   artifactCommand   `cmd:"" help:"Keep files for components."`
	Keys       keysCommand       `cmd:"" without:"url,elements,metadata,artifacts,compute" help:"Say who may call the server."`
	Doctor     doctorCommand     `cmd:"" help:"Tell what a database that others made lacks, and add it if asked. Ends with 1 when something is missing."`
	Settings   configCommand     `cmd:"" name:"config" help:"Print the settings and where each comes from."`
	Version    versionCommand    `cmd:"" without:"data,url,elements,metadata,artifacts,compute,log,log-format" help:"Tell the version."`
	Completion completionCommand `cmd:"" without:"data,url,elements,metadata,artifacts,compute,log,log-format" help:"Print a script that completes commands in a shell."`
	Complete   completeCommand   `cmd:"" hidden:""`
}

// settings are the settings of every command.
type settings struct {
	Data      string   `config:"" help:"The data folder (default: ./varve-data)." placeholder:"DIR"`
	URL       string   `config:"" name:"url" aliases:"databackend,data-backend,data_backend" help:"The database: a data folder, sqlite:FILE, duckdb:FILE, csv:DIR, postgres://…, mysql://…, dynamodb://TABLE, memory:, or the http://… of a server (default: the one in the data folder)." placeholder:"URL"`
	Elements  string   `config:"" help:"Where elements' bytes lie: a folder, s3://BUCKET, azblob://CONTAINER, gs://BUCKET (default: elements/ in the data folder)." placeholder:"URL"`
	Metadata  string   `config:"" aliases:"metadata-store,metadata_store" help:"The database in which components are registered (default: that of --url)." placeholder:"URL"`
	Artifacts string   `config:"" aliases:"artifact-store,artifact_store" help:"Where artifacts' bytes lie: a folder or a bucket (default: beside the database)." placeholder:"URL"`
	Compute   string   `config:"" help:"What runs jobs: local." placeholder:"URL"`
	Log       []string `config:"" help:"What to log: debug, info, warn or error, and PART=LEVEL." placeholder:"LEVELS"`
	LogFormat string   `config:"" help:"text or json." placeholder:"FORMAT"`
}
