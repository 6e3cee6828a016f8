"""The runs of a comparison: each arm on so many labelled cases of a seed, and what it starts from.

The settings of a run are a recipe's, over them those of all arms, over them those of its arm.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from napari_toposeg.comparison.cases import CaseSet, linked_images, write_names
from napari_toposeg.comparison.digests import counting, digest_of, folder_of, start_of
from napari_toposeg.config import (
    ALL,
    SETTLED,
    Arm,
    CompareConfig,
    FinetuneConfig,
    PredictConfig,
    PretrainConfig,
)
from napari_toposeg.errors import InvalidConfig

APART = 1_000_000
"""Between the seeds of the models of one run."""


@dataclass(frozen=True)
class Pretraining:
    """A pretraining that fine-tunings start from."""

    config: PretrainConfig
    digest: str

    @property
    def label(self) -> str:
        """What it is called."""
        return f"{self.config.objective} pretraining"

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.config.output


@dataclass(frozen=True)
class Member:
    """One fine-tuning of a run."""

    config: FinetuneConfig
    digest: str

    @property
    def folder(self) -> Path:
        """Where it is kept."""
        return self.config.output


@dataclass(frozen=True)
class Trial:
    """One run: a fine-tuning or several, whose models predict together, and how they are judged.

    Parameters
    ----------
    count
        Labelled cases, `ALL` for the whole pool.
    """

    arm: str
    count: int
    seed: int
    members: tuple[Member, ...]
    prediction: PredictConfig
    pretraining: Pretraining | None

    @property
    def label(self) -> str:
        """What it is called: arm, count and seed."""
        return f"{self.arm}/{counted(self.count)}/{self.seed}"

    @property
    def folder(self) -> Path:
        """Where its judgement is kept: with its first model."""
        return self.members[0].folder

    @property
    def steps(self) -> int:
        """Steps of all its fine-tunings."""
        return sum(member.config.steps for member in self.members)


def counted(count: int) -> str:
    """Return a count for a person."""
    return "all" if count == ALL else str(count)


def list_trials(config: CompareConfig, cases: CaseSet) -> list[Trial]:
    """Return all runs, seed by seed, so that a comparison that was stopped compares already.

    Raises
    ------
    InvalidConfig
        If the settings of an arm are wrong, or a recipe cannot be read.
    """
    trials = [
        trial_of(config, cases, arm, count, seed)
        for seed in config.seeds
        for count in dict.fromkeys((*config.counts, *further_counts(config)))
        for arm in config.every_arm
        if count in (config.counts if arm.counts is None else arm.counts)
    ]
    # Arms that differ in their predictions alone have one training, in one folder.
    first: dict[str, Member] = {}
    return [
        replace(trial, members=tuple(first.setdefault(each.digest, each) for each in trial.members))
        for trial in trials
    ]


def further_counts(config: CompareConfig) -> Iterator[int]:
    """Yield the counts that single arms have."""
    for arm in config.every_arm:
        yield from arm.counts or ()


def chosen(config: CompareConfig, trials: list[Trial]) -> list[Trial]:
    """Return the runs that this process is to make.

    Raises
    ------
    InvalidConfig
        If a pattern names none.
    """
    for pattern in config.only:
        if not any(fnmatchcase(trial.label, pattern) for trial in trials):
            raise InvalidConfig(
                f"no run is called {pattern!r}; runs are ARM/COUNT/SEED, such as "
                f"{trials[0].label!r}, and * stands for any"
            )
    wanted = [
        trial
        for trial in trials
        if not config.only or any(fnmatchcase(trial.label, each) for each in config.only)
    ]
    number, parts = config.share
    return wanted[number - 1 :: parts]


def trial_of(config: CompareConfig, cases: CaseSet, arm: Arm, count: int, seed: int) -> Trial:
    """Return the run of an arm on so many labelled cases."""
    try:
        pretraining = pretraining_of(config, cases, arm, seed)
        members = tuple(
            member_of(config, cases, arm, (count, seed, number), pretraining)
            for number in range(arm.members)
        )
        return Trial(arm.name, count, seed, members, prediction_of(config, arm), pretraining)
    except InvalidConfig as error:
        raise InvalidConfig(f"arm {arm.name!r}: {error}") from error


def pretraining_of(
    config: CompareConfig, cases: CaseSet, arm: Arm, seed: int
) -> Pretraining | None:
    """Return the pretraining of an arm, if it has one."""
    if arm.objective == "scratch":
        return None
    settings = settings_of(config.pretrain, arm.pretrain)
    settings |= {"objective": arm.objective, "previews": False, "forecast": False}
    settings |= {} if arm.network is None else {"network": arm.network}
    settings |= {"seed": seed} if config.pretrain_each_seed else {}
    given, folder = bool(config.unlabelled), config.output / "cases"
    ids = None if given else write_names(folder / "unlabelled.txt", cases.pool)
    draft = PretrainConfig.create(
        **settings,
        output=config.output,
        data=config.unlabelled or (linked_images(cases, folder),),
        ids=ids,
        device=config.device,
        threads=config.threads,
    )
    scans = (
        cases.fingerprint_of_unlabelled()
        if given
        else cases.fingerprint(cases.pool, labelled=False)
    )
    digest = digest_of({"settings": counting(draft), "scans": scans})
    folder = folder_of(config.output / "pretrained", arm.objective, digest)
    return Pretraining(draft.model_copy(update={"output": folder, "name": folder.name}), digest)


def member_of(
    config: CompareConfig,
    cases: CaseSet,
    arm: Arm,
    draw: tuple[int, int, int],
    pretraining: Pretraining | None,
) -> Member:
    """Return a fine-tuning.

    Parameters
    ----------
    draw
        Count, seed, and which of the run's models it is, from 0.
    """
    count, seed, number = draw
    settings = settings_of(config.finetune, arm.finetune)
    settings |= {"seed": seed + number * APART, "previews": False, "forecast": False}
    settings |= {} if arm.network is None else {"network": arm.network}
    if count == ALL and config.steps_all is not None:
        settings["steps"] = config.steps_all
    folder = config.output / "cases"
    labelled = cases.drawn(count, seed)
    held = write_names(folder / "validation.txt", cases.validation) if cases.validation else None
    if settings.get("unlabelled"):
        # Of all images those of the pool alone: a test case is not to be seen in training.
        settings["unlabelled_ids"] = write_names(folder / "unlabelled.txt", cases.pool)
    draft = FinetuneConfig.create(
        **settings,
        output=config.output,
        checkpoint=str(pretraining.folder) if pretraining else (arm.checkpoint or "none"),
        images=linked_images(cases, folder),
        labels=cases.labels,
        ids=write_names(folder / f"labelled-{counted(count)}-{seed}.txt", labelled),
        validation=held,
        classes=config.classes,
        device=config.device,
        threads=config.threads,
    )
    unlabelled = (
        {"unlabelled": cases.fingerprint(cases.pool, labelled=False)} if draft.unlabelled else {}
    )
    digest = digest_of(
        {
            "settings": counting(draft),
            "labelled": cases.fingerprint(labelled, labelled=True),
            "validation": cases.fingerprint(cases.validation, labelled=True),
            **unlabelled,
            "start": pretraining.digest if pretraining else start_of(arm),
        }
    )
    name = f"{arm.name}-{counted(count)}-{seed}" + (f"-{number}" if number else "")
    output = folder_of(config.output / "finetuned", name, digest)
    return Member(draft.model_copy(update={"output": output, "name": name}), digest)


def prediction_of(config: CompareConfig, arm: Arm) -> PredictConfig:
    """Return how the test cases are predicted, as by ``predict``; with the models of each run.

    Raises
    ------
    InvalidConfig
        If a class is to be repaired that there is not, as far as classes are named.
    """
    prediction = PredictConfig.create(
        **{"repair": config.repair, **settings_of(config.predict, arm.predict)},
        model="members",
        images=("test",),
        output=config.output,
        device=config.device,
        threads=config.threads,
    )
    if config.classes:
        prediction.wanted_of(config.classes)
    return prediction


def settings_of(common: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings: a recipe's, over them those of all arms, over them those of one."""
    merged = {**common, **own}
    recipe = merged.pop("recipe", None)
    return (read_recipe(Path(recipe)) if recipe else {}) | merged


def read_recipe(path: Path) -> dict[str, Any]:
    """Read the settings of a recipe, without those that the comparison settles."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InvalidConfig(f"the recipe {path} cannot be read ({error}); check it") from error
    return {name: value for name, value in settings.items() if name not in SETTLED}
