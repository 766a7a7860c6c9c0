-- The same in the official layer's tables.
INSERT INTO "User" ("id", "identifier", "metadata") VALUES ('5f0e2a3b-0000-4000-8000-000000000001', 'ada', '{}');
INSERT INTO "Thread" ("id", "name", "metadata", "userId", "createdAt", "updatedAt")
  SELECT '7b1c6d5e-0000-4000-8000-0000' || lpad(t::text, 8, '0'), 'thread ' || t, '{"topic": "numbers"}',
    '5f0e2a3b-0000-4000-8000-000000000001', timestamp '2026-01-02 03:04:05' + t * interval '1 second', timestamp '2026-01-02 03:04:05' + t * interval '1 second'
  FROM generate_series({{from}}, {{to}} - 1) t;
INSERT INTO "Step" ("id", "name", "type", "threadId", "metadata", "input", "output", "startTime", "endTime")
  SELECT gen_random_uuid(), 'assistant', 'assistant_message', '7b1c6d5e-0000-4000-8000-0000' || lpad(t::text, 8, '0'), '{}', '',
    left(repeat('some words of an answer, ', 41), 1024),
    timestamp '2026-01-02 03:04:05' + (t * {{steps}} + n) * interval '1 millisecond', timestamp '2026-01-02 03:04:05' + (t * {{steps}} + n) * interval '1 millisecond'
  FROM generate_series({{from}}, {{to}} - 1) t, generate_series(0, {{steps}} - 1) n;
