package dynamodb

import (
	"strings"
)

// The attributes of Chainlit's keys and index, and the prefixes in them. An
// id is what follows a prefix, whatever characters it has.
const (
	pk      = "PK"
	sk      = "SK"
	indexPK = "UserThreadPK"
	indexSK = "UserThreadSK"
	index   = "UserThread"

	userPrefix    = "USER#"
	threadPrefix  = "THREAD#"
	stepPrefix    = "STEP#"
	elementPrefix = "ELEMENT#"
	timePrefix    = "TS#"

	userSK   = "USER"
	threadSK = "THREAD"
)

// What Varve adds. Chainlit's layer passes over sort keys it does not know,
// and its readers over attributes.
const (
	tombstoneSK    = "VARVE#TOMBSTONE"
	chunkPrefix    = "VARVE#CHUNK#"
	orphanPK       = "VARVE#ORPHAN"
	deletingPrefix = "THREAD#" // in the partition of orphans: a deletion that is not finished
	layingPrefix   = "LAYING#" // there: chunks that a write is about to name
	keyPrefix      = "KEY#"    // there: the key of bytes that may have lost their last element
	objectPrefix   = "VARVE#OBJECT#"
	objectSK       = "ELEMENTS"
	secretPK       = "VARVE#SECRET"
	markedPrefix   = "VARVE#MARKED#" // in the index: steps that are starred or judged
	waitPrefix     = "VARVE#WAITS#"

	created    = "threadCreatedAt"
	version    = "varveVersion"
	exact      = "varveExact"
	overflow   = "varveOverflow"
	extra      = "varveExtra"
	nameless   = "varveNameless"
	pending    = "varvePending"
	feedbackID = "varveId"
	expires    = "varveExpires"
	due        = "varveDue"
)

// DynamoDB's limits on keys, in bytes.
const (
	maxPK = 2048
	maxSK = 1024
)

// key is the place of an item.
type key struct{ pk, sk string }

func userKey(identifier string) key { return key{userPrefix + identifier, userSK} }
func threadKey(id string) key       { return key{threadPrefix + id, threadSK} }
func tombstoneKey(id string) key    { return key{threadPrefix + id, tombstoneSK} }
func stepKey(thread, id string) key { return key{threadPrefix + thread, stepPrefix + id} }
func elementKey(thread, id string) key {
	return key{threadPrefix + thread, elementPrefix + id}
}

func (k key) attributes() item { return item{pk: text(k.pk), sk: text(k.sk)} }

// fits tells whether DynamoDB can hold the key.
func (k key) fits() bool {
	return k.pk != "" && k.sk != "" && len(k.pk) <= maxPK && len(k.sk) <= maxSK
}

func keyOf(i item) key { return key{stringOf(i[pk]), stringOf(i[sk])} }

// reserved are the names of attributes that no key of a caller's may take.
func reserved(name string) bool {
	switch name {
	case "", pk, sk, indexPK, indexSK, "feedback":
		return true
	}
	return strings.HasPrefix(name, "varve") || len(name) > 255
}

// feedbackName is the id that Chainlit's layer gives to a step's feedback.
func feedbackName(thread, step string) string {
	return threadPrefix + thread + "::" + stepPrefix + step
}

// stepOfFeedback reads such an id. Without the thread it is read where only
// one reading is possible.
func stepOfFeedback(id, thread string) (threadID, stepID string, ok bool) {
	if thread != "" {
		stepID, ok = strings.CutPrefix(id, feedbackName(thread, ""))
		return thread, stepID, ok && stepID != ""
	}
	rest, ok := strings.CutPrefix(id, threadPrefix)
	if !ok || strings.Count(rest, "::"+stepPrefix) != 1 {
		return "", "", false
	}
	threadID, stepID, _ = strings.Cut(rest, "::"+stepPrefix)
	return threadID, stepID, threadID != "" && stepID != ""
}
