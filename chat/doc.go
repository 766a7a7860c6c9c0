// Package chat keeps conversations: users, threads, steps, elements and
// feedback, with the meaning that Chainlit gives to these words.
//
// A [Service] is what callers hold. It checks input, makes ids and times,
// pages, redacts and signs; a [Store] under it keeps rows. The HTTP client
// satisfies the same [API], so that code does not care on which side of the
// wire it runs:
//
//	svc, err := chat.NewService(store, chat.Options{})
//	user, err := svc.PutUser(ctx, chat.User{Identifier: "ada"})
//	_, err = svc.PutStep(ctx, chat.Step{ID: "s1", ThreadID: "t1", Type: "user_message", Output: "hello"})
//	_, err = svc.UpdateThread(ctx, chat.ThreadPatch{ID: "t1", UserID: user.ID, Name: chat.Ptr("hello")})
//	thread, err := svc.Thread(ctx, "t1")
//
// Calls for one thread may come in any order, twice, and at once: a step may
// arrive before its thread, an update before its create.
package chat
