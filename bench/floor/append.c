// The least work that stores a step durably in the file of a Varve: its
// statements, in C, by one writer that groups commits.
//
//   append FILE THREAD-PREFIX THREADS GROUP STEPS triggers|notes
//
// With "triggers" the file's own triggers note the change and raise the
// thread's last activity; with "notes" they are dropped, and this program does
// both with bare statements. It prints steps per second, and microseconds of
// processor time a step.
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static sqlite3 *db;

static void must(int ok, const char *what) {
  if (ok) return;
  fprintf(stderr, "%s: %s\n", what, sqlite3_errmsg(db));
  exit(1);
}

static void run(const char *sql) { must(sqlite3_exec(db, sql, 0, 0, 0) == SQLITE_OK, sql); }

static sqlite3_stmt *prepare(const char *sql) {
  sqlite3_stmt *s;
  must(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s, 0) == SQLITE_OK, sql);
  return s;
}

static void finish(sqlite3_stmt *s) {
  int rc;
  do rc = sqlite3_step(s); while (rc == SQLITE_ROW);
  must(rc == SQLITE_DONE, sqlite3_sql(s));
  sqlite3_reset(s);
}

static void text(sqlite3_stmt *s, int i, const char *v) { sqlite3_bind_text(s, i, v, -1, SQLITE_STATIC); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static void uuid(char *out) {
  static uint64_t state = 88172645463325252ULL;
  uint64_t r[2];
  for (int i = 0; i < 2; i++) {
    state ^= state << 13, state ^= state >> 7, state ^= state << 17;
    r[i] = state;
  }
  snprintf(out, 37, "%08x-%04x-4%03x-a%03x-%012llx", (unsigned)(r[0] >> 32), (unsigned)(r[0] >> 16) & 0xffff,
           (unsigned)r[0] & 0xfff, (unsigned)(r[1] >> 48) & 0xfff, (unsigned long long)r[1] & 0xffffffffffffULL);
}

int main(int argc, char **argv) {
  if (argc != 7) return 2;
  const char *prefix = argv[2];
  int threads = atoi(argv[3]), group = atoi(argv[4]), steps = atoi(argv[5]), bare = !strcmp(argv[6], "notes");
  must(sqlite3_open(argv[1], &db) == SQLITE_OK, "open");
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA synchronous=FULL");
  run("PRAGMA temp_store=MEMORY");
  run("PRAGMA cache_size=-16000");
  if (bare) run("DROP TRIGGER IF EXISTS varve_steps_insert");

  sqlite3_stmt *begin = prepare("BEGIN IMMEDIATE"), *commit = prepare("COMMIT");
  // A write asks first who owns the thread, and whether the step is there.
  sqlite3_stmt *head = prepare(
      "SELECT s.\"threadId\",s.rowid,t.\"id\",t.\"userIdentifier\" FROM (SELECT 1)"
      " LEFT JOIN steps s ON s.\"id\"=?1 LEFT JOIN threads t ON t.\"id\"=coalesce(s.\"threadId\",?2)");
  sqlite3_stmt *insert = prepare(
      "INSERT INTO steps (id,\"threadId\",name,type,output,\"createdAt\",start,\"end\",streaming,\"isError\",\"waitForAnswer\",metadata,generation,input)"
      " VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)");
  sqlite3_stmt *note = prepare("INSERT INTO varve_change (\"table\",key,op,at) VALUES ('steps',?,'insert',?)");
  sqlite3_stmt *raise = prepare("UPDATE threads SET varve_last_activity=?2 WHERE id=?1 AND varve_last_activity<?2");

  char body[1025], id[37], thread[128], at[64];
  memset(body, 'x', 1024);
  body[1024] = 0;
  double start = now();
  clock_t processor = clock();
  for (int n = 0; n < steps; n++) {
    if (n % group == 0) finish(begin);
    uuid(id);
    snprintf(thread, sizeof thread, "%s%08d", prefix, n % threads);
    time_t seconds = 1770000000 + n / 1000000;
    struct tm tm;
    gmtime_r(&seconds, &tm);
    strftime(at, 21, "%Y-%m-%dT%H:%M:%S", &tm);
    snprintf(at + 19, 9, ".%06dZ", n % 1000000);
    text(head, 1, id), text(head, 2, thread), finish(head);
    text(insert, 1, id), text(insert, 2, thread), text(insert, 3, "assistant"), text(insert, 4, "assistant_message");
    text(insert, 5, body), text(insert, 6, at), text(insert, 7, at), text(insert, 8, at);
    for (int i = 9; i <= 11; i++) sqlite3_bind_int(insert, i, 0);
    text(insert, 12, "{}"), text(insert, 13, "{}"), text(insert, 14, "");
    finish(insert);
    if (bare) {
      struct timespec t;
      clock_gettime(CLOCK_REALTIME, &t);
      text(note, 1, id), sqlite3_bind_int64(note, 2, t.tv_sec * 1000LL + t.tv_nsec / 1000000), finish(note);
      text(raise, 1, thread), text(raise, 2, at), finish(raise);
    }
    if (n % group == group - 1 || n == steps - 1) finish(commit);
  }
  printf("%.0f %.2f\n", steps / (now() - start), (clock() - processor) * 1e6 / CLOCKS_PER_SEC / steps);
  return 0;
}
