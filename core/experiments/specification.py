"""Experiments as frozen, validated, JSON-serialisable specifications: the parts all share, and the first four.

The same specification is the cache key, the deep link, the downloadable recipe, the argument of ``python -m core`` and
the snippet of code shown to the user. Each limit exists to keep a run within reach of a small shared machine or to
keep a picture readable; the messages say which.
"""

import math
from typing import Annotated, Any, ClassVar, Literal, Protocol

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from core.data import IMAGE_DATA, TOY_DATA
from core.experiments.choices import Frozen, GridChoice, GuidanceChoice, SolverChoice
from core.experiments.given import (
    CUSTOM,
    DRAWN,
    OWN,
    Data,
    ImageData,
    ToyData,
    check_unguided,
    classes_of,
    has_law,
    is_exact,
    kind_of,
    known,
)
from core.grids import GRIDS
from core.language import mark, message
from core.schedules import SCHEDULES, make_schedule
from core.solvers import SOLVERS

__all__ = [
    "CUSTOM",
    "DRAWN",
    "FARTHEST",
    "MAX_GRIDS",
    "MAX_IMAGES",
    "MAX_IMAGE_STEPS",
    "MAX_LINES",
    "MAX_RECORDED",
    "MAX_TOY_PARTICLES",
    "MAX_TOY_STEPS",
    "OWN",
    "ConvergenceSpec",
    "CurvatureSpec",
    "Data",
    "Distinct",
    "Frozen",
    "GridChoice",
    "GridName",
    "GuidanceChoice",
    "ImageData",
    "ScheduleName",
    "SchedulesSpec",
    "Setting",
    "SolverChoice",
    "Specification",
    "Timed",
    "ToyData",
    "TrajectoriesSpec",
    "check_unguided",
    "classes_of",
    "has_law",
    "is_exact",
]

MAX_TOY_PARTICLES, MAX_IMAGES = 5000, 64
MAX_TOY_STEPS, MAX_IMAGE_STEPS = 1000, 200
MAX_RECORDED = 20_000_000  # numbers in all recorded paths: 160 MB in float64
MAX_LINES = 5  # solvers or schedules in one picture: more cannot be told apart
MAX_GRIDS = 8  # each is a row for every schedule
FARTHEST = 1000.0  # of a starting point: a few times the largest noise of any schedule


def _distinct(values: tuple) -> tuple:
    return tuple(dict.fromkeys(values))


def _parted(value: Any) -> Any:
    """A point from a link, "x,y,step", as its parts."""
    parts = value.split(",") if isinstance(value, str) else value
    if isinstance(parts, list | tuple) and len(parts) != 3:
        raise ValueError(message("a starting point is three numbers, x,y,step; got {count}", count=len(parts)))
    return parts


Distinct = AfterValidator(_distinct)  # the same line twice in a picture would say nothing
ScheduleName = Annotated[str, known(SCHEDULES)]
GridName = Annotated[str, known(GRIDS)]


class Setting(Frozen):
    """What all experiments share: data, particles and seed."""

    data: Data = ToyData()
    particles: int = Field(256, ge=1, description="how many start from noise")
    seed: int = Field(0, ge=0, le=2**31 - 1, description="of the starting noise and of solvers that draw noise")

    most_particles: ClassVar[int] = MAX_TOY_PARTICLES
    learned: ClassVar[bool] = True  # whether it can serve data whose model is learned
    guided: ClassVar[bool] = True  # whether it can serve guided models, whose samples have no known law
    classed: ClassVar[bool] = False  # whether it needs data with classes
    image_particles: ClassVar[int] = 8  # where only images are named
    most_numbers: ClassVar[float] = math.inf  # of one particle

    @model_validator(mode="after")
    def _affordable(self) -> "Setting":
        if self.data.kind == "images" and self.particles > MAX_IMAGES:
            raise ValueError(
                message(
                    "at most {most} images at a time (memory and time), got {particles}",
                    most=MAX_IMAGES,
                    particles=self.particles,
                )
            )
        if self.particles > self.most_particles:
            raise ValueError(
                message(
                    "at most {most} particles here (time and size), got {particles}",
                    most=self.most_particles,
                    particles=self.particles,
                )
            )
        return self

    @model_validator(mode="after")
    def _answerable(self) -> "Setting":
        if not self.guided:
            check_unguided(self.data)
        if not has_law(self.data):
            told = (
                mark(
                    "{label} needs the exact density of the data, which the guided model does not have; choose another "
                    "solver, or data with an exact score and no guidance"
                )
                if self.data.guidance
                else mark(
                    "{label} needs the exact density of the data, which the learned model of {data} does not have; "
                    "choose another solver, or data with an exact score and no guidance"
                )
            )
            for choice in (*getattr(self, "solvers", ()), *filter(None, [getattr(self, "solver", None)])):
                if choice.exact_data:
                    raise ValueError(message(told, label=choice.label, data=repr(self.data.name)))
        return self

    def _check_recorded(self, paths: int, steps: int, fewer: str) -> None:
        recorded = paths * (steps + 1) * self.particles * self.data.numbers
        if recorded > MAX_RECORDED:
            raise ValueError(
                message(
                    "{particles} particles of {numbers} numbers on {paths} x {steps} steps make {recorded:.0f} "
                    "million numbers; at most {most:.0f} million fit in memory; take fewer particles or "
                    "{fewer}",
                    particles=self.particles,
                    numbers=self.data.numbers,
                    paths=paths,
                    steps=steps,
                    recorded=recorded / 1e6,
                    most=MAX_RECORDED / 1e6,
                    fewer=message(fewer),
                )
            )


