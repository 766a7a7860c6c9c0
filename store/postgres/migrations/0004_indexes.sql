-- On a database of somebody else each of these is built concurrently.
CREATE INDEX varve_threads_user ON :chat.threads ("userId", varve_last_activity DESC, :threadid DESC);
CREATE INDEX varve_threads_unfolded ON :chat.threads ("userId") WHERE varve_fold IS NULL AND octet_length("name") > char_length("name");
CREATE INDEX varve_steps_thread ON :chat.steps ("threadId", "createdAt");
CREATE INDEX varve_steps_parent ON :chat.steps ("parentId");
CREATE INDEX varve_steps_unfolded ON :chat.steps ("threadId") WHERE varve_fold IS NULL AND octet_length("output") > char_length("output");
CREATE INDEX varve_elements_thread ON :chat.elements ("threadId");
CREATE INDEX varve_elements_for ON :chat.elements ("forId");
CREATE INDEX varve_elements_object ON :chat.elements ("objectKey");
CREATE INDEX varve_feedbacks_for ON :chat.feedbacks ("forId");
CREATE INDEX varve_feedbacks_thread ON :chat.feedbacks ("threadId");
