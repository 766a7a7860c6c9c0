-- On a database of somebody else each of these is built concurrently. Values of
-- any length must fit, or the index would fail the host's own statement: where
-- only equality is asked for, a hash index takes them.
CREATE INDEX varve_threads_user ON :chat.threads ("userId", varve_last_activity DESC, :threadid DESC);
CREATE INDEX varve_threads_unfolded ON :chat.threads ("userId") WHERE varve_fold IS NULL AND octet_length("name") > char_length("name");
CREATE INDEX varve_steps_thread ON :chat.steps ("threadId");
CREATE INDEX varve_steps_parent ON :chat.steps USING hash ("parentId");
CREATE INDEX varve_steps_starred ON :chat.steps ("threadId") WHERE :starred;
CREATE INDEX varve_steps_unfolded ON :chat.steps ("threadId") WHERE varve_fold IS NULL AND octet_length("output") > char_length("output");
CREATE INDEX varve_elements_thread ON :chat.elements ("threadId");
CREATE INDEX varve_elements_for ON :chat.elements USING hash ("forId");
CREATE INDEX varve_elements_object ON :chat.elements USING hash ("objectKey");
CREATE INDEX varve_feedbacks_for ON :chat.feedbacks USING hash ("forId");
CREATE INDEX varve_feedbacks_thread ON :chat.feedbacks ("threadId");