class Timed(Setting):
    """An experiment under one schedule and one time grid; None takes the end of the schedule's range."""

    schedule: ScheduleName = Field("vp-linear", description="noise schedule")
    grid: GridChoice = Field(GridChoice(name="uniform-lambda"), description="where the steps are put")
    t_start: float | None = Field(None, description="time of the noise that solvers start from")
    t_end: float | None = Field(None, description="time at which they stop, near the data")

    @model_validator(mode="after")
    def _inside(self) -> "Timed":
        schedule = make_schedule(self.schedule)
        start = schedule.t_max if self.t_start is None else self.t_start
        end = schedule.t_min if self.t_end is None else self.t_end
        if not schedule.t_min <= end < start <= schedule.t_max:
            raise ValueError(
                message(
                    "times from {start:g} to {end:g} do not fit schedule {schedule}: it needs {t_min:g} <= t_end < "
                    "t_start <= {t_max:g}",
                    start=start,
                    end=end,
                    schedule=repr(self.schedule),
                    t_min=schedule.t_min,
                    t_max=schedule.t_max,
                )
            )
        return self

    @model_validator(mode="after")
    def _laid(self) -> "Timed":
        self._check_grid(1)
        return self

    def _check_grid(self, *step_counts: int) -> list[tuple[float, float]]:
        """First and last time of the grid for each step count; ``ValueError`` if one cannot be laid."""
        schedule = make_schedule(self.schedule)
        grids = [self.grid.times(schedule, steps, self.t_start, self.t_end) for steps in step_counts]
        return [(float(times[0]), float(times[-1])) for times in grids]


def _check_steps(data: Data, steps: int) -> None:
    most = MAX_TOY_STEPS if data.kind == "toy" else MAX_IMAGE_STEPS
    if not 1 <= steps <= most:
        raise ValueError(
            message(
                "step counts for {kind} data go from 1 to {most}, got {steps}",
                kind=kind_of(data),
                most=most,
                steps=steps,
            )
        )


class TrajectoriesSpec(Timed):
    """Several solvers from the same noise, with the reference path."""

    kind: Literal["trajectories"] = "trajectories"
    solvers: Annotated[tuple[SolverChoice, ...], Distinct] = Field(
        (SolverChoice(name="euler"), SolverChoice(name="ddim"), SolverChoice(name="dpmpp-2m")),
        min_length=1,
        max_length=MAX_LINES,
        description=f"up to {MAX_LINES} solvers",
    )
    steps: int = Field(10, description="intervals of the time grid")
    start: Annotated[tuple[float, float, int] | None, BeforeValidator(_parted)] = Field(
        None, description="a point to start from: x, y and the step at whose time it starts"
    )

    @model_validator(mode="after")
    def _steps(self) -> "TrajectoriesSpec":
        _check_steps(self.data, self.steps)
        if self.start is not None:
            _check_start(self.data, self.steps, *self.start)
        self._check_grid(self.steps)
        self._check_recorded(len(self.solvers), self.steps, mark("steps or solvers"))
        return self


def _check_start(data: Data, steps: int, x: float, y: float, step: int) -> None:
    if data.kind != "toy":
        raise ValueError(message("a starting point is a place in the plane: it needs 2-D data"))
    if not max(abs(x), abs(y)) <= FARTHEST:
        raise ValueError(
            message(
                "a starting point lies within {most:g} of the middle, got ({x:g}, {y:g})",
                most=FARTHEST,
                x=x,
                y=y,
            )
        )
    if not 0 <= step < steps:
        raise ValueError(
            message("a starting point starts at a step from 0 to {steps}, got {step}", steps=steps - 1, step=step)
        )


def _without_noise(choice: SolverChoice) -> SolverChoice:
    if SOLVERS[choice.name].stochastic:
        raise ValueError(
            message(
                "{label} draws noise, so it has no error against the ODE; choose solvers without noise",
                label=choice.label,
            )
        )
    return choice


