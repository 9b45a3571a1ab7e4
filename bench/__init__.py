"""Measurements, each as a ratio within one run, since machines and their moods differ."""
