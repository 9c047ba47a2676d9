"""Random specifications of every experiment, drawn from the fields' own limits."""

import torch
from hypothesis import strategies as st

from core.analysis.distances import DISTANCES
from core.analysis.weak import TEST_FUNCTIONS
from core.data import IMAGE_DATA, TOY_DATA
from core.data.drawing import EXAMPLE
from core.data.pictures import pack_picture
from core.data.points import LARGEST
from core.experiments import (
    ConvergenceSpec,
    CurvatureSpec,
    GridChoice,
    ImageData,
    SchedulesSpec,
    SolverChoice,
    ToyData,
    TrajectoriesSpec,
)
from core.experiments.boomerang import MOST_STEPS as BACK_STEPS
from core.experiments.boomerang import BoomerangSpec
from core.experiments.bounds import BoundsSpec
from core.experiments.choices import GuidanceChoice
from core.experiments.grid_map import MOST_NFE, GridMapSpec
from core.experiments.guidance import MOST_STEPS as GUIDED_STEPS
from core.experiments.guidance import GuidanceSpec
from core.experiments.inversion import InversionSpec
from core.experiments.local_error import MOST_STEPS, LocalErrorSpec
from core.experiments.noise_sweep import NoiseSweepSpec, samplers
from core.experiments.order_table import OrderTableSpec
from core.experiments.precision import DTYPES, PrecisionSpec
from core.experiments.scores import NEED_DENSITY
from core.experiments.sde_orders import FINER, SdeOrdersSpec
from core.experiments.sde_orders import MOST_STEPS as SDE_STEPS
from core.experiments.specification import (
    MAX_IMAGE_STEPS,
    MAX_IMAGES,
    MAX_TOY_STEPS,
    Frozen,
    classes_of,
    has_law,
    is_exact,
)
from core.experiments.straightening import MOST_NUMBERS, StraighteningSpec
from core.experiments.time_grids import MOST_TRAINING, TimeGridsSpec
from core.grids import GRIDS
from core.models.perturbed import WHERE
from core.schedules import SCHEDULES, make_schedule
from core.solvers import SOLVERS

KINDS = (
    TrajectoriesSpec,
    ConvergenceSpec,
    CurvatureSpec,
    SchedulesSpec,
    LocalErrorSpec,
    GridMapSpec,
    OrderTableSpec,
    PrecisionSpec,
    TimeGridsSpec,
    NoiseSweepSpec,
    GuidanceSpec,
    SdeOrdersSpec,
    BoundsSpec,
    InversionSpec,
    BoomerangSpec,
    StraighteningSpec,
)


DRAWINGS = (EXAMPLE, "a100f3a900p21~", "a512k7a505~1:0.5:-0.25:0.7:0.1:-20")


def choices(registry: object, most: int) -> st.SearchStrategy:
    return st.lists(st.sampled_from(list(registry)), min_size=1, max_size=most, unique=True).map(tuple)


def toy_data() -> st.SearchStrategy:
    coordinates = st.floats(-LARGEST, LARGEST)
    own = st.lists(st.tuples(coordinates, coordinates), min_size=2, max_size=100).map(tuple)
    scale = st.floats(0.1, 4.0)
    width = st.none() | st.floats(0.01, 1.0)
    named = st.sampled_from([name for name, info in TOY_DATA.items() if info.bandwidth is not None])
    fixed = st.sampled_from([name for name, info in TOY_DATA.items() if info.bandwidth is None])
    return st.one_of(
        st.builds(ToyData, name=named, scale=scale, bandwidth=width),
        st.builds(ToyData, name=fixed, scale=scale),
        st.builds(ToyData, name=st.just("custom"), scale=scale, bandwidth=width, points=own),
        st.builds(ToyData, name=st.just("drawn"), scale=scale, drawing=st.sampled_from(DRAWINGS)),
    )


