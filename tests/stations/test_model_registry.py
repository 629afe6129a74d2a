"""Which model a station uses: signed, run in shadow first, switched whole or not at all, and back again."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from evidence import ModelReference
from evidence.journal import line_hash
from golden.keys import SigningKey
from models.card import CARD, MODEL, read_card
from models.errors import ModelError, ParityError
from models.release.seal import RELEASE, SEAL
from stations.errors import ModelRegistryError
from stations.model_registry import ModelRegistry, Shadow, model_folder
from stations.spool_database import take_lock
from tests.models import tiny
from tests.power_cut import cuts, lay_down, recording, scratch

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


@pytest.fixture(scope="module")
def key() -> SigningKey:
    return SigningKey.generate("Quality of the plant", "buyer")


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("models")
    return [tiny.release(folder / f"m{n}", created=f"2026-03-0{n}") for n in (1, 2, 3)]


def registry_in(folder: Path, key: SigningKey) -> ModelRegistry:
    registry = ModelRegistry.create(folder)
    _, public = key.save(folder / "keys")
    shutil.copy(public, folder / "trust")
    return registry


@pytest.fixture
def registry(tmp_path: Path, key: SigningKey) -> ModelRegistry:
    return registry_in(tmp_path / "registry", key)


def reference(folder: Path) -> ModelReference:
    return read_card(folder).reference


def shadow(old: Path, new: Path, units: int = 5, flips: int = 0) -> Shadow:
    return Shadow(digest=tiny.GOLDEN_IMAGE, old=reference(old), new=reference(new), units=units, flips=flips)


def used(registry: ModelRegistry) -> ModelReference | None:
    found = registry.in_use()
    return None if found is None else read_card(found.folder).reference


def test_a_signed_model_is_used_and_the_journal_says_who_and_why(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    assert registry.in_use() is None
    with pytest.raises(ModelRegistryError, match="no model was released here"):
        model_folder(str(registry.folder))
    done = registry.release(models[0], key=key, why="the first", now=NOW)
    assert used(registry) == reference(models[0]) == done.deed.model
    assert model_folder(str(registry.folder)) == str(done.folder)
    (line,) = registry.lines()
    assert (line.kind, line.actor, line.time, line.subject) == (
        "model.released", "Quality of the plant", "2026-03-04T05:06:07.000000Z", "tiny",
    )  # fmt: skip
    assert line.body["deed"]["why"] == "the first"
    assert not (models[0] / SEAL).exists(), "what was given is left alone"
    assert model_folder(str(models[0])) == str(models[0])


def test_another_model_needs_a_shadow_run_of_these_two(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    first, second, third = models
    registry.release(first, key=key, why="first", now=NOW)
    for given, said in (
        (None, "run the new one in its shadow first"),
        (shadow(second, third), "run it again"),
        (shadow(first, third), "run it again"),
        (shadow(first, second, units=0), "saw no unit"),
    ):
        with pytest.raises(ModelRegistryError, match=said):
            registry.release(second, key=key, why="better", now=NOW, shadow=given)
    assert used(registry) == reference(first)
    registry.release(second, key=key, why="better", now=NOW, shadow=shadow(first, second, flips=2))
    assert used(registry) == reference(second)
    assert registry.lines()[-1].body["deed"]["shadow"]["flips"] == 2


def test_rolling_back_returns_to_the_model_before_and_can_go_on(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    first, second, third = models
    registry.release(first, key=key, why="1", now=NOW)
    with pytest.raises(ModelRegistryError, match="nothing to return to"):
        registry.roll_back(actor="night shift", why="false alarms", now=NOW)
    registry.release(second, key=key, why="2", now=NOW, shadow=shadow(first, second))
    registry.release(third, key=key, why="3", now=NOW, shadow=shadow(second, third))
    for expected in (second, first):
        back = registry.roll_back(actor="night shift", why="false alarms", now=NOW + timedelta(hours=1))
        assert used(registry) == reference(expected) == back.deed.model
    with pytest.raises(ModelRegistryError, match="nothing to return to"):
        registry.roll_back(actor="night shift", why="false alarms", now=NOW)
    registry.release(third, key=key, why="again", now=NOW, shadow=shadow(first, third))
    assert used(registry) == reference(third)
    assert [line.kind.split(".")[1] for line in registry.lines()] == [
        "released", "released", "released", "rolled_back", "rolled_back", "released",
    ]  # fmt: skip
    assert registry.lines()[3].actor == "night shift"


def test_who_is_not_trusted_releases_nothing(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    with pytest.raises(ModelRegistryError, match="trust: does not hold the key of Quality of the plant"):
        ModelRegistry.create(registry.folder / "new").release(models[0], key=key, why="first", now=NOW)
    stranger = SigningKey.generate("Stranger", "other")
    with pytest.raises(ModelRegistryError, match="does not hold the key of Stranger"):
        registry.release(models[0], key=stranger, why="first", now=NOW)
    registry.release(models[0], key=key, why="first", now=NOW)
    next((registry.folder / "trust").iterdir()).unlink()
    stranger.save(registry.folder / "trust")
    with pytest.raises(ModelRegistryError, match="not signed by a key"):
        registry.in_use()


def test_a_damaged_model_is_not_released(
    registry: ModelRegistry, models: list[Path], key: SigningKey, tmp_path: Path
) -> None:
    broken = shutil.copytree(models[0], tmp_path / "broken")
    inputs = tiny.pairs()
    tiny.replace(broken, "parity.npz", tiny.npz(pair=inputs[..., ::-1], logits=tiny.logits(inputs)))
    with pytest.raises(ParityError):
        registry.release(broken, key=key, why="first", now=NOW)
    assert registry.lines() == []
    assert not list((registry.folder / "releases").iterdir())


@pytest.mark.parametrize("altered", [MODEL, CARD, RELEASE, SEAL, "another.onnx"])
def test_a_model_in_use_that_is_altered_is_not_used(
    registry: ModelRegistry, models: list[Path], key: SigningKey, altered: str
) -> None:
    done = registry.release(models[0], key=key, why="first", now=NOW)
    path = done.folder / altered
    data = bytearray(path.read_bytes() if path.exists() else b"foreign")
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelError):
        registry.in_use()


@pytest.mark.parametrize("how", ["another reason", "no seal", "line removed", "another model"])
def test_a_journal_that_was_changed_is_not_believed(
    registry: ModelRegistry, models: list[Path], key: SigningKey, how: str
) -> None:
    registry.release(models[0], key=key, why="first", now=NOW)
    registry.release(models[1], key=key, why="second", now=NOW, shadow=shadow(models[0], models[1]))
    first, second = sorted((registry.folder / "journal").iterdir())
    if how == "line removed":
        first.unlink()
    else:
        line = json.loads(second.read_bytes())
        if how == "another reason":
            line["body"]["deed"]["why"] = "because"
        elif how == "no seal":
            del line["body"]["seal"]
        else:
            line["body"]["deed"]["model"]["digest"] = reference(models[2]).digest
        line["hash"] = line_hash(line)  # by one who knows how lines are chained
        second.write_text(json.dumps(line))
    with pytest.raises(ModelRegistryError):
        registry.in_use()


def test_a_damaged_line_is_told_in_one(registry: ModelRegistry, models: list[Path], key: SigningKey) -> None:
    registry.release(models[0], key=key, why="first", now=NOW)
    (path,) = (registry.folder / "journal").iterdir()
    path.write_text("{}")
    with pytest.raises(ModelRegistryError, match=r"\(sequence: Field required\); restore it from a copy$"):
        registry.in_use()


@pytest.mark.parametrize("why", ["", " ", "x" * 129])
def test_what_the_journal_cannot_say_does_nothing(
    registry: ModelRegistry, models: list[Path], key: SigningKey, why: str
) -> None:
    before = sorted(registry.folder.rglob("*"))
    with pytest.raises(ModelRegistryError, match=r"--why of .* the journal takes 1 to 128"):
        registry.release(models[0], key=key, why=why, now=NOW)
    assert sorted(registry.folder.rglob("*")) == before
    registry.release(models[0], key=key, why="x" * 128, now=NOW)
    registry.release(models[1], key=key, why="next", now=NOW, shadow=shadow(models[0], models[1]))
    for said in ({"actor": why, "why": "x"}, {"actor": "me", "why": why}):
        with pytest.raises(ModelRegistryError, match="the journal takes 1 to 128"):
            registry.roll_back(now=NOW, **said)
    assert used(registry) == reference(models[1])


def test_a_journal_that_takes_back_more_than_was_released_is_refused(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    registry.release(models[0], key=key, why="first", now=NOW)
    (path,) = (registry.folder / "journal").iterdir()
    line = json.loads(path.read_bytes()) | {"kind": "model.rolled_back"}
    line["hash"] = line_hash(line)
    path.write_text(json.dumps(line))
    with pytest.raises(ModelRegistryError, match="nobody released"):
        registry.roll_back(actor="me", why="x", now=NOW)


def test_two_deeds_at_once_are_one_after_the_other(
    registry: ModelRegistry, models: list[Path], key: SigningKey
) -> None:
    lock = take_lock(registry.folder)
    with pytest.raises(ModelRegistryError, match="someone else"):
        registry.release(models[0], key=key, why="first", now=NOW)
    lock.close()
    registry.release(models[0], key=key, why="first", now=NOW)


def test_a_folder_that_is_no_registry_is_refused(tmp_path: Path, key: SigningKey, models: list[Path]) -> None:
    registry = ModelRegistry(tmp_path)
    for use in (
        registry.lines,
        lambda: registry.release(models[0], key=key, why="first", now=NOW),
        lambda: registry.roll_back(actor="me", why="x", now=NOW),
    ):
        with pytest.raises(ModelRegistryError, match=r"no registry of models: .*hallmark model release"):
            use()


def test_a_power_cut_leaves_the_model_before_or_the_one_after(
    tmp_path: Path, models: list[Path], key: SigningKey
) -> None:
    """After a cut at any point: a whole, signed model, never older than what was promised."""
    root = (tmp_path / "plant").resolve()
    root.mkdir()
    first, second = models[:2]
    with recording(root) as recorded:
        registry = registry_in(root / "registry", key)
        registry.release(first, key=key, why="1", now=NOW)
        recorded.acknowledge(1)
        registry.release(second, key=key, why="2", now=NOW, shadow=shadow(first, second))
        recorded.acknowledge(2)
        registry.roll_back(actor="me", why="3", now=NOW)
        recorded.acknowledge(3)
    expected = [None, *map(reference, (first, second, first))]
    seen: set[tuple[int, int]] = set()
    trusted = next((root / "registry" / "trust").iterdir())
    with scratch() as disc:
        for promised, state in cuts(recorded.ops):
            lay_down(state, disc)
            left = ModelRegistry(disc / "registry")
            if not promised and not ModelRegistry.is_one(left.folder):
                continue
            (left.folder / "trust").mkdir(exist_ok=True)
            shutil.copy(trusted, left.folder / "trust")  # put there by hand, before
            done = len(left.lines())
            least = max(promised, default=0)
            assert done in (least, least + 1), "one deed may have happened unpromised"
            assert used(left) == expected[done]
            seen.add((least, done))
    assert {(0, 0), (0, 1), (1, 1), (1, 2), (2, 2), (2, 3), (3, 3)} <= seen