class ConvergenceSpec(Timed):
    """Error against step count for several solvers, and along the path for one step count."""

    kind: Literal["convergence"] = "convergence"
    solvers: Annotated[tuple[Annotated[SolverChoice, AfterValidator(_without_noise)], ...], Distinct] = Field(
        (
            SolverChoice(name="ddim"),
            SolverChoice(name="edm-heun"),
            SolverChoice(name="dpmpp-2m"),
            SolverChoice(name="dpmpp-3m"),
            SolverChoice(name="dpmpp-3m-as-published"),
        ),
        min_length=1,
        max_length=8,
        description="up to 8 solvers that draw no noise",
    )
    step_counts: tuple[int, ...] = Field(
        (5, 10, 20, 40, 80, 160, 320, 640), min_length=2, max_length=12, description="rising step counts, 2 to 12"
    )
    path_steps: int = Field(20, description="step count of the runs whose error is shown along the path")
    precision: Literal["float64", "float32"] = Field("float64", description="of 2-D particles: float64 or float32")
    timed: bool = Field(False, description="also time each run, repeatedly: true or false")

    @model_validator(mode="after")
    def _steps(self) -> "ConvergenceSpec":
        for steps in (*self.step_counts, self.path_steps):
            _check_steps(self.data, steps)
        if any(b <= a for a, b in zip(self.step_counts, self.step_counts[1:], strict=False)):
            raise ValueError(message("step counts must rise, got {names}", names=", ".join(map(str, self.step_counts))))
        starts = sorted({start for start, _ in self._check_grid(*self.step_counts, self.path_steps)})
        if len(starts) > 1:
            raise ValueError(
                message(
                    "grid {name} starts at another time for another step count (t = {first:g} to {last:g}), so "
                    "errors cannot be compared; choose another grid",
                    name=repr(self.grid.name),
                    first=starts[0],
                    last=starts[-1],
                )
            )
        self._check_recorded(1, self.path_steps, mark("steps of the path"))
        return self


class CurvatureSpec(Setting):
    """The shape of probability-flow paths under several schedules; ``nodes`` is the number of recorded intervals."""

    kind: Literal["curvature"] = "curvature"
    schedules: Annotated[tuple[ScheduleName, ...], Distinct] = Field(
        ("vp-linear", "edm", "flow"), min_length=1, max_length=4, description="up to 4 noise schedules"
    )
    nodes: int = Field(200, ge=20, le=500, description="recorded intervals of each path, 20 to 500")
    beside: str | None = Field(None, description="a data set of the other kind (2-D or images), to compare bends with")

    most_particles: ClassVar[int] = 1000
    beside_particles: ClassVar[dict[str, int]] = {"toy": 200, "images": 8}  # of the other kind: 2-D, images

    @model_validator(mode="after")
    def _recorded(self) -> "CurvatureSpec":
        self._check_recorded(len(self.schedules), self.nodes, mark("nodes or schedules"))
        if self.other is not None:
            self.other._check_recorded(len(self.schedules), self.nodes, mark("nodes or schedules"))
        return self

    @property
    def other(self) -> "CurvatureSpec | None":
        """The same for the data beside, with a number of particles fit for them; ``ValueError`` if unknown."""
        if self.beside is None:
            return None
        if self.data.kind == "images":
            TOY_DATA[self.beside]
            data: ToyData | ImageData = ToyData(name=self.beside)
        else:
            data = ImageData(name=self.beside, label=0 if IMAGE_DATA[self.beside].needs_label else None)
        changed = {"data": data, "particles": self.beside_particles[data.kind], "beside": None}
        return self.model_copy(update=changed)


class SchedulesSpec(Frozen):
    """Schedules and grids themselves, and a 1-D slice of the data flowing through time."""

    kind: Literal["schedules"] = "schedules"
    schedules: Annotated[tuple[ScheduleName, ...], Distinct] = Field(
        ("vp-linear", "vp-cosine", "flow"),
        min_length=1,
        max_length=MAX_LINES,
        description=f"up to {MAX_LINES} noise schedules",
    )
    grids: Annotated[tuple[GridChoice, ...], Distinct] = Field(
        tuple(GridChoice(name=name) for name in ("uniform-t", "uniform-lambda", "karras", "cosine")),
        min_length=1,
        max_length=MAX_GRIDS,
        description=f"up to {MAX_GRIDS} time grids",
    )
    steps: int = Field(20, ge=1, le=200, description="intervals of each grid, 1 to 200")
    data: Data = ToyData()

    guided: ClassVar[bool] = False

    @model_validator(mode="after")
    def _laid(self) -> "SchedulesSpec":
        check_unguided(self.data)
        schedules = [make_schedule(name) for name in self.schedules]
        for grid in self.grids:
            fitting = [schedule for schedule in schedules if grid.info.fits(schedule)]
            for schedule in fitting or schedules[:1]:  # where it fits none, the first says why
                grid.times(schedule, self.steps)
        return self


class Specification(Protocol):
    """The settings of any experiment: a frozen model of its own module, told apart from the others by ``kind``.

    Which there are is written in one place, ``core.experiments.run.EXPERIMENTS``; whatever reads a specification of any
    kind looks its class up there by ``kind``.
    """

    kind: str
    data: Data

    def model_dump_json(self) -> str: ...

    def model_dump(self, *, mode: str = "python") -> dict[str, Any]: ...
