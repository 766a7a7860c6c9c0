package blob

import "slices"

// Chainlit's own layer takes its bucket from the environment. What it would
// take, Varve takes too when no other place is named.

// ChainlitURL names the bucket of Chainlit's variables, "" when they name none.
// Chainlit uses none when they name more than one, and neither does Varve;
// several tells.
func ChainlitURL(env func(string) string) (address string, several bool) {
	var found []string
	if Set(env, "APP_AWS_ACCESS_KEY", "APP_AWS_SECRET_KEY", "APP_AWS_REGION") {
		found = append(found, "s3")
	}
	if Set(env, "APP_GCS_PROJECT_ID") {
		found = append(found, "gs")
	}
	if Set(env, "APP_AZURE_STORAGE_ACCOUNT", "APP_AZURE_STORAGE_ACCESS_KEY") {
		found = append(found, "azblob")
	}
	if len(found) == 0 || !Set(env, "BUCKET_NAME") {
		return "", false
	}
	if len(found) > 1 {
		return "", true
	}
	return found[0] + "://" + env("BUCKET_NAME"), false
}

// Set tells whether all variables are set. Chainlit's variables for a bucket
// count together or not at all.
func Set(env func(string) string, names ...string) bool {
	return !slices.ContainsFunc(names, func(name string) bool { return env(name) == "" })
}