@st.composite
def image_data(draw: st.DrawFn) -> ImageData:
    name = draw(st.sampled_from(list(IMAGE_DATA)))
    count = len(IMAGE_DATA[name].classes)
    return ImageData(name=name, label=draw(st.none() | st.integers(0, count - 1)) if count else None)


@st.composite
def solver(draw: st.DrawFn, noisy: bool, adaptive: bool = True) -> str:
    """A solver's text with some of its options."""
    fitting = [n for n, i in SOLVERS.items() if (noisy or not i.stochastic) and (adaptive or not i.adaptive)]
    name = draw(st.sampled_from(fitting))
    options = []
    for key, option in SOLVERS[name].options.items():
        if draw(st.booleans()):
            value = draw(st.sampled_from(option.choices) if option.choices else st.floats(option.low, option.high))
            options.append(f"{key}={str(value).lower() if isinstance(value, bool) else value}")
    return f"{name}({';'.join(options)})" if options else name


@st.composite
def grids(draw: st.DrawFn, *schedules: str) -> str:
    """A time grid's text that fits these schedules, with some of its options."""
    spans = [make_schedule(name) for name in schedules]
    name = draw(st.sampled_from([name for name, info in GRIDS.items() if all(map(info.fits, spans))]))
    options = []
    for key, option in GRIDS[name].options.items():
        if not option.most and draw(st.booleans()):
            value = draw(st.sampled_from(option.choices) if option.choices else st.floats(option.low, option.high))
            options.append(f"{key}={value}")
    if name == "custom" and draw(st.booleans()):
        low, high = max(span.t_min for span in spans), min(span.t_max for span in spans)
        times = draw(st.lists(st.floats(low, high), min_size=2, max_size=9, unique=True))
        options = [f"t={' '.join(map(repr, sorted(times, reverse=True)))}"]
    return f"{name}({';'.join(options)})" if options else name


def laid(grid: str, schedule: str, counts: list[int], t_start: float | None = None, t_end: float | None = None) -> str:
    """``grid`` if it can be laid with these step counts from one start, else a plain grid: refusals have own tests."""
    try:
        choice, span = GridChoice.model_validate(grid), make_schedule(schedule)
        starts = {float(choice.times(span, steps, t_start, t_end)[0]) for steps in counts}
    except ValueError:
        return "uniform-t"
    return grid if len(starts) == 1 else "uniform-t"


@st.composite
def timed(draw: st.DrawFn, counts: list[int]) -> dict:
    name = draw(st.sampled_from(list(SCHEDULES)))
    schedule = make_schedule(name)
    fields = {"schedule": name}
    width = schedule.t_max - schedule.t_min
    first = draw(st.floats(schedule.t_min + width / 100, schedule.t_max))
    if draw(st.booleans()):
        fields["t_start"] = first
    if draw(st.booleans()):  # not so near the start that steps coincide
        fields["t_end"] = draw(st.floats(schedule.t_min, fields.get("t_start", schedule.t_max) - width / 200))
    ends = (fields.get("t_start"), fields.get("t_end"))
    return fields | {"grid": laid(draw(grids(name)), name, [1, *counts], *ends)}


