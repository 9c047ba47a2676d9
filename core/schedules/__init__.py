"""Noise schedules: ``alpha_t`` and ``sigma_t`` of each forward process, and nothing else."""

from core.schedules.base import Schedule
from core.schedules.registry import SCHEDULES, ScheduleInfo, make_schedule

__all__ = ["SCHEDULES", "Schedule", "ScheduleInfo", "make_schedule"]
