"""Backstay: LLM work on AWS so that it holds. Task authors import from `backstay.task` alone."""
