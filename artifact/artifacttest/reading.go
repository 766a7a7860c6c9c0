package artifacttest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/varvedb/varve/artifact"
	"github.com/varvedb/varve/errs"
)

// sizes are around those that are handled differently.
var sizes = []int{0, 1, 32<<10 + 1, 256<<10 - 1, 256 << 10, 256<<10 + 1, 512 << 10, 1<<20 + 1, 1_700_000}

// streamed reads as programs do that hand bytes on.
func streamed(r io.Reader) ([]byte, error) {
	var b bytes.Buffer
	_, err := io.Copy(&b, r)
	return b.Bytes(), err
}

func whole(t *testing.T, s *suite) {
	for _, n := range sizes {
		text := strings.Repeat("0123456789", n/10+1)[:n]
		info := s.put(text)
		for _, read := range []func(io.Reader) ([]byte, error){io.ReadAll, streamed} {
			r, err := s.Open(s.ctx, info.Digest)
			if err != nil {
				t.Fatal(err)
			}
			got, err := read(r)
			r.Close()
			if err != nil || string(got) != text {
				t.Errorf("of %d bytes came %d, %v", n, len(got), err)
			}
		}
	}
	r, err := s.Open(s.ctx, s.put(strings.Repeat("x", 1<<20)).Digest)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if n, err := r.WriteTo(full{}); !errors.Is(err, errBroken) || n != 0 {
		t.Errorf("a writer that fails got %d bytes, %v", n, err)
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errBroken }

func damage(t *testing.T, s *suite) {
	for name, harm := range map[string]func([]byte) []byte{
		"a bit": func(b []byte) []byte { b[0] ^= 1; return b }, "cut": func(b []byte) []byte { return b[:len(b)-1] },
		"longer": func(b []byte) []byte { return append(b, 'x') }, "the end": func(b []byte) []byte { b[len(b)-1] ^= 1; return b },
		"empty": func([]byte) []byte { return nil },
	} {
		for _, size := range []int{700 << 10, 1_700_000} {
			info := s.put(strings.Repeat("x", size) + name)
			s.bucket.Harm(t, info.Digest, s.index, harm)
			s.damaged(name, info, io.ReadAll)
			s.damaged(name, info, streamed)
		}
	}
	info := s.put("lost")
	s.bucket.Harm(t, info.Digest, s.index, nil)
	_, err := s.Open(s.ctx, info.Digest)
	s.kind(errs.Internal, err)
}

// damaged holds when bytes that are not what was put are not handed out whole.
func (s *suite) damaged(how string, info artifact.Info, read func(io.Reader) ([]byte, error)) {
	s.Helper()
	r, err := s.Open(s.ctx, info.Digest)
	if err != nil && s.far { // it is known before the answer begins, or that breaks off at once
		if errs.KindOf(err) != errs.Unavailable {
			s.kind(errs.Internal, err)
		}
		return
	}
	if err != nil {
		s.Fatal(err)
	}
	got, err := read(r)
	r.Close()
	if !s.far || errs.KindOf(err) != errs.Unavailable { // an answer that breaks off
		s.kind(errs.Internal, err)
	}
	if int64(len(got)) >= info.Size {
		s.Errorf("%s: all bytes were handed out", how)
	}
}
