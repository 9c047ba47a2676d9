"""What the player says, in the language of the reader."""

from core.language import tr


def player_words() -> dict[str, str]:
    """Its labels; names in braces are filled in by the player."""
    return {
        "player": tr("Player"),
        "shown": tr("What is shown"),
        "play": tr("Play"),
        "pause": tr("Pause"),
        "back": tr("One step back"),
        "next": tr("One step on"),
        "time": tr("Time, from noise to data"),
        "speed": tr("Speed"),
        "loop": tr("Play again and again"),
        "apart": tr("One picture for each solver"),
        "place": tr("Place a starting point with a click"),
        "press": tr("Press into the picture: the path starts there."),
        "remove": tr("Remove the starting point"),
        "bigger": tr("Zoom in"),
        "smaller": tr("Zoom out"),
        "whole": tr("Show everything"),
        "picture": tr("Save as PNG"),
        "film": tr("Save as a film"),
        "filming": tr("Recording one run"),
        "clock": tr("step {step} of {steps} · t = {t} · λ = {lambda}"),
        "particle": tr("Particle {number}"),
        "gone": tr("broke off"),
        "off": tr(", {distance} from the reference"),
        "evaluations": tr("evaluations and their direction"),
        "data": tr("data"),
        "reference": tr("reference path"),
        "density": tr("density"),
        "contours": tr("lines of equal density"),
        "flow": tr("flow of the ODE"),
        "state": tr("x at this time"),
        "x0": tr("predicted x0"),
    }
