#!/usr/bin/env python3
"""Whether the store ends with the same documents however a log is cut, and how true they are.

  tests/fidelity.py --mailstitch BIN --corpus DIR --scorer SCORE.py --opensearch URL [--windows 5,1] [--seed N] [--jobs N] [--page FILE]

In: `DIR/logs/all.iso.log.gz` (stamps with zone) and, in the same directory, the same stream as `all.log.gz` (stamps of a
second, no year) and `all.rfc5424.log.gz`; a scorer that takes `--truth DIR --export FILE` and exits 0 when all is well.
Out: figures in Markdown; with `--page docs/fidelity.md` they also replace what follows the mark on that page. Exit 0 if
every form is scored well, and every export of the matrix is byte for byte the one of a single pass over the file.

The matrix: read from the file and from OpenSearch, into SQLite and into OpenSearch, in one piece, and in windows of so
many seconds, each window twice, in random order, every one by a backfill that knows nothing of the others. Python 3.11,
standard library only. The indices that it makes are deleted; nothing else on the server is touched.
"""
import argparse, concurrent.futures, datetime, gzip, itertools, json, os, pathlib, random, subprocess, sys, tempfile, time, urllib.request

UTC = datetime.timezone.utc
MARK = "<!-- what follows is written by tests/fidelity.py -->\n"
SQLITE = '[store.sqlite]\npath = "transactions.sqlite"'
MAPPING = {"properties": {"timestamp": {"type": "date", "format": "uuuu-MM-dd HH:mm:ss.SSS"}, "source": {"type": "keyword"},
                          "message": {"type": "text"}, "gl2_message_id": {"type": "keyword"}}}


def request(url, method, body=None):
    body = body if body is None or isinstance(body, bytes) else json.dumps(body).encode()
    call = urllib.request.Request(url, method=method, data=body, headers={"Content-Type": "application/x-ndjson" if method == "POST" else "application/json"})
    with urllib.request.urlopen(call, timeout=120) as answer:
        return json.load(answer)


def load(url, index, lines):
    """The lines as Graylog stores what its syslog input gets: `host tag[pid]: text` in `message`."""
    request(f"{url}/{index}", "PUT", {"settings": {"number_of_replicas": 0}, "mappings": MAPPING})
    numbered = enumerate(lines)
    while batch := list(itertools.islice(numbered, 5_000)):
        body = []
        for n, line in batch:
            stamp, rest = line.split(" ", 1)
            at = datetime.datetime.fromisoformat(stamp).astimezone(UTC)
            at = f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 1000:03d}"
            body += [json.dumps({"index": {}}), json.dumps({"timestamp": at, "source": rest.split(" ", 1)[0], "message": rest, "gl2_message_id": f"{n:026d}"})]
        if request(f"{url}/{index}/_bulk", "POST", ("\n".join(body) + "\n").encode())["errors"]:
            sys.exit(f"{index} did not take all lines")
    request(f"{url}/{index}/_refresh", "POST", b"")


class Setup:
    """An empty store, and backfills into it."""

    def __init__(self, args, place, source, store):
        self.args, self.place = args, pathlib.Path(tempfile.mkdtemp(dir=place))
        self.config = f'state_dir = "state"\ninstances = ["postfix-out"]\n[window]\nbucket = "1s"\n{source}\n{store}\n'
        (self.place / "config.toml").write_text(self.config)

    def run(self, *arguments):
        done = subprocess.run([self.args.mailstitch, "-c", "config.toml", *arguments], cwd=self.place, capture_output=True)
        if done.returncode:
            sys.exit(f"{arguments}: exit code {done.returncode}\n{done.stderr.decode()}")
        return done.stdout

    def window(self, start, end, files):
        """A state directory of its own: what another backfill read is not known."""
        text = self.config.replace('"state"', f'"{tempfile.mkdtemp(dir=self.place)}"', 1)
        (self.place / "config.toml").write_text(text)
        self.run("backfill", "--since", start.isoformat(), "--until", end.isoformat(), *files)

    def export(self):
        path = self.place / "export.ndjson"
        path.write_bytes(self.run("export"))
        return path


def score(args, export):
    """What is measured: name, right, total, percent, and what was left out with the reason; and whether all is well."""
    done = subprocess.run([sys.executable, args.scorer, "--truth", args.corpus, "--export", export, "--json"], capture_output=True)
    return json.loads(done.stdout), done.returncode == 0


def in_short(measures):
    below = [f"{m['name']} {m['percent']:.2f} %" for m in measures if m["percent"] is not None and m["percent"] < 100]
    return ", ".join(below) or f"{len(measures)} measures, all 100.00 %"


class Page:
    """What is told on standard output, and put on a page when all is done."""

    def __init__(self, path):
        self.path, self.told = path and pathlib.Path(path), []

    def tell(self, text):
        self.told.append(text)
        print(text, flush=True)

    def write(self):
        if self.path:
            kept = self.path.read_text().partition(MARK)[0]
            self.path.write_text(kept + MARK + "\n".join(self.told) + "\n")


