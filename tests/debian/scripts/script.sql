-- A database in a file: write-ahead log, memory-mapped reading, transactions, indices, recursion, integrity.
.bail on
PRAGMA page_size = 4096;
PRAGMA journal_mode = WAL;
PRAGMA mmap_size = 67108864;
CREATE TABLE page(number INTEGER PRIMARY KEY, frame INTEGER NOT NULL, note TEXT);
CREATE INDEX by_frame ON page(frame);
BEGIN;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
INSERT INTO page SELECT i, (i * 7919) % 4001, printf('%0*d', 100 + i % 50, i) FROM n;
COMMIT;
SELECT count(*), sum(frame), max(length(note)) FROM page;
PRAGMA wal_checkpoint(FULL);
BEGIN; DELETE FROM page WHERE number % 2; SAVEPOINT s; UPDATE page SET note = NULL; ROLLBACK TO s; RELEASE s; COMMIT;
BEGIN; DELETE FROM page; ROLLBACK;
SELECT count(*), count(note), min(frame), group_concat(number, ' ') FROM (SELECT * FROM page WHERE frame BETWEEN 100 AND 120 ORDER BY frame);
EXPLAIN QUERY PLAN SELECT number FROM page WHERE frame = 17;
CREATE TRIGGER kept AFTER DELETE ON page BEGIN INSERT INTO gone VALUES (old.number); END;
CREATE TABLE gone(number);
DELETE FROM page WHERE frame < 100;
SELECT (SELECT count(*) FROM gone) + (SELECT count(*) FROM page);
SELECT number, rank() OVER (ORDER BY frame DESC), lag(number) OVER (ORDER BY frame DESC) FROM page ORDER BY frame DESC LIMIT 3;
WITH RECURSIVE f(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM f WHERE b < 1e6) SELECT group_concat(b) FROM f;
SELECT json_extract('{"a": [1, {"b": 2.5}]}', '$.a[1].b'), hex(zeroblob(3)), typeof(1e3), 7 / 2, 7 / 2.0, date(0, 'unixepoch');
VACUUM;
PRAGMA integrity_check;
PRAGMA journal_mode = DELETE;
PRAGMA mmap_size;
PRAGMA page_count;
.backup copy.db
ATTACH 'copy.db' AS copy;
SELECT count(*) FROM (SELECT * FROM page EXCEPT SELECT * FROM copy.page);
PRAGMA copy.integrity_check;
