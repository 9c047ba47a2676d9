"""Experiments that begin with data instead of noise: drawn from the set itself, or the user's own picture."""

from pydantic import Field, model_validator
from torch import Tensor

from core.data import IMAGE_DATA
from core.data.pictures import unpack_picture
from core.experiments.build import Stop, build_model, is_exact, never, precision_of
from core.experiments.specification import Data, ImageData, Timed
from core.grids import make_grid
from core.language import mark, message
from core.problem import Problem
from core.solve import Cancelled, solve

OWN_SAMPLES = (
    "dpmpp-2m",
    30,
)  # solver and steps of a network's own images, where it ships without those it learned from
UNRELATED = 1000  # draws for the distance between two that have nothing to do with each other


class FromData(Timed):
    """An experiment on given data; ``picture`` is an image of the set's size as :func:`pack_picture` writes it."""

    picture: str | None = Field(
        None, description="your own image in place of those of the set: its bytes in base64 for addresses"
    )

    @model_validator(mode="after")
    def _of_its_size(self) -> "FromData":
        if self.picture is not None:
            if self.data.kind != "images":
                raise ValueError(message("a picture needs images; 2-D data have points"))
            unpack_picture(self.picture, IMAGE_DATA[self.data.name].shape)
        return self


def set_of(data: Data) -> Data | None:
    """The data whose members are known: these themselves, or those that their network learned from; None if neither."""
    if is_exact(data):
        return data.model_copy(update={"guidance": None})  # guided or not, the members are the same
    learned_from = IMAGE_DATA[data.name].trained_on
    if learned_from in IMAGE_DATA and IMAGE_DATA[learned_from].exact:
        return ImageData(name=learned_from, label=data.label)
    return None


def clean_data(spec: FromData, problem: Problem, particles: int, seed: int, stop: Stop = never) -> tuple[Tensor, str]:
    """What an experiment begins with, (particles, *shape) in the run's precision, and what it is in words.

    The user's picture as often as there are particles; else draws from the set, or from the set that a network learned
    from, or the network's own images. Row i does not depend on the number of particles.

    Raises
    ------
    Cancelled
        If ``stop`` said so.
    """
    if spec.picture is not None:
        image = unpack_picture(spec.picture, IMAGE_DATA[spec.data.name].shape)
        return image.expand(particles, *image.shape).contiguous(), message("your picture")
    members = set_of(spec.data)
    if members is not None:
        drawn = build_model(members).sample(particles, seed).to(precision_of(spec.data))
        source = mark("drawn from the data" if is_exact(spec.data) else "drawn from what the network learned from")
        return drawn, message(source)
    solver, steps = OWN_SAMPLES
    times = make_grid("uniform-lambda", problem.schedule, steps)
    noise = problem.sample_prior(particles, times[0], seed=seed, dtype=precision_of(spec.data))
    run = solve(problem, solver, times, noise, record=False, cancel=stop)
    if run.cancelled:
        raise Cancelled(run.message)
    return run.final.cpu(), message("the network's own images")


def unrelated_distance(spec: FromData, clean: Tensor) -> float | None:
    """RMS distance of ``clean`` from draws that have nothing to do with it; None where no set is known."""
    members = set_of(spec.data)
    if members is None:
        return None
    others = build_model(members).sample(UNRELATED, spec.seed + 1).double().flatten(1)
    own = clean.double().flatten(1)
    # the mean over all pairs, without making them
    square = own.square().mean() + others.square().mean() - 2 * (own.mean(0) * others.mean(0)).mean()
    return float(square.sqrt())


def clean_text(spec: FromData, dtype: str) -> str:
    """The lines that make ``clean``, as :func:`clean_data` does."""
    count, seed = spec.particles, spec.seed
    if spec.picture is not None:
        shape = IMAGE_DATA[spec.data.name].shape
        return f'picture = unpack_picture("{spec.picture}", {shape})\nclean = picture.expand({count}, *picture.shape)'
    if is_exact(spec.data):
        source = "model" if spec.data.guidance is None else f"family.of_label({spec.data.label})"
        return f"clean = {source}.sample({count}, seed={seed}).to({dtype})"
    members = set_of(spec.data)
    if members is not None:
        label = "" if members.label is None else f", label={members.label}"
        return f'clean = make_images("{members.name}"{label}).sample({count}, seed={seed}).to({dtype})'
    solver, steps = OWN_SAMPLES
    return f"""own_times = make_grid("uniform-lambda", problem.schedule, {steps})
own_noise = problem.sample_prior({count}, own_times[0], seed={seed}, dtype={dtype})
clean = solve(problem, "{solver}", own_times, own_noise, record=False).final.cpu()"""
