"""Training of the networks that come with the app: ``python -m core.train --help``."""
