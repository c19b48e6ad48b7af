"""The crawler of the examples, as a person runs it."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

SUMMARY = re.compile(
    r"(?P<pages>\d+) pages, (?P<size>[\d,]+) bytes in (?P<seconds>[\d.]+) s;"
    r" one at a time: about (?P<alone>[\d.]+) s"
)


def run(examples: Path, *urls: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(examples / "crawler.py"), *urls]
    return subprocess.run(command, capture_output=True, text=True, timeout=50, check=False)


def summary(output: str) -> dict[str, float]:
    found = SUMMARY.search(output)
    assert found is not None, output
    return {name: float(text.replace(",", "")) for name, text in found.groupdict().items()}


@pytest.fixture(scope="module")
def demo(examples: Path) -> subprocess.CompletedProcess[str]:
    return run(examples)


def test_the_demo_crawl_succeeds_quietly(demo: subprocess.CompletedProcess[str]) -> None:
    assert demo.returncode == 0, demo.stderr
    assert demo.stderr == ""


def test_the_demo_crawl_finds_every_page(demo: subprocess.CompletedProcess[str]) -> None:
    # The start page, 6 sections of 6 pages, and the page that has moved.
    assert summary(demo.stdout)["pages"] == 1 + 6 + 36 + 1


def test_the_demo_crawl_takes_a_fraction_of_the_time_one_at_a_time(
    demo: subprocess.CompletedProcess[str],
) -> None:
    found = summary(demo.stdout)
    assert found["alone"] >= 12 * 0.5
    assert found["seconds"] < found["alone"] / 2


def test_every_page_is_announced_and_reported(demo: subprocess.CompletedProcess[str]) -> None:
    fetching = re.findall(r" fetching (\S+)", demo.stdout)
    fetched = re.findall(r" fetched (\S+)", demo.stdout)
    (missing,) = re.findall(r"could not fetch (\S+): .*404", demo.stdout)
    assert sorted(fetching) == sorted([*fetched, missing])
    assert len(set(fetching)) == len(fetching)


def test_a_url_that_fails_is_reported_and_the_others_finish(examples: Path, site: str) -> None:
    refused = "http://127.0.0.1:9/"
    done = run(examples, refused, f"{site}missing", *[f"{site}page/1"] * 2, f"{site}page/2")
    assert done.returncode == 1
    assert f"could not fetch {refused}" in done.stdout
    assert "refused" in done.stdout
    assert f"could not fetch {site}missing: the server answered 404\n" in done.stdout
    assert summary(done.stdout)["pages"] == 2
    assert done.stderr == ""


def test_thirty_slow_pages_ten_at_a_time_take_three_rounds(examples: Path, site: str) -> None:
    done = run(examples, *(f"{site}slow/{number}" for number in range(30)))
    found = summary(done.stdout)
    assert found["pages"] == 30
    assert found["alone"] >= 30 * 0.5
    # Three rounds of half a second; a machine busy with something else may take its time.
    assert 3 * 0.5 <= found["seconds"] < 30 * 0.5 / 2


PAGE = Path(__file__).resolve().parent.parent / "docs" / "crawling.md"
BLOCK = re.compile(r"^```(console|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
HTTPC = [sys.executable, "-m", "eventlet.httpc"]


def test_the_page_on_crawling_is_right(site: str, tmp_path: Path) -> None:
    outputs = []
    for kind, text in BLOCK.findall(PAGE.read_text("utf-8")):
        if text.startswith("pip "):
            continue
        script = text.replace("https://www.example.com/", site)
        command = [sys.executable, "-c", script]
        if kind == "console":
            httpc, *arguments = shlex.split(script)
            assert httpc == "httpc"
            command = [*HTTPC, *arguments]
        done = subprocess.run(
            command, cwd=tmp_path, capture_output=True, text=True, timeout=50, check=False
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"
        outputs.append(done.stdout + done.stderr)
    crawled, written, listed, resumed, got = outputs
    assert "45 pages, 2.0 MiB" in crawled
    assert written
    assert listed == f"{site}missing 404 linked from {site}\n"
    assert "45 pages (45 of them known before)" in resumed
    assert "What went wrong" in (tmp_path / "report.html").read_text("utf-8")
    assert "waiting for the answer" in got


def test_the_command_visits_the_demo_site(examples: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(examples / "demo_site.py"), *HTTPC, "crawl"],
        capture_output=True, text=True, timeout=50, check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "one at a time: about" in done.stderr
    refused = [
        sys.executable,
        str(examples / "demo_site.py"),
        *HTTPC,
        "crawl",
        "http://127.0.0.1:9/",
    ]
    assert subprocess.run(refused, capture_output=True, timeout=50, check=False).returncode == 1
