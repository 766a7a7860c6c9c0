-- THREADS threads of one user with STEPS steps of 1 KB, as the layer writes
-- them.
CREATE FUNCTION moment(n INT) RETURNS TEXT LANGUAGE sql AS $$
  SELECT to_char(timestamp '2026-01-02 03:04:05' + n * interval '1 millisecond', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;
CREATE FUNCTION thread_id(n INT) RETURNS UUID LANGUAGE sql AS $$
  SELECT ('7b1c6d5e-0000-4000-8000-0000' || lpad(n::text, 8, '0'))::uuid $$;
INSERT INTO users VALUES ('5f0e2a3b-0000-4000-8000-000000000001', 'ada', '{}', moment(0)) ON CONFLICT DO NOTHING;
INSERT INTO threads ("id", "createdAt", "name", "userId", "userIdentifier", "tags", "metadata")
  SELECT thread_id(t), moment(t * {{steps}}), 'thread ' || t, '5f0e2a3b-0000-4000-8000-000000000001', 'ada', NULL, '{"topic": "numbers"}'
  FROM generate_series({{from}}, {{to}} - 1) t;
INSERT INTO steps ("id", "name", "type", "threadId", "streaming", "waitForAnswer", "isError", "metadata", "input", "output",
    "createdAt", "start", "end", "generation", "showInput")
  SELECT gen_random_uuid(), 'assistant', 'assistant_message', thread_id(t), false, false, false, '{}', '',
    left(repeat('some words of an answer, ', 41), 1024), moment(t * {{steps}} + n), moment(t * {{steps}} + n), moment(t * {{steps}} + n), '{}', 'false'
  FROM generate_series({{from}}, {{to}} - 1) t, generate_series(0, {{steps}} - 1) n;
DROP FUNCTION moment;
DROP FUNCTION thread_id;
