"""Runs to reports: what a command says, as values. Pure: no printing, no files, no clock."""