@st.composite
def specifications(draw: st.DrawFn, kind: type[Frozen] | None = None) -> Frozen:
    kind = kind or draw(st.sampled_from(KINDS))
    if kind is BoundsSpec:
        return BoundsSpec(
            data=draw(toy_data().filter(lambda data: data.points is None or len(set(data.points)) > 2)),
            shift=draw(st.floats(0, 10)),
            horizon=draw(st.floats(0.5, 12)),
            step=draw(st.floats(0.002, 0.5)),
            error=draw(st.floats(0, 2)),
        )
    if kind is SchedulesSpec:
        schedules, steps = draw(choices(SCHEDULES, 5)), draw(st.integers(1, 200))
        wanted = draw(st.lists(grids(*schedules), min_size=1, max_size=8))
        return SchedulesSpec(
            schedules=schedules,
            grids=tuple(grid for grid in wanted if all(laid(grid, name, [steps]) == grid for name in schedules))
            or ("karras",),
            steps=steps,
            data=draw(toy_data()),
        )
    data = draw(toy_data() | image_data())
    if getattr(kind, "guided", True):
        data = draw(_towards(data))
    images = data.kind == "images"
    most_steps = MAX_IMAGE_STEPS if images else MAX_TOY_STEPS
    # large images with many steps meet the limit on recorded numbers, which has a test of its own
    fields = {
        "data": data,
        "particles": draw(st.integers(1, min(MAX_IMAGES, 4) if images else 400)),
        "seed": draw(st.integers(0, 2**31 - 1)),
    }
    if kind is CurvatureSpec:
        beside = draw(st.sampled_from([None, *(TOY_DATA if images else IMAGE_DATA)]))
        nodes = draw(st.integers(20, 100 if beside == "patches-32" else 500))  # more of those would not fit
        return CurvatureSpec(schedules=draw(choices(SCHEDULES, 4)), nodes=nodes, beside=beside, **fields)
    if kind in ON_ERRORS:
        return draw(ON_ERRORS[kind](fields, most_steps))
    solvers = st.lists(_fitting(data, solver(noisy=kind is TrajectoriesSpec)), min_size=1, max_size=5).map(tuple)
    if kind is TrajectoriesSpec:
        steps = draw(st.integers(1, most_steps))
        return TrajectoriesSpec(solvers=draw(solvers), steps=steps, **fields, **draw(timed([steps])))
    counts = draw(st.lists(st.integers(1, most_steps), min_size=2, max_size=12, unique=True))
    path_steps = draw(st.integers(1, most_steps))
    return ConvergenceSpec(
        solvers=draw(solvers),
        step_counts=tuple(sorted(counts)),
        path_steps=path_steps,
        precision=draw(st.sampled_from(["float64", "float32"])),
        **fields,
        **draw(timed([*counts, path_steps])),
    )


def _fitting(data: ToyData | ImageData, drawn: st.SearchStrategy) -> st.SearchStrategy:
    """Those that a learned or guided model can serve, where the data have only that."""
    lawless = not has_law(data)
    return drawn.map(lambda text: "ddim" if lawless and SolverChoice.model_validate(text).exact_data else text)


def _fixed_step(fields: dict, most: int, least: int = 1) -> st.SearchStrategy:
    drawn = _fitting(fields["data"], solver(noisy=False, adaptive=False))
    return st.lists(drawn, min_size=least, max_size=most).map(tuple)


def _rising(most_steps: int, least: int, most: int) -> st.SearchStrategy:
    counts = st.lists(st.integers(1, most_steps), min_size=least, max_size=most, unique=True)
    return counts.map(sorted).map(tuple)


@st.composite
def _local_error(draw: st.DrawFn, fields: dict, most_steps: int) -> LocalErrorSpec:
    steps = draw(st.integers(2, MOST_STEPS[fields["data"].kind]))
    return LocalErrorSpec(solvers=draw(_fixed_step(fields, 5)), steps=steps, **fields, **draw(timed([steps])))


@st.composite
def _grid_map(draw: st.DrawFn, fields: dict, most_steps: int) -> GridMapSpec:
    schedule = draw(st.sampled_from(list(SCHEDULES)))
    return GridMapSpec(
        solvers=draw(_fixed_step(fields, 4, least=0)),
        grids=tuple(draw(st.lists(grids(schedule), max_size=4))),
        schedule=schedule,
        nfe=draw(st.integers(1, MOST_NFE[fields["data"].kind])),
        begin=draw(st.sampled_from(["noise", "middle"])),
        **fields,
    )


@st.composite
def _order_table(draw: st.DrawFn, fields: dict, most_steps: int) -> OrderTableSpec:
    schedules = draw(choices(SCHEDULES, 4))
    return OrderTableSpec(
        solvers=draw(_fixed_step(fields, 4)),
        schedules=schedules,
        grids=tuple(draw(st.lists(grids(*schedules), min_size=1, max_size=4))),
        step_counts=draw(_rising(min(most_steps, 600), 3, 10)),
        begin=draw(st.sampled_from(["noise", "middle"])),
        **fields,
    )


