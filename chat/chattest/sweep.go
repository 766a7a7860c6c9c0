package chattest

import (
	"errors"
	"strings"
	"time"

	"github.com/varvedb/varve/chat"
	"github.com/varvedb/varve/errs"
)

func swept(s stored) {
	svc, files := s.service()
	e := chat.Element{ID: id(), ThreadID: id(), Name: "n"}
	_, err := svc.PutElement(s.ctx, e, strings.NewReader("bytes"))
	s.must(err)
	kept := chat.Element{ID: id(), ThreadID: e.ThreadID, Name: "kept"}
	named, err := svc.PutElement(s.ctx, kept, strings.NewReader("named"))
	s.must(err)
	s.must(s.db.Chat().Expect(s.ctx, "on/its/way", chat.Write{Now: time.Now()}))
	files.SetFail(errs.New(errs.Unavailable, "the bucket is away"))
	s.must(svc.DeleteElement(s.ctx, chat.Ref{ID: e.ID, ThreadID: e.ThreadID}))

	var keys []string
	got, err := svc.Sweep(s.ctx, true, func(key string) { keys = append(keys, key) })
	s.must(err)
	s.equal(got, chat.Swept{Keys: 1, Files: 1, Bytes: 5, Waiting: 1})
	s.equal(len(keys), 1)
	_, err = svc.Sweep(s.ctx, false, nil)
	s.kind(errs.Unavailable, err)
	s.equal(len(files.Keys()), 2)
	files.SetFail(nil)
	_, err = svc.Sweep(s.ctx, false, nil)
	s.must(err)
	s.equal(files.Keys(), []string{named.ObjectKey})
	_, err = svc.Sweep(chat.As(s.ctx, "ada"), true, nil)
	if !errors.Is(err, errs.Forbidden) {
		s.Errorf("for a user: %v", err)
	}
}
