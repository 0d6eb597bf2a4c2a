"""Sixty submissions of seven front ends from five platforms: no wrong owner, no wrong status."""

import csv
import shutil

import pytest
from ordinary import folder, give, lrcourse, needs_sandbox
from realistic import FRONT_ENDS, NAMES, PLATFORMS, WORK, hand_in

needs_sandbox()


def test_there_are_sixty_and_all_differ():
    numbers = range(len(PLATFORMS) * len(NAMES))
    pairs = {(n % len(WORK), n % len(FRONT_ENDS)) for n in numbers}
    assert len(pairs) == len(numbers) == 60


@pytest.mark.parametrize("platform", range(len(PLATFORMS)), ids=lambda n: PLATFORMS[n].__name__)
def test_whose_it_is_and_what_it_is_worth(platform):
    root = folder()
    people = hand_in(root / "in", platform)
    with (root / "roster.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["student", "name", "number"])
        writer.writerows([person[:3] for person in people])
    give(root)
    words = ("grade", root / "in", "--out", root / "out", "--roster", root / "roster.csv")
    ran = lrcourse(*words)
    assert ran.returncode == 0, ran.stderr
    with (root / "out" / "grades.csv").open(newline="", encoding="utf-8-sig") as file:
        rows = {row["student"]: row for row in csv.DictReader(file)}
    shutil.rmtree(root)
    got = {student: (row["status"], row["points"]) for student, row in rows.items()}
    assert got == {
        person.student: ("missing", "") if person.points is None else ("graded", str(person.points))
        for person in people
    }