@st.composite
def _precision(draw: st.DrawFn, fields: dict, most_steps: int) -> PrecisionSpec:
    counts = draw(_rising(most_steps, 2, 12))
    wanted = st.lists(st.sampled_from(list(DTYPES)), min_size=1, max_size=4, unique=True).map(tuple)
    shared = fields | draw(timed(list(counts)))
    return PrecisionSpec(solvers=draw(_fixed_step(fields, 4)), step_counts=counts, precisions=draw(wanted), **shared)


@st.composite
def _time_grids(draw: st.DrawFn, fields: dict, most_steps: int) -> TimeGridsSpec:
    kind = fields["data"].kind
    data = {} if kind == "toy" or IMAGE_DATA[fields["data"].name].exact else {"data": ImageData(name="digits")}
    span = {key: value for key, value in draw(timed([])).items() if key != "grid"}
    return TimeGridsSpec(
        solver=draw(st.sampled_from([n for n, i in SOLVERS.items() if not (i.stochastic or i.adaptive)])),
        nfe=draw(st.integers(20, 60)),
        training=draw(st.integers(4, MOST_TRAINING[kind])),
        **fields | data | span,
    )


def _exact(fields: dict) -> dict:
    """The same with other images where a learned model would be in the way."""
    data = fields["data"]
    learned = data.kind == "images" and not IMAGE_DATA[data.name].exact
    return fields | ({"data": ImageData(name="digits")} if learned else {})


def _score_error(draw: st.DrawFn, data: ToyData | ImageData) -> dict:
    named = [name for name in DISTANCES if data.kind == "toy" or name not in NEED_DENSITY]
    return {
        "error": draw(st.sampled_from(["none", "field", "eager"])),
        "size": draw(st.floats(0, 2)),
        "where": draw(st.sampled_from(list(WHERE))),
        "distance": draw(st.sampled_from(named)),
    }


@st.composite
def _noise(draw: st.DrawFn, fields: dict, most_steps: int) -> NoiseSweepSpec:
    fields = _exact(fields) | {"particles": draw(st.integers(10, 60))}
    nfe = draw(st.integers(2, MOST_NFE[fields["data"].kind]))
    values = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), max_size=4, unique=True).map(sorted).map(tuple)
    free = [name for name in samplers() if not SOLVERS[name].options[SOLVERS[name].knob.option].choices]
    sampler = draw(st.sampled_from(free))
    wrong = _score_error(draw, fields["data"])
    return NoiseSweepSpec(solver=sampler, values=draw(values), nfe=nfe, **fields, **wrong, **draw(timed([1, nfe])))


@st.composite
def _sde_orders(draw: st.DrawFn, fields: dict, most_steps: int) -> SdeOrdersSpec:
    fields = _exact(fields) | {"particles": draw(st.integers(2, 60))}
    counts = draw(_rising(SDE_STEPS[fields["data"].kind], 3, 8))
    drawing = solver(noisy=True).filter(lambda text: SOLVERS[SolverChoice.model_validate(text).name].stochastic)
    return SdeOrdersSpec(
        solvers=draw(st.lists(drawing, min_size=1, max_size=5).map(tuple)),
        step_counts=counts,
        test=draw(st.sampled_from(list(TEST_FUNCTIONS))),
        **fields,
        **draw(timed([*counts, FINER * counts[-1]])),
    )


@st.composite
def _inversion(draw: st.DrawFn, fields: dict, most_steps: int) -> InversionSpec:
    counts, steps = draw(_rising(most_steps, 2, 10)), draw(st.integers(1, most_steps))
    span = draw(timed([*counts, steps]))
    grid, schedule = GridChoice.model_validate(span["grid"]), make_schedule(span["schedule"])
    laid_out = [grid.times(schedule, n, span.get("t_start"), span.get("t_end")) for n in (*counts, steps)]
    return InversionSpec(
        solvers=draw(_fixed_step(fields, 5)),
        step_counts=counts,
        steps=steps,
        dither=draw(st.booleans()),
        picture=draw(_picture(fields["data"])),
        **fields,
        **span | ({"grid": "uniform-t"} if len({(t[0].item(), t[-1].item()) for t in laid_out}) > 1 else {}),
    )


