-- What the official schema's own indexes leave out. On a database of somebody else
-- each of these is built concurrently. Values of any length must fit.
CREATE INDEX varve_threads_user ON :chat."Thread" ("userId", varve_last_activity DESC, :threadid DESC);
CREATE INDEX varve_threads_unfolded ON :chat."Thread" ("userId") WHERE varve_fold IS NULL AND octet_length("name") > char_length("name");
CREATE INDEX varve_steps_starred ON :chat."Step" ("threadId") WHERE :starred;
CREATE INDEX varve_steps_unfolded ON :chat."Step" ("threadId") WHERE varve_fold IS NULL AND octet_length("output") > char_length("output");
CREATE INDEX varve_elements_object ON :chat."Element" USING hash ("objectKey");
