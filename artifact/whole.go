package artifact

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"github.com/varvedb/varve/errs"
)

// FolderOf tells what the address of a folder with these files, which are in
// the order of their paths, is.
func FolderOf(files []File) (Info, error) {
	text, err := json.Marshal(manifest{Version: 1, Files: append([]File{}, files...)})
	if err != nil {
		return Info{}, errs.Wrap(errs.Internal, err, "the manifest cannot be written")
	}
	sum := sha256.Sum256(text)
	return Info{Digest(hex.EncodeToString(sum[:])), int64(len(text)), FolderType}, nil
}