@st.composite
def _boomerang(draw: st.DrawFn, fields: dict, most_steps: int) -> BoomerangSpec:
    drawn = _fitting(fields["data"], solver(noisy=True))
    return BoomerangSpec(
        solvers=draw(st.lists(drawn, min_size=1, max_size=4).map(tuple)),
        steps=draw(st.integers(1, BACK_STEPS[fields["data"].kind])),
        levels=draw(st.integers(2, 12)),
        picture=draw(_picture(fields["data"])),
        schedule=draw(st.sampled_from(list(SCHEDULES))),
        grid=draw(st.sampled_from(["uniform-t", "uniform-lambda"])),
        **fields,
    )


def _picture(data: ToyData | ImageData) -> st.SearchStrategy:
    if data.kind == "toy":
        return st.none()
    shape = IMAGE_DATA[data.name].shape
    return st.none() | st.floats(-1, 1).map(lambda grey: pack_picture(torch.full(shape, grey)))


def _towards(data: ToyData | ImageData) -> st.SearchStrategy:
    """The data, or one class of them with guidance where they have classes."""
    known = classes_of(data)
    if not known:
        return st.just(data)
    texts = [
        "classifier-free(scale=2.5)",
        "classifier(temperature=0.5;on=conditional)",
        "classifier-free(low=-1;high=2)",
    ]
    labels, guidances = st.integers(0, len(known) - 1), st.sampled_from(texts).map(GuidanceChoice.model_validate)
    guided = st.tuples(labels, guidances).map(
        lambda both: data.model_copy(update={"label": both[0], "guidance": both[1]})
    )
    return st.just(data) | guided


@st.composite
def _guidance(draw: st.DrawFn, fields: dict, most_steps: int) -> GuidanceSpec:
    data = fields["data"]
    if not classes_of(data):
        data = ToyData(name="moons")
    steps = draw(st.integers(1, GUIDED_STEPS[data.kind]))
    scales = draw(st.lists(st.floats(0, 100), min_size=2, max_size=8, unique=True).map(sorted).map(tuple))
    shared = fields | {"data": draw(_towards(data))} | draw(timed([steps]))
    return GuidanceSpec(solvers=draw(_fixed_step(shared, 5)), steps=steps, scales=scales, **shared)


@st.composite
def _straightening(draw: st.DrawFn, fields: dict, most_steps: int) -> StraighteningSpec:
    data = fields["data"]
    if data.guidance is not None or data.numbers > MOST_NUMBERS or not is_exact(data):
        data = ToyData(name="moons")
    flows = ("independent", "network", "transport(batch=16)", "reflow", "reflow(rounds=2)", "learned(beta=0.5)")
    chosen = st.lists(st.sampled_from(flows), min_size=1, max_size=5, unique=True)
    shared = fields | {"data": data, "particles": max(10, min(fields["particles"], 32))}
    return StraighteningSpec(
        flows=draw(chosen.map(tuple)),
        solver=draw(_fitting(data, solver(noisy=False, adaptive=False))),
        step_counts=draw(_rising(100, 2, 10)),
        iterations=draw(st.integers(100, 20_000)),
        **shared,
    )


ON_ERRORS = {
    StraighteningSpec: _straightening,
    LocalErrorSpec: _local_error,
    GridMapSpec: _grid_map,
    OrderTableSpec: _order_table,
    PrecisionSpec: _precision,
    TimeGridsSpec: _time_grids,
    NoiseSweepSpec: _noise,
    GuidanceSpec: _guidance,
    SdeOrdersSpec: _sde_orders,
    InversionSpec: _inversion,
    BoomerangSpec: _boomerang,
}
