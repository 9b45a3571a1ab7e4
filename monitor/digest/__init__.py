"""The step that makes the daily digest."""