class Cell:
    """One way to cut: from where, into what, in windows of so many seconds."""

    def __init__(self, args, place, file, lines, url, alias, length, from_file, into_sqlite):
        self.args, self.url, self.alias, self.length = args, url, alias, length
        self.files, self.names = [file] if from_file else [], ["file" if from_file else "OpenSearch", "SQLite" if into_sqlite else "OpenSearch"]
        self.index = None if into_sqlite else f'[store.elasticsearch]\nurl = "{url}"\nindex = "{alias}"\nreplicas = 0'
        self.setup = Setup(args, place, "" if from_file else lines, self.index or SQLITE)

    def fill(self, first, last, expected):
        """All its backfills. A row of the table, and whether the export is the expected one and scored well."""
        step = datetime.timedelta(seconds=self.length or (last - first).total_seconds() + 1)
        starts = [first + n * step for n in range(int((last - first) / step) + 1)] * (2 if self.length else 1)
        random.Random(self.args.seed).shuffle(starts)
        began = time.monotonic()
        for start in starts:
            self.setup.window(start, start + step, self.files)
        took, export = time.monotonic() - began, self.setup.export()
        same = export.read_bytes() == expected
        measures, good = score(self.args, export)
        if not same:
            kept = pathlib.Path(tempfile.mkdtemp(prefix="fidelity-differs-"))
            (kept / "found.ndjson").write_bytes(export.read_bytes())
            (kept / "expected.ndjson").write_bytes(expected)
            print(f"both exports are kept in {kept}", file=sys.stderr)
        if self.index:
            request(f"{self.url}/{self.alias}-*", "DELETE")
        windows = f"{self.length} s, random order, each twice" if self.length else "one"
        row = [*self.names, windows, str(len(starts)), f"{took:.0f}", "the same bytes" if same else "NOT the same", in_short(measures)]
        return f"| {' | '.join(row)} |", same and good


def main():
    parser = argparse.ArgumentParser(description="Cut a corpus in all ways, compare the exports, score them.")
    for name in ("mailstitch", "corpus", "scorer", "opensearch"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--windows", default="5,1", help="lengths in seconds")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="cells of the matrix that are filled at the same time")
    parser.add_argument("--page", help="a page whose figures are replaced")
    args = parser.parse_args()
    page = Page(args.page)
    args.mailstitch, url = str(pathlib.Path(args.mailstitch).resolve()), args.opensearch.rstrip("/")
    logs = pathlib.Path(args.corpus).resolve() / "logs"
    text = gzip.open(logs / "all.iso.log.gz", "rt", encoding="utf-8", errors="surrogateescape", newline="\n").read()
    lines = [line for line in text.split("\n") if line]
    stamps = [datetime.datetime.fromisoformat(line.split(" ", 1)[0]).astimezone(UTC) for line in lines]
    first, last = min(stamps).replace(microsecond=0), max(stamps)
    tag, failed = f"fidelity-{os.getpid()}", False
    with tempfile.TemporaryDirectory(prefix="fidelity-") as place:
        source = f'[source.elasticsearch]\nurl = "{url}"\nindex = "{tag}-lines"\npreset = "graylog"'
        plain = pathlib.Path(place) / "mail.log"
        plain.write_text(text, encoding="utf-8", errors="surrogateescape", newline="\n")

        engine = request(url, "GET")["version"]
        version = Setup(args, place, "", SQLITE).run("--version").decode().strip()
        page.tell(f"{version}; {len(lines):,} lines over {(last - first).total_seconds():.0f} s; {engine.get('distribution', 'elasticsearch')} {engine['number']}.")
        page.tell("\n| log, one pass | documents | score |\n|---|---|---|")
        for name in ("all.iso.log.gz", "all.log.gz", "all.rfc5424.log.gz"):
            # Stamps without a year are of the year in which the file was last written.
            copy = pathlib.Path(place) / name
            copy.write_bytes((logs / name).read_bytes())
            os.utime(copy, (last.timestamp(), last.timestamp()))
            setup = Setup(args, place, "", SQLITE)
            setup.run("backfill", str(copy))
            export = setup.export()
            measures, good = score(args, export)
            failed |= not good
            page.tell(f"| `{name}` | {export.read_bytes().count(10)} | {in_short(measures)} |")
            whole = measures if name == "all.iso.log.gz" else whole
            expected = export.read_bytes() if name == "all.iso.log.gz" else expected

        page.tell("\n| measure | right | of | left out, for no log line tells |\n|---|---|---|---|")
        for m in whole:
            page.tell(f"| {m['name']} | {m['right']} | {m['total']} | {'; '.join(f'{n}: {why}' for why, n in m['excluded'].items() if n)} |")
        page.tell("\n| source | store | windows | backfills | seconds | export | score |\n|---|---|---|---|---|---|---|")
        load(url, f"{tag}-lines", lines)
        try:
            lengths = [None, *map(int, args.windows.split(","))]
            cells = [Cell(args, place, str(plain), source, url, f"{tag}-{n}", *kind)
                     for n, kind in enumerate(itertools.product(lengths, (True, False), (True, False)))]
            with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
                for row, well in pool.map(lambda cell: cell.fill(first, last, expected), cells):
                    failed |= not well
                    page.tell(row)
        finally:
            request(f"{url}/{tag}-lines", "DELETE")
    page.write()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
