package blob

import "gocloud.dev/blob/memblob"

// OpenMemory makes a bucket that forgets everything when it is closed.
func OpenMemory(opt Options) *Bucket {
	return New(Drive{Bucket: memblob.OpenBucket(nil), Local: true}, opt)
}
