"""Guided tours: texts in ``assets/lessons``, whose every step is a specification, words, and a question that the
computation answers."""

from core.lessons.facts import answer_of, evaluate, holds
from core.lessons.lesson import Lesson, Question, Reading, Step, Try, all_lessons, lesson_texts
from core.lessons.pictures import PICTURES

__all__ = [
    "PICTURES",
    "Lesson",
    "Question",
    "Reading",
    "Step",
    "Try",
    "all_lessons",
    "answer_of",
    "evaluate",
    "holds",
    "lesson_texts",
]
