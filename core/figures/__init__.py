"""Figures: pure functions from a result to a Plotly figure, each with a sentence that says what it shows."""
