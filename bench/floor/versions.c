// The least work that keeps versions in the file of a Varve: its statements for
// the table "todos", in C.
//
//   versions append FILE ROWS GROUP     appends rows, durably, GROUP a commit:
//                                       prints rows a second, microseconds of processor time a row
//   versions get FILE ROWS TIMES        gets newest versions of ROWS rows by key:
//                                       prints microseconds a get
//   versions fill FILE ROWS VERSIONS    fills a file quickly and not durably, and
//                                       gives a row "hot" 10,000 versions more
#include "sqlite3.h"
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

// finish runs a statement and touches every column, as a reader does.
static int64_t finish(sqlite3_stmt *s) {
  int rc;
  int64_t seen = 0;
  while ((rc = sqlite3_step(s)) == SQLITE_ROW)
    for (int i = sqlite3_column_count(s) - 1; i >= 0; i--) {
      if (sqlite3_column_type(s, i) == SQLITE_TEXT) {
        const unsigned char *text = sqlite3_column_text(s, i);
        seen += text[0] + sqlite3_column_bytes(s, i);
      } else {
        seen += sqlite3_column_int64(s, i);
      }
    }
  must(rc == SQLITE_DONE, sqlite3_sql(s));
  sqlite3_reset(s);
  return seen;
}

static void text(sqlite3_stmt *s, int i, const char *v) { sqlite3_bind_text(s, i, v, -1, SQLITE_STATIC); }

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return t.tv_sec + t.tv_nsec / 1e9;
}

static int64_t clock_us(void) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

#define FIELDS "l._seq,l._at,l._eid,l._version,l._op,l._actor,l._source,l.id,l.user_id,l.subject,l.body,l.priority,l.status,l.description,l.labels"

static sqlite3_stmt *begin, *commit, *newest, *last, *log_row, *head_row, *head_move;

static void statements(void) {
  begin = prepare("BEGIN IMMEDIATE"), commit = prepare("COMMIT");
  newest = prepare("SELECT " FIELDS " FROM varve_entity_todos e CROSS JOIN varve_log_todos l WHERE l._seq=e._seq AND e._key=?1");
  last = prepare("SELECT _seq,_at FROM varve_log_todos ORDER BY _seq DESC LIMIT 1");
  log_row = prepare("INSERT INTO varve_log_todos (_seq,_at,_eid,_version,_op,_actor,_source,id,user_id,subject,body,priority,status,description,labels)"
                    " VALUES (?1,?2,?3,?4,?5,'',0,?6,?7,?8,?9,?10,?11,?12,?13)");
  head_row = prepare("INSERT INTO varve_entity_todos (_eid,_seq,_version,_deleted,_key,_owner) VALUES (?1,?2,1,0,?3,?4)");
  head_move = prepare("UPDATE varve_entity_todos SET _seq=?2,_version=?3 WHERE _eid=?1");
}

static char key[32], user[32];

static void name(int n) {
  snprintf(key, sizeof key, "%08x-todo", n);
  snprintf(user, sizeof user, "user%d", n % 1000);
}

static void version(int64_t seq, int64_t at, int64_t eid, int64_t number, int n) {
  sqlite3_bind_int64(log_row, 1, seq), sqlite3_bind_int64(log_row, 2, at), sqlite3_bind_int64(log_row, 3, eid);
  sqlite3_bind_int64(log_row, 4, number), text(log_row, 5, number == 1 ? "append" : "update");
  text(log_row, 6, key), text(log_row, 7, user), text(log_row, 8, "homework");
  text(log_row, 9, "do your homework before it is too late for it"), sqlite3_bind_int64(log_row, 10, n % 101);
  if (number % 3 == 0) text(log_row, 11, "done"); else sqlite3_bind_null(log_row, 11);
  sqlite3_bind_null(log_row, 12), text(log_row, 13, "[\"cli\",\"home, urgent\"]");
  finish(log_row);
}

static void append(int rows, int group) {
  run("PRAGMA synchronous=FULL");
  statements();
  double start = now();
  clock_t processor = clock();
  int64_t eid = 0;
  for (int n = 0; n < rows; n++) {
    if (n % group == 0) finish(begin);
    name(n);
    text(newest, 1, key), finish(newest);
    int64_t seq = 0;
    if (n % group == 0) seq = finish(last);
    (void)seq;
    version(n + 1, clock_us(), ++eid, 1, n);
    sqlite3_bind_int64(head_row, 1, eid), sqlite3_bind_int64(head_row, 2, n + 1), text(head_row, 3, key), text(head_row, 4, user);
    finish(head_row);
    if (n % group == group - 1 || n == rows - 1) finish(commit);
  }
  printf("%.1f %.2f\n", rows / (now() - start), (clock() - processor) * 1e6 / CLOCKS_PER_SEC / rows);
}

static void get(int rows, int times) {
  statements();
  int64_t seen = 0;
  double start = now();
  for (int64_t n = 0; n < times; n++) {
    name(n * 7919 % rows);
    text(newest, 1, key);
    seen += finish(newest);
  }
  printf("%.3f %lld\n", (now() - start) * 1e6 / times, (long long)seen);
}

static void fill(int rows, int versions) {
  run("PRAGMA synchronous=OFF");
  run("PRAGMA cache_size=-1000000");
  statements();
  finish(begin);
  int64_t seq = 0, at = 1700000000000000LL;
  for (int v = 1; v <= versions; v++)
    for (int n = 0; n < rows; n++) name(n), version(++seq, at += 10, n + 1, v, n);
  for (int n = 0; n < rows; n++) {
    name(n);
    sqlite3_bind_int64(head_row, 1, n + 1), sqlite3_bind_int64(head_row, 2, 1), text(head_row, 3, key), text(head_row, 4, user);
    finish(head_row);
    sqlite3_bind_int64(head_move, 1, n + 1), sqlite3_bind_int64(head_move, 2, (int64_t)(versions - 1) * rows + n + 1);
    sqlite3_bind_int64(head_move, 3, versions), finish(head_move);
  }
  strcpy(key, "hot");
  for (int v = 1; v <= 10000; v++) version(++seq, at += 10, rows + 1, v, v);
  sqlite3_bind_int64(head_row, 1, rows + 1), sqlite3_bind_int64(head_row, 2, seq), text(head_row, 3, "hot"), text(head_row, 4, user);
  finish(head_row);
  sqlite3_bind_int64(head_move, 1, rows + 1), sqlite3_bind_int64(head_move, 2, seq), sqlite3_bind_int64(head_move, 3, 10000);
  finish(head_move);
  finish(commit);
  run("PRAGMA wal_checkpoint(TRUNCATE)");
}

int main(int argc, char **argv) {
  if (argc != 5) return 2;
  must(sqlite3_open(argv[2], &db) == SQLITE_OK, "open");
  run("PRAGMA journal_mode=WAL");
  run("PRAGMA temp_store=MEMORY");
  run("PRAGMA cache_size=-16000");
  int a = atoi(argv[3]), b = atoi(argv[4]);
  if (!strcmp(argv[1], "append")) append(a, b);
  else if (!strcmp(argv[1], "get")) get(a, b);
  else if (!strcmp(argv[1], "fill")) fill(a, b);
  else return 2;
  return 0;
}
