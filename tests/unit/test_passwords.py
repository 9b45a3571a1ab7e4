"""Passwords: kept as argon2id, matched in either spelling of a letter, refused where they are too short."""

import re
import unicodedata

import argon2
import pytest

from monitor.errors import UsageError
from monitor.passwords import LONGEST, WORDS, Verifier, hashed, made, outdated


async def test_a_password_matches_its_hash_alone() -> None:
    kept = await hashed("тихая гавань")
    assert kept.startswith("$argon2id$")
    assert "гавань" not in kept
    verifier = Verifier()
    assert await verifier.matches("тихая гавань", kept)
    assert not await verifier.matches("тихая гаван", kept)
    assert not await verifier.matches("", kept)


async def test_the_same_password_is_never_kept_alike() -> None:
    assert await hashed("quiet ferry 7") != await hashed("quiet ferry 7")


async def test_two_spellings_of_a_letter_are_one() -> None:
    kept = await hashed(unicodedata.normalize("NFD", "тихий залив"))
    assert await Verifier().matches("тихий залив", kept)


@pytest.mark.parametrize("password", ["", "short", "123456789", "x" * (LONGEST + 1)])
async def test_a_password_has_a_length(password: str) -> None:
    with pytest.raises(UsageError, match="cannot be taken") as caught:
        await hashed(password)
    assert not password or password not in " ".join(caught.value.lines())


async def test_nothing_matches_where_nothing_is_kept() -> None:
    verifier = Verifier()
    assert not await verifier.matches("whatever it is", None)
    assert not await verifier.matches("whatever it is", "no hash at all")


async def test_a_longer_one_is_not_cut_to_match() -> None:
    kept = await hashed("x" * LONGEST)
    assert await Verifier().matches("x" * LONGEST, kept)
    assert not await Verifier().matches("x" * (LONGEST + 1), kept)


async def test_a_hash_of_other_costs_is_outdated() -> None:
    assert not outdated(await hashed("quiet ferry 7"))
    assert outdated(argon2.PasswordHasher(time_cost=1, memory_cost=1024).hash("quiet ferry 7"))


def test_a_made_password_can_be_read_out() -> None:
    assert re.fullmatch(r"[2-9][a-z]-[a-z]+-[a-z]+", made())
    assert len(made(5).split("-")) == 6
    assert len({made(4) for _ in range(50)}) == 50


async def test_a_made_password_can_be_taken() -> None:
    assert min(map(len, WORDS)) >= 4
    assert len(WORDS) == len(set(WORDS)) >= 240
    assert await hashed(made())
